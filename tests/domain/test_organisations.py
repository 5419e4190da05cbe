import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bad_value import BadValue
from domain.organisations import (
    COUNTIES,
    BadOrgNumber,
    Eligible,
    NeedsPerson,
    eligibility,
    parse_municipality_code,
    parse_org_number,
)
from domain.personal_numbers import luhn

DATA = Path(__file__).parents[2] / "data"


def rows(name: str) -> list[dict[str, str]]:
    """Read one of the two registers."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def with_check_digit(nine: str) -> str:
    """Add the check digit to nine digits."""
    return next(nine + last for last in "0123456789" if luhn(nine + last))


ORG_NUMBERS = st.from_regex(r"[1-9][0-9][2-9][0-9]{6}", fullmatch=True).map(with_check_digit)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("202100-4888", "202100-4888"),
        ("2120000142", "212000-0142"),
        (" 212000 0803 ", "212000-0803"),
        ("16212000-0142", "212000-0142"),
        ("16202100–4888", "202100-4888"),
        ("232100-0016", "232100-0016"),
        ("556036-0793", "556036-0793"),
    ],
)
def test_a_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    """Spaces, dashes and a leading 16 make no difference."""
    assert parse_org_number(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        (" - ", "empty"),
        ("212000-0143", "check_digit"),
        ("212000-014", "not_ten_digits"),
        ("212000-01422", "not_ten_digits"),
        ("SE212000014201", "not_ten_digits"),
        ("٢١٢٠٠٠٠١٤٢", "not_ten_digits"),
        ("19212000-0142", "not_ten_digits"),
        ("900101-1239", "personal_number"),
        ("900101-1230", "personal_number"),  # a wrong check digit makes nobody less a person
        ("19900101-1239", "personal_number"),
        ("20050101 1234", "personal_number"),
        ("16900101-1239", "personal_number"),
        ("900161-1234", "personal_number"),
        ("19900161-1234", "personal_number"),
        ("120101+1234", "personal_number"),
        ("org.nr 900101-1239", "personal_number"),
    ],
)
def test_what_is_no_organisation_number_is_refused_by_code(typed: str, code: str) -> None:
    """Each fault has its code, and a text in both languages that names the field."""
    with pytest.raises(BadOrgNumber) as refused:
        parse_org_number(typed)
    assert refused.value.code == code
    assert "rganisationsnum" in refused.value.text.sv
    assert "number" in refused.value.text.en


@given(
    st.sampled_from(["", "16", "18", "19", "20"]),
    st.dates(),
    st.sampled_from([0, 60]),
    st.sampled_from(["", "-", "+", " ", "–"]),
    st.from_regex(r"[0-9]{4}", fullmatch=True),
)
def test_a_persons_number_is_never_repeated(
    century: str, born: object, added: int, sign: str, last: str
) -> None:
    """A personnummer or samordningsnummer, right or mistyped, is refused and not carried along."""
    year, month, day = str(born).split("-")
    birth = f"{year[2:]}{month}{int(day) + added:02}"
    with pytest.raises(BadOrgNumber) as refused:
        parse_org_number(f"{century}{birth}{sign}{last}")
    error = refused.value
    assert error.code == "personal_number"
    said = f"{error!r} {error} {error.text.sv} {error.text.en} {error.args} {error.__context__}"
    assert birth not in said
    assert last not in said


@given(ORG_NUMBERS, st.sampled_from(["", "16"]), st.sampled_from(["", "-", " ", "–", " - "]))
def test_every_form_of_a_valid_number_gives_the_same(ten: str, prefix: str, sign: str) -> None:
    """A valid number is kept as six digits, dash, four digits, and again as itself."""
    kept = parse_org_number(f"{prefix}{ten[:6]}{sign}{ten[6:]}")
    assert kept == f"{ten[:6]}-{ten[6:]}"
    assert parse_org_number(kept) == kept


@given(ORG_NUMBERS, st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(ten: str, place: int, change: int) -> None:
    """The check digit catches every single mistyped digit."""
    digit = str((int(ten[place]) + change) % 10)
    with pytest.raises(BadOrgNumber):
        parse_org_number(ten[:place] + digit + ten[place + 1 :])


@given(st.text())
def test_any_text_is_a_number_or_a_refusal(text: str) -> None:
    """Nothing that is typed breaks the check."""
    try:
        kept = parse_org_number(text)
    except BadOrgNumber:
        return
    assert luhn(kept.replace("-", ""))


def test_every_organisation_in_the_registers_is_well_formed_and_eligible() -> None:
    """All municipalities and agencies pass, also those whose numbers begin with 80 and 85."""
    for row in rows("municipalities.csv"):
        number = parse_org_number(row["org_number"])
        assert number == row["org_number"]
        assert eligibility("municipality", number) == Eligible(kind="municipality")
    for row in rows("state_agencies.csv"):
        number = parse_org_number(row["org_number"])
        assert number == row["org_number"]
        assert eligibility("state_agency", number) == Eligible(kind="state_agency")


@pytest.mark.parametrize(
    ("number", "swedish", "english"),
    [
        ("232100-0016", "en region", "a region"),
        ("222000-0752", "ett kommunalförbund", "an association of municipalities"),
        ("556036-0793", "ett aktiebolag", "a limited company"),
        ("716416-6945", "en ekonomisk förening", "an economic association"),
        ("802002-4280", "en ideell förening", "an association or foundation"),
        ("969600-0000", "ett handels- eller kommanditbolag", "a partnership"),
        ("212000-9993", "inte i registren", "in neither register"),
        ("202100-9994", "inte i registren", "in neither register"),
        ("302002-4280", "inte i registren", "in neither register"),
    ],
)
def test_what_no_register_knows_waits_on_a_person_with_the_reason(
    number: str, swedish: str, english: str
) -> None:
    """The beginning of the number tells why; a municipality's or agency's proves nothing."""
    answer = eligibility(None, number)
    assert isinstance(answer, NeedsPerson)
    assert swedish in answer.reason.sv
    assert english in answer.reason.en


def test_every_municipality_has_a_code_in_an_existing_county() -> None:
    """The 290 codes are accepted, and the counties are exactly the 21 that have municipalities."""
    codes = [
        parse_municipality_code(row["municipality_code"]) for row in rows("municipalities.csv")
    ]
    assert len(set(codes)) == 290
    assert {code[:2] for code in codes} == COUNTIES
    assert len(COUNTIES) == 21


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "not_four_digits"),
        ("114", "not_four_digits"),
        ("01140", "not_four_digits"),
        ("0l14", "not_four_digits"),
        ("0214", "no_such_county"),
        ("1114", "no_such_county"),
        ("1514", "no_such_county"),
        ("1614", "no_such_county"),
        ("2614", "no_such_county"),
        ("0014", "no_such_county"),
    ],
)
def test_a_wrong_municipality_code_is_refused_by_code(typed: str, code: str) -> None:
    """Four digits, the first two those of a county that exists today."""
    with pytest.raises(BadValue) as refused:
        parse_municipality_code(typed)
    assert refused.value.code == code
    assert "ommunkod" in refused.value.text.sv
