from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.personal_numbers import contains_personal_number, luhn


def a_persons(born: date, added: int, serial: int) -> str:
    """Return ten digits of a valid number."""
    nine = f"{born:%y%m}{born.day + added:02}{serial:03}"
    return next(nine + last for last in "0123456789" if luhn(nine + last))


PERSONS = st.builds(
    a_persons,
    st.dates(date(1900, 1, 1), date(2026, 12, 31)),
    st.sampled_from([0, 60]),
    st.integers(0, 999),
)


@given(
    PERSONS,
    st.sampled_from(["", "19", "20"]),
    st.sampled_from(["", "-", "+", " ", " - ", "–", "\u00a0", "−", "\n"]),
    st.from_regex(r"[^\d\W]*[ .,:(]", fullmatch=True),
    st.from_regex(r"[ ,.:)]?[^\d\W]*", fullmatch=True),
)
def test_a_number_is_found_wherever_it_stands(
    ten: str, century: str, sign: str, before: str, after: str
) -> None:
    """Any way of writing it, anywhere in a text."""
    assert contains_personal_number(f"{before}{century}{ten[:6]}{sign}{ten[6:]}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "811228-9874",
        "Anna Ek (19811228-9874) ringde",
        "pnr:8112289874",
        "1981-12-28-9874",
        "81 12 28 9874",
        "８１１２２８-９８７４",
        "811228+9874",
        "٨١١٢٢٨-٩٨٧٤",
        "811228-9874²",
        "10 10 811228 9874",
        "811228\r\n9874",
        "701063-2391",  # samordningsnummer
    ],
)
def test_known_writings_are_found(text: str) -> None:
    """Numbers that Skatteverket publishes for tests, in the ways people write them."""
    assert contains_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "202100-4888",
        "16212000-0142",
        "811228-9875",  # wrong check digit
        "811328-9874",  # no such month
        "810230-9874",  # no such day
        "010-123 45 67",
        "+46 10 123 45 67",
        "LM2019/012207",
        "519-2018/2889",
        "NGP2026-000123",
        "2026-11-24T10:14:54Z",
        "från 2026-01-01–2026-12-31",
        "2026-01-01-2026-12-31",
        "18112289874123",
        "https://api.kommun.se/v1",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """Organisation numbers, telephones, dates and case numbers are no persons."""
    assert not contains_personal_number(text)


@given(st.text(alphabet=st.characters(exclude_categories=["Nd", "No", "Nl", "Cs"])))
def test_a_text_without_digits_holds_none(text: str) -> None:
    """No digits, no number."""
    assert not contains_personal_number(text)


@given(st.from_regex(r"[0-9]{2}[2-9][0-9]{3}-?[0-9]{4}", fullmatch=True))
def test_no_organisation_number_is_taken_for_a_persons(text: str) -> None:
    """The third digit of an organisation number is never below 2, a month's always."""
    assert not contains_personal_number(text)


def test_a_very_long_text_is_read_in_time() -> None:
    """Three million characters made to mislead the search take no noticeable time."""
    assert not contains_personal_number("811228 " * 400_000 + "811228" + " " * 400_000)
