"""What a person is told who typed something wrong: where, what, and what to do; never Python."""

from pathlib import Path

import pytest

from commands.adopting import read_file
from commands.context import CommandError, opened, said
from commands.csv_lines import read_lines
from commands.opening import org_number_of
from records.keys import make_key_file


@pytest.mark.parametrize(
    "application",
    [
        {},
        {"organisation": None},
        {"organisation": "Kiruna"},
        {"organisation": ["212000-2783"]},
        {"organisation": {"org_number": None}},
    ],
)
def test_an_application_without_a_readable_number_is_refused(application: object) -> None:
    """Whatever stands where the organisation belongs."""
    with pytest.raises(CommandError, match=r"(?i)organisationsnum"):
        org_number_of(application)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [b"%PDF-1.7 \xe2\xe3\xcf", "läs".encode("cp1252")])
def test_a_file_that_is_no_csv_in_utf_8_is_refused_kindly(tmp_path: Path, content: bytes) -> None:
    """A PDF, or a table saved in the old character set: it says how to save it."""
    path = tmp_path / "lista.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"lista\.csv är inte en CSV-fil i UTF-8"):
        read_lines(path, ("person",))
    with pytest.raises(CommandError, match=r"is not a CSV file in UTF-8"):
        read_file(path)


def test_a_place_is_named_once() -> None:
    """A text that begins with its place does not get it in front again."""
    missing = {"field": "actor", "text": {"sv": "actor saknas.", "en": "actor is missing."}}
    assert said(missing) == ("actor saknas.", "actor is missing.")
    bad = {"field": "contact.email", "text": {"sv": "Fel.", "en": "Wrong."}}
    assert said(bad) == ("contact.email: Fel.", "contact.email: Wrong.")
    assert said({"text": {"sv": "Fel.", "en": "Wrong."}}) == ("Fel.", "Wrong.")


async def test_settings_that_are_missing_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by the name it is set with."""
    monkeypatch.setenv("DATABASE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(CommandError, match=r"KEY_FILE.*MAIL_HOST"):
        async with opened(tmp_path / "none"):
            pass


async def test_a_temporal_that_is_down_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not answer, and which setting says where it is; no stack trace."""
    make_key_file(tmp_path / "keys.json")
    monkeypatch.setenv("KEY_FILE", str(tmp_path / "keys.json"))
    monkeypatch.setenv("DATABASE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("MAIL_HOST", "127.0.0.1")
    systems = ("ACCOUNT_SYSTEM", "AGREEMENT_REGISTER", "PORTAL_VERIFICATION", "PORTAL_PRODUCTION")
    for system in (*systems, "DELIVERY_API"):
        monkeypatch.setenv(f"{system}_URL", "http://127.0.0.1:1")
        monkeypatch.setenv(f"{system}_TOKEN", "t" * 20)
    with pytest.raises(CommandError, match=r"Temporal svarar inte.*TEMPORAL_ADDRESS"):
        async with opened(tmp_path / "none"):
            pass
