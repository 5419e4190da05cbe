import asyncio
import hashlib
from typing import Any

import asyncpg
import pytest

from records import documents
from records.cases import record
from records.documents import NewDocument
from records.errors import DocumentTooLargeError, UnknownDocumentError
from tests.records.recording import NOON, ONBOARDING, batch, line

PDF = b"%PDF-1.7 \x00\xff avtal"


def _new(**changes: Any) -> NewDocument:
    whole: dict[str, Any] = {
        "data": PDF,
        "media_type": "application/pdf",
        "pages": 2,
        "file_name": "avtal åäö.pdf",
        "ref": ONBOARDING,
        "kind": "signed",
        "stored_by": "anna",
        "stored_at": NOON,
    }
    return NewDocument(**(whole | changes))


async def test_the_same_content_is_kept_once(pool: asyncpg.Pool) -> None:
    """However often it comes, for however many cases; its id is the hash of its content."""
    found = await asyncio.gather(
        *(documents.store(pool, _new(ref=ref)) for ref in ("a", "b") for _ in range(5))
    )

    assert set(found) == {hashlib.sha256(PDF).hexdigest()}
    assert await pool.fetchval("select count(*) from documents") == 1
    assert await pool.fetchval("select count(*) from document_links") == 2


async def test_a_document_is_handed_out_at_its_own_case_only(pool: asyncpg.Pool) -> None:
    """Knowing the hash is not enough: it must belong to the case."""
    document_id = await documents.store(pool, _new())

    fetched = await documents.fetch(pool, document_id, ONBOARDING)

    assert fetched == ("avtal åäö.pdf", "application/pdf", PDF)
    assert await documents.read(pool, document_id) == PDF
    with pytest.raises(UnknownDocumentError):
        await documents.fetch(pool, document_id, "onboarding/other")
    with pytest.raises(UnknownDocumentError):
        await documents.read(pool, "0" * 64)


async def test_a_document_that_is_too_large_is_not_kept(pool: asyncpg.Pool) -> None:
    """The limit is given; nothing is stored beyond it."""
    await documents.store(pool, _new(), largest=len(PDF))

    with pytest.raises(DocumentTooLargeError):
        await documents.store(pool, _new(data=PDF + b"x"), largest=len(PDF))

    assert await pool.fetchval("select count(*) from documents") == 1


async def test_documents_of_an_earlier_case_stay_there(pool: asyncpg.Pool) -> None:
    """A new case under the same workflow id does not show what came to the old one."""
    await record(pool, batch(line(1), chain_id="first", series="NGP2026"))
    old = await documents.store(pool, _new(data=b"old"))
    both = await documents.store(pool, _new())
    await record(pool, batch(line(1), chain_id="second", series="NGP2026"))
    assert await documents.store(pool, _new()) == both

    of_old = await documents.of_refs(pool, [ONBOARDING], ["first"])
    of_new = await documents.of_refs(pool, [ONBOARDING], ["second"])

    assert {row["document_id"] for row in of_old} == {old, both}
    assert {row["document_id"] for row in of_new} == {both}
