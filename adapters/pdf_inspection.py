"""Looks at a document before it is stored: its type and size, and whether it can be read at all.

Nothing about the file is trusted: limits come first, the page tree is walked with a bound, and
whatever pypdf raises, or a file it takes too long to read, means `damaged`.
"""

from dataclasses import dataclass

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject

from adapters.untrusted_pdf import UnreadablePdf, in_own_thread, untrusted_pdf
from domain.act import Problem
from domain.text import Text

PDF, PNG, JPEG = "application/pdf", "image/png", "image/jpeg"
MAGIC = {b"%PDF-": PDF, b"\x89PNG\r\n\x1a\n": PNG, b"\xff\xd8\xff": JPEG}
# What a whole file has near its end, and how near (PDF: ISO 32000-1, annex H.3.18).
ENDINGS = {PDF: (b"%%EOF", 1024), PNG: (b"IEND\xaeB`\x82", 64), JPEG: (b"\xff\xd9", 4096)}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Inspection:
    """What a document is; `reason` says why it cannot be taken, None when it can.

    `media_type` is None and `pages` 0 where they could not be told; an image has one page.
    """

    media_type: str | None = None
    pages: int = 0
    encrypted: bool = False
    reason: Problem | None = None

    @property
    def readable(self) -> bool:
        """Whether the document can be taken."""
        return self.reason is None


def inspect(data: bytes, *, max_bytes: int, max_pages: int) -> Inspection:
    """Look at a document. Never raises, and takes some seconds at most.

    The reason's code is `empty`, `too_large`, `wrong_type`, `damaged`, `encrypted` or
    `too_many_pages`; its field is `document`.
    """
    if not data:
        return Inspection(reason=_empty())
    if len(data) > max_bytes:
        return Inspection(reason=_too_large(len(data), max_bytes))
    media_type = next((kind for magic, kind in MAGIC.items() if data.startswith(magic)), None)
    if media_type is None:
        return Inspection(reason=_wrong_type())
    ending, distance = ENDINGS[media_type]
    if ending not in data[-distance:]:
        return Inspection(media_type, reason=_damaged())
    return _inspect_pdf(data, max_pages) if media_type == PDF else Inspection(media_type, pages=1)


def _inspect_pdf(data: bytes, max_pages: int) -> Inspection:
    @in_own_thread
    def count(data: bytes) -> int | None:
        with untrusted_pdf(data) as reader:
            if reader.is_encrypted:
                return None
            return _count_pages(reader.root_object["/Pages"], max_pages)

    try:
        pages = count(data)
    except UnreadablePdf:
        return Inspection(PDF, reason=_damaged())
    if pages is None:
        return Inspection(PDF, encrypted=True, reason=_encrypted())
    if pages > max_pages:
        return Inspection(PDF, reason=_too_many_pages(max_pages))
    return Inspection(PDF, pages, reason=None if pages else _empty())


def _count_pages(root: PdfObject, max_pages: int) -> int:
    """Count the leaves of a page tree, to one more than the limit; no node may occur twice.

    pypdf's own count trusts the file: a small tree whose nodes share children has 2^n pages.
    """
    pages, seen, waiting = 0, set[int](), [root]
    while waiting and pages <= max_pages:
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            if node.idnum in seen:
                raise ValueError("a node occurs twice in the page tree")
            seen.add(node.idnum)
        entry = node.get_object()
        if not isinstance(entry, DictionaryObject):
            raise TypeError("a node of the page tree is no dictionary")
        if "/Kids" in entry and isinstance(kids := entry["/Kids"], ArrayObject):
            waiting.extend(kids)
            continue
        pages += 1
    return pages


def _problem(code: str, sv: str, en: str) -> Problem:
    return Problem(field="document", code=code, text=Text(sv=sv, en=en))


def _empty() -> Problem:
    return _problem(
        "empty",
        "Dokumentet är tomt: filen har inget innehåll eller inga sidor. Välj en annan fil.",
        "The document is empty: the file has no content or no pages. Choose another file.",
    )


def _too_large(size: int, limit: int) -> Problem:
    has, may = (f"{figure / MEGABYTE:.1f} MB" for figure in (size, limit))
    swedish = f"{has}, högst {may}".replace(".", ",")
    return _problem(
        "too_large",
        f"Dokumentet är för stort: {swedish} tas emot. "
        "Skanna i lägre upplösning eller dela upp det.",
        f"The document is too large: {has}, at most {may} is taken. "
        "Scan it at a lower resolution or split it.",
    )


def _wrong_type() -> Problem:
    return _problem(
        "wrong_type",
        "Dokumentet är av fel typ: PDF, PNG och JPEG tas emot. Spara det som PDF.",
        "The document is of the wrong type: PDF, PNG and JPEG are taken. Save it as PDF.",
    )


def _damaged() -> Problem:
    return _problem(
        "damaged",
        "Dokumentet är skadat eller ofullständigt och kan inte läsas. "
        "Öppna det på datorn, spara det på nytt som PDF och skicka det igen.",
        "The document is damaged or incomplete and cannot be read. "
        "Open it on your computer, save it anew as PDF and send it again.",
    )


def _encrypted() -> Problem:
    return _problem(
        "encrypted",
        "Dokumentet är krypterat eller lösenordsskyddat. Spara det utan skydd och skicka det igen.",
        "The document is encrypted or password protected. Save it unprotected and send it again.",
    )


def _too_many_pages(limit: int) -> Problem:
    return _problem(
        "too_many_pages",
        f"Dokumentet har fler än {limit} sidor. Lämna in ett avtal per fil.",
        f"The document has more than {limit} pages. Hand in one agreement per file.",
    )
