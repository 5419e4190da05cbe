"""Documents, kept once by the hash of their content and linked to the cases they belong to."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.errors import DocumentTooLargeError, UnknownDocumentError
from records.sql import query

LARGEST = 20_000_000


class NewDocument(BaseModel):
    """A document to keep; it has been checked before."""

    model_config = ConfigDict(frozen=True)

    data: bytes
    media_type: str
    pages: int | None
    file_name: str
    ref: str
    kind: str
    stored_by: str
    stored_at: datetime


class Fetched(NamedTuple):
    """A document as it is handed out."""

    file_name: str
    media_type: str
    data: bytes


async def store(pool: asyncpg.Pool, new: NewDocument, *, largest: int = LARGEST) -> str:
    """Keep a document and return its id, the SHA-256 of its content; the same again is kept once.

    Raises:
        DocumentTooLargeError: it has more than `largest` bytes.
    """
    if len(new.data) > largest:
        raise DocumentTooLargeError(f"{len(new.data)} > {largest} bytes")
    document_id = hashlib.sha256(new.data).hexdigest()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            query("store_document"),
            document_id,
            new.media_type,
            len(new.data),
            new.pages,
            new.data,
        )
        await connection.execute(
            query("link_document"),
            document_id,
            new.ref,
            new.file_name,
            new.kind,
            new.stored_by,
            new.stored_at,
        )
    return document_id


async def read(pool: asyncpg.Pool, document_id: str) -> bytes:
    """Return a document's content.

    Raises:
        UnknownDocumentError: there is none of that id.
    """
    row = await pool.fetchrow(query("read_document"), document_id)
    if row is None:
        raise UnknownDocumentError(document_id)
    return bytes(row["data"])


async def fetch(pool: asyncpg.Pool, document_id: str, ref: str) -> Fetched:
    """Return a document that belongs to a case.

    Raises:
        UnknownDocumentError: there is none of that id at this case.
    """
    row = await pool.fetchrow(query("fetch_document"), document_id, ref)
    if row is None:
        raise UnknownDocumentError(document_id)
    return Fetched(row["file_name"], row["media_type"], bytes(row["data"]))


async def of_refs(
    pool: asyncpg.Pool, refs: list[str], chains: list[str] | None = None
) -> list[dict[str, Any]]:
    """Return what is kept for some cases, without the content.

    `chains` leaves out what belongs to an earlier case under the same workflow id.
    """
    return [dict(row) for row in await pool.fetch(query("documents_of"), refs, chains)]
