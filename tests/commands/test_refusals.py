"""What a person is told who typed something wrong: where, what, and what to do; never Python."""

from pathlib import Path

import pytest

from commands.adopting import read_file
from commands.context import CommandError, said
from commands.csv_lines import read_lines
from commands.opening import org_number_of


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
