"""Documents, kept once by the hash of their content and linked to the cases they belong to."""

import hashlib
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.errors import UnknownDocumentError
from records.sql import query


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


async def store(pool: asyncpg.Pool, new: NewDocument) -> str:
    """Keep a document and return its id, the SHA-256 of its content."""
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


async def of_refs(pool: asyncpg.Pool, refs: list[str]) -> list[dict[str, Any]]:
    """Return what is kept for some cases, without the content."""
    return [dict(row) for row in await pool.fetch(query("documents_of"), refs)]
