from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bad_value import BadValue
from domain.contact_details import (
    function_mailbox_warning,
    parse_email,
    parse_free_text,
    parse_https_url,
    parse_persons_email,
    parse_phone,
)

PARSERS = [parse_email, parse_free_text, parse_https_url, parse_persons_email, parse_phone]


def code_of(parse: Callable[[str], str], text: str) -> str:
    """Return the code with which a text is refused."""
    with pytest.raises(BadValue) as refused:
        parse(text)
    return refused.value.code


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("anna.ek@kommun.se", "anna.ek@kommun.se"),
        (" Anna.Ek@Kommun.SE ", "Anna.Ek@kommun.se"),
        ("anna@umeå.se", "anna@umeå.se"),
        ("anna+ngp@sub.kommun.example", "anna+ngp@sub.kommun.example"),
    ],
)
def test_a_well_formed_address_is_kept(typed: str, kept: str) -> None:
    """Outer spaces go and the domain becomes small letters; the rest stays."""
    assert parse_email(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "bad_email"),
        ("anna", "bad_email"),
        ("anna@kommun", "bad_email"),
        ("anna@@kommun.se", "bad_email"),
        ("anna ek@kommun.se", "bad_email"),
        ("Anna Ek <anna@kommun.se>", "bad_email"),
        ("anna@kommun.se, bo@kommun.se", "bad_email"),
        ("anna@[127.0.0.1]", "bad_email"),
        ("anna@kommun.se\nBcc: x@y.se", "bad_email"),
        ("a" * 300 + "@kommun.se", "bad_email"),
        ("811228-9874@kommun.se", "personal_number"),
    ],
)
def test_a_bad_address_is_refused(typed: str, code: str) -> None:
    """One plain address, nothing around it, and no personnummer in it."""
    assert code_of(parse_email, typed) == code


@pytest.mark.parametrize(
    "address",
    [
        "info@kommun.se",
        "Registrator@kommun.se",
        "kommun@x.se",
        "noreply@x.se",
        "no-reply@x.se",
        "registrator.ks@x.se",
        "solna.kommun@solna.se",
        "info+ngp@kommun.se",
    ],
)
def test_a_function_mailbox_warns_and_is_refused_for_a_person(address: str) -> None:
    """A word of warning in general, a refusal for the contact person: the account is personal."""
    assert parse_email(address)
    assert function_mailbox_warning(address) is not None
    assert code_of(parse_persons_email, address) == "not_a_person"


def test_an_address_with_the_name_of_its_domain_only_warns() -> None:
    """It may be a municipality's, or a firm of one person."""
    assert function_mailbox_warning("solna@solna.se") is not None
    assert parse_persons_email("solna@solna.se") == "solna@solna.se"


@pytest.mark.parametrize("address", ["anna.ek@kommun.se", "anna@kommun.se", "infomar@kommun.se"])
def test_a_persons_address_passes_without_a_word(address: str) -> None:
    """Neither the domain nor a part of a name makes a function of a person."""
    assert function_mailbox_warning(address) is None
    assert parse_persons_email(address) == address


@pytest.mark.parametrize(
    "phone",
    [
        "010-123 45 67",
        "0701234567",
        "08-123 456",
        "+46 10 123 45 67",
        "+46 (0)10-123 45 67",
        "0046101234567",
        "+12025550123",
        "070/123 45 67",
        "070.123.45.67",
        "08–12 34 56",
    ],
)
def test_a_telephone_number_is_kept_as_written(phone: str) -> None:
    """Swedish or international, with the signs people put between."""
    assert parse_phone(f" {phone} ") == phone


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "112",
        "12345678",
        "010-123 45 67 ankn 3",
        "ring mig",
        "+46",
        "++46101234567",
        "0" * 20,
        "811228-9874",
        "198112289874",
        "010101-0007",
        "٠١٠١٢٣٤٥٦٧",
    ],
)
def test_what_is_no_telephone_number_is_refused(phone: str) -> None:
    """Too short, too long, words, and every way a personnummer may look."""
    assert code_of(parse_phone, phone) == "bad_phone"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://api.kommun.se", "https://api.kommun.se"),
        (" https://api.kommun.se/geodata/v1/ ", "https://api.kommun.se/geodata/v1"),
        ("https://api.kommun.se:8443/v1", "https://api.kommun.se:8443/v1"),
        ("https://karta.umeå.se/", "https://karta.umeå.se"),
        ("https://localhost.kommun.se", "https://localhost.kommun.se"),
    ],
)
def test_a_public_https_address_is_kept(typed: str, kept: str) -> None:
    """With port and path; the slash at the end goes, so that paths can be added."""
    assert parse_https_url(typed) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "bad_url"),
        ("api.kommun.se", "bad_url"),
        ("https://", "bad_url"),
        ("https://[::1", "bad_url"),
        ("https://api.kommun.se:99999", "bad_url"),
        ("https://api.kommun.se:0", "bad_url"),
        ("https://api.kommun.se?key=1", "bad_url"),
        ("https://api.kommun.se#x", "bad_url"),
        ("https://api.kommun.se/a b", "bad_url"),
        ("https://api.kommun.se/\\evil.se", "bad_url"),
        ("https://api.kommun\n.se", "bad_url"),
        ("http://api.kommun.se", "not_https"),
        ("ftp://api.kommun.se", "not_https"),
        ("https://user:secret@api.kommun.se", "url_with_login"),
        ("https://user@api.kommun.se", "url_with_login"),
        ("https://api.kommun.se@evil.se", "url_with_login"),
        ("https://127.0.0.1", "not_a_public_host"),
        ("https://10.0.0.1:8443", "not_a_public_host"),
        ("https://127.1", "not_a_public_host"),
        ("https://2130706433", "not_a_public_host"),
        ("https://0x7f.0.0.1", "not_a_public_host"),
        ("https://0x7f000001", "not_a_public_host"),
        ("https://１２７.0.0.1", "not_a_public_host"),
        ("https://[::1]", "not_a_public_host"),
        ("https://localhost", "not_a_public_host"),
        ("https://LOCALHOST.:8443", "not_a_public_host"),
        ("https://api.localhost", "not_a_public_host"),
        ("https://api.internal", "not_a_public_host"),
        ("https://kommunen", "not_a_public_host"),
        ("https://api..se", "not_a_public_host"),
        ("https://-api.se", "not_a_public_host"),
        ("https://api.kommun.se/811228-9874", "personal_number"),
    ],
)
def test_another_address_is_refused_by_code(typed: str, code: str) -> None:
    """No http, no login, no address that is not reached from the internet by name."""
    assert code_of(parse_https_url, typed) == code


def test_a_text_with_a_personal_number_is_refused_and_not_repeated() -> None:
    """The refusal says what to do and carries nothing of the text."""
    with pytest.raises(BadValue) as refused:
        parse_free_text("Ring Anna, 811228-9874")
    assert refused.value.code == "personal_number"
    assert "9874" not in f"{refused.value!r} {refused.value.text}"


@pytest.mark.parametrize("text", ["", "Rad ett\r\n\trad två", "Åsa – 10 %", "姓名 🙂"])
def test_an_ordinary_text_is_kept_without_change(text: str) -> None:
    """Line breaks, tabs and all the world's letters are fine."""
    assert parse_free_text(text) == text


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "a\x7f", "a\ud800"])
def test_characters_that_cannot_be_kept_are_refused(text: str) -> None:
    """Postgres takes no NUL and no half characters; a terminal obeys escapes."""
    assert code_of(parse_free_text, text) == "control_characters"


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text())
def test_any_text_is_kept_or_refused(parse: Callable[[str], str], text: str) -> None:
    """Nothing that is typed breaks a check, and what is kept is kept again."""
    try:
        kept = parse(text)
    except BadValue:
        return
    assert parse(kept) == kept


@given(st.text(alphabet="htps:/@.[]0123456789xabc-#?\\ %", max_size=40))
def test_what_passes_as_address_is_safe(rest: str) -> None:
    """Whatever is typed after https://, what passes has no login, query or inner host."""
    try:
        kept = parse_https_url(f"https://{rest}")
    except BadValue:
        return
    host = kept.removeprefix("https://").partition("/")[0].partition(":")[0]
    assert "@" not in host
    assert host.rstrip(".").rpartition(".")[2][0].isalpha()
    assert not set("?#\\ ") & set(kept)
