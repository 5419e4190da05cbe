import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logins import kind_of_login, mix_up


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("abcd1234", "system"),
        ("anna.andersson", "personal"),
        ("anna_ek@kommun.se", "personal"),
        ("åsaö", "personal"),
        ("abcd", "personal"),
        ("ABCD1234", "neither"),
        ("abc1234", "neither"),
        ("abcd12345", "neither"),
        ("abcd1234\n", "neither"),
        ("åbcd1234", "neither"),
        ("abcd١٢٣٤", "neither"),
        ("anna andersson", "neither"),
        ("anna2", "neither"),
        ("", "neither"),
        (" ", "neither"),
    ],
)
def test_a_name_tells_its_kind(name: str, kind: str) -> None:
    """System accounts are four letters and four digits; personal ones have no digits."""
    assert kind_of_login(name) == kind


def test_the_wrong_kind_gets_the_exact_message() -> None:
    """The words of `domain.md` 1.5, in both languages and both directions."""
    wrong = mix_up("anna.andersson", "system")
    assert wrong is not None
    assert "use the system account, not the Geotorget account" in wrong.en
    assert "använd systemkontot, inte Geotorgetkontot" in wrong.sv
    wrong = mix_up("abcd1234", "personal")
    assert wrong is not None
    assert "use the Geotorget account, not the system account" in wrong.en
    assert "använd Geotorgetkontot, inte systemkontot" in wrong.sv


@pytest.mark.parametrize("meant", ["personal", "system"])
def test_a_name_of_neither_kind_is_told_both_forms(meant: str) -> None:
    """Whoever mistypes sees what both kinds look like."""
    text = mix_up("abc123", "system" if meant == "system" else "personal")
    assert text is not None
    assert "varken" in text.sv
    assert "neither" in text.en


@given(st.text())
def test_silence_only_for_the_kind_that_is_meant(name: str) -> None:
    """There is a message exactly when the kind is another, and it never repeats the name."""
    assert (mix_up(name, "system") is None) == (kind_of_login(name) == "system")
    assert (mix_up(name, "personal") is None) == (kind_of_login(name) == "personal")


@given(st.from_regex(r"[a-z]{4}[0-9]{4}", fullmatch=True))
def test_every_system_account_is_one(name: str) -> None:
    """Four letters and four digits are a system account, whichever they are."""
    assert mix_up(name, "system") is None
