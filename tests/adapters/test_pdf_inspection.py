"""Looking at a document before it is stored."""

import random
from io import BytesIO
from pathlib import Path
from time import monotonic

import pytest
from pypdf import PdfWriter

from adapters import untrusted_pdf
from adapters.pdf_inspection import JPEG, PDF, PNG, Inspection, inspect

FORM = (Path(__file__).parents[2] / "forms" / "producentavtal.pdf").read_bytes()
PNG_FILE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 100 + b"\0\0\0\0IEND\xaeB`\x82"
JPEG_FILE = b"\xff\xd8\xff\xe0" + b"\1" * 5_000 + b"\xff\xd9"


def _look(data: bytes) -> Inspection:
    return inspect(data, max_bytes=1_000_000, max_pages=20)


def _code(data: bytes) -> str | None:
    reason = _look(data).reason
    return reason.code if reason else None


def _pages(count: int, password: str | None = None) -> bytes:
    writer = PdfWriter()
    for _ in range(count):
        writer.add_blank_page(width=595, height=842)
    if password is not None:
        writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def _tree(*nodes: str) -> bytes:
    """Return a file whose page tree is made of these objects, the second its root."""
    objects = ["<</Type /Catalog /Pages 2 0 R>>", *nodes]
    body = "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(objects, 1))
    return f"%PDF-1.7\n{body}trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF".encode("latin-1")


def test_what_can_be_taken_is_described() -> None:
    """A PDF has its number of pages, a picture one."""
    assert _look(FORM) == Inspection(PDF, pages=3)
    assert _look(PNG_FILE) == Inspection(PNG, pages=1)
    assert _look(JPEG_FILE) == Inspection(JPEG, pages=1)
    assert _look(FORM).readable


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (_pages(0), "empty"),
        (FORM + b"\n" * 1_000_000, "too_large"),
        (b"PK\x03\x04 a Word document", "wrong_type"),
        (b"\n%PDF-1.7 not at the start %%EOF", "wrong_type"),
        (b"<html>%PDF-</html>", "wrong_type"),
        (_pages(1, password="hemligt"), "encrypted"),
        (_pages(1, password=""), "encrypted"),
        (FORM[: len(FORM) // 2], "damaged"),
        (FORM[:-20], "damaged"),
        (b"%PDF-1.7\n%%EOF", "damaged"),
        (PNG_FILE[:-20], "damaged"),
        (JPEG_FILE[:-20], "damaged"),
        (_pages(21), "too_many_pages"),
    ],
)
def test_what_cannot_be_taken_has_its_own_reason(data: bytes, code: str) -> None:
    """Each fault has its own code, and a text in both languages that says what to do."""
    found = _look(data)
    assert found.reason is not None
    assert not found.readable
    assert found.reason.code == code
    assert found.reason.field == "document"
    assert found.reason.text.sv.startswith("Dokumentet ")
    assert found.reason.text.en.startswith("The document ")
    assert found.encrypted == (code == "encrypted")


def test_the_limits_are_said() -> None:
    """The text names what the file has and what is taken, in each language's own way."""
    found = inspect(b"x" * 3_000_000, max_bytes=2_500_000, max_pages=1).reason
    assert found is not None
    assert "3,0 MB, högst 2,5 MB" in found.text.sv
    assert "3.0 MB, at most 2.5 MB" in found.text.en


@pytest.mark.parametrize(
    "data",
    [
        _tree("<</Kids [2 0 R]>>"),
        _tree("<</Kids [3 0 R 3 0 R]>>", "<</Kids [4 0 R 4 0 R]>>", "<</Type /Page>>"),
        _tree("[" * 100_000),
        _tree("<</Kids [(no page)]>>"),
        _tree("7"),
        b"%PDF-1.7\n" + b"<<" * 400_000 + b"%%EOF",
    ],
    ids=["loop", "bomb", "deep", "text", "number", "open"],
)
def test_a_hostile_file_is_damaged(data: bytes) -> None:
    """Loops, trees that share their branches and bottomless nesting end as `damaged`, soon."""
    began = monotonic()
    assert _code(data) == "damaged"
    assert monotonic() - began < 10


def test_a_tree_that_lies_about_its_number_is_counted() -> None:
    """The pages are counted, not the number believed that the file gives."""
    kids = " ".join(f"{number} 0 R" for number in range(3, 33))
    assert _code(_tree(f"<</Count 1 /Kids [{kids}]>>", *["<<>>"] * 30)) == "too_many_pages"


def test_a_file_that_takes_too_long_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops when its time is up, whatever the file makes the reader do."""
    monkeypatch.setattr(untrusted_pdf, "SECONDS_MAX", 0.0)
    assert _code(FORM) == "damaged"


def test_random_damage_never_raises() -> None:
    """Whatever bytes are changed, there is an answer: it can be read, or a reason."""
    chance = random.Random(4)  # noqa: S311 - a seed, so that a failure can be had again
    known = {None, "damaged", "encrypted", "empty", "too_many_pages"}
    for _ in range(40):
        data = bytearray(_pages(3))
        for _ in range(chance.choice([1, 5, 50])):
            data[chance.randrange(5, len(data) - 6)] = chance.randrange(256)
        assert _code(bytes(data)) in known
