"""Journal and read model: written together, in one transaction; read by whoever may."""

import hashlib
import json
from datetime import date, datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.errors import JournalConflictError
from records.sql import query

Row = dict[str, Any]


class JournalLine(BaseModel):
    """One line of the journal."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: int
    at: datetime
    kind: str
    name: str
    stage: str
    actor: dict[str, Any] | None = None
    what: dict[str, Any]


class Batch(BaseModel):
    """What one workflow records at once; `number_series` is e.g. `NGP2026`, None for none."""

    model_config = ConfigDict(frozen=True)

    chain_id: str
    workflow_id: str
    kind: str
    number_series: str | None
    entries: tuple[JournalLine, ...]
    view: dict[str, Any]


def digest(chain_id: str, line: JournalLine) -> str:
    """Return the SHA-256 of a line and the chain it belongs to."""
    said = json.dumps([chain_id, line.model_dump(mode="json")], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


async def record(pool: asyncpg.Pool, batch: Batch) -> str | None:
    """Append lines, draw the case number when it is due, and write the row, in one transaction.

    The same batch again changes nothing. Returns the case number, if the workflow has one.

    Raises:
        JournalConflictError: another line stands under the same key.
    """
    async with pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval(query("number_of"), batch.workflow_id, batch.chain_id)
        if number is None and batch.number_series is not None:
            last = await connection.fetchval(query("draw_number"), batch.number_series)
            number = f"{batch.number_series}-{last:06d}"
        case_number = number or batch.view.get("case_number")
        for line in batch.entries:
            await _append(connection, batch, line, case_number)
        await connection.execute(query("write_case"), *_row(batch, number, case_number))
        await connection.execute("select pg_notify('cases', $1)", batch.workflow_id)
    return str(number) if number else None


async def _append(
    connection: Any,
    batch: Batch,
    line: JournalLine,
    case_number: str | None,
) -> None:
    found = digest(batch.chain_id, line)
    added = await connection.fetchval(
        query("append_line"),
        batch.chain_id,
        line.sequence,
        batch.workflow_id,
        case_number,
        line.at,
        line.kind,
        line.name,
        line.stage,
        line.actor,
        line.what,
        found,
    )
    if added is None:
        known = await connection.fetchval(query("line_digest"), batch.chain_id, line.sequence)
        if known != found:
            raise JournalConflictError(f"{batch.workflow_id} {line.sequence}")


def _row(batch: Batch, number: str | None, case_number: str | None) -> tuple[object, ...]:
    view = batch.view | {"number": number, "case_number": case_number}
    waiting = view.get("waiting") or {}
    return (
        batch.workflow_id,
        batch.chain_id,
        number,
        case_number,
        view["type"],
        batch.kind,
        view["organisation"]["org_number"],
        view["organisation"]["name"],
        view["stage"],
        view.get("outcome"),
        waiting.get("on"),
        _instant(waiting.get("since")),
        waiting.get("rule"),
        date.fromisoformat(waiting["due"]) if waiting.get("due") else None,
        view.get("handler"),
        view.get("owner"),
        _instant(view.get("opened_at")),
        _instant(view.get("ended_at")),
        view["version"],
        batch.entries[-1].at if batch.entries else _instant(view.get("opened_at")),
        view,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def find(pool: asyncpg.Pool, ref: str) -> Row | None:
    """Return the row of a workflow id or case number."""
    row = await pool.fetchrow(query("case_by_ref"), ref)
    return dict(row) if row else None


async def parts_of(pool: asyncpg.Pool, workflow_id: str) -> list[Row]:
    """Return all that belongs to a workflow, directly and below."""
    return [dict(row) for row in await pool.fetch(query("parts_of"), workflow_id)]


class Filter(BaseModel):
    """What a list is narrowed to; `after` is the last workflow id of the page before."""

    model_config = ConfigDict(frozen=True)

    type: str | None = None
    stage: str | None = None
    waiting_on: str | None = None
    handler: str | None = None
    organisation: str | None = None
    due_before: date | None = None
    q: str | None = None
    incident: bool = False
    ended: bool = False
    kind: str | None = "case"
    after: str | None = None
    limit: int = 50


async def list_cases(pool: asyncpg.Pool, wanted: Filter) -> list[Row]:
    """Return one page of cases, in a stable order."""
    rows = await pool.fetch(
        query("list_cases"),
        wanted.type,
        wanted.stage,
        wanted.waiting_on,
        wanted.handler,
        wanted.organisation,
        wanted.due_before,
        wanted.q,
        wanted.incident,
        wanted.ended,
        wanted.after,
        wanted.limit,
        wanted.kind,
    )
    return [dict(row) for row in rows]


async def of_organisation(pool: asyncpg.Pool, org_number: str) -> list[Row]:
    """Return everything about one organisation."""
    return [dict(row) for row in await pool.fetch(query("of_organisation"), org_number)]


async def journal_of(pool: asyncpg.Pool, ref: str) -> list[Row]:
    """Return the journal of a workflow, or of a whole case by its number."""
    return [dict(row) for row in await pool.fetch(query("journal_of"), ref)]


async def verify(pool: asyncpg.Pool) -> list[str]:
    """Return what is wrong with the journal: altered lines, and lines that are missing."""
    wrong = []
    last: dict[str, int] = {}
    async with pool.acquire() as connection, connection.transaction():
        async for row in connection.cursor(query("journal_chain")):
            line = JournalLine(**dict(row))
            if digest(row["chain_id"], line) != row["digest"]:
                wrong.append(f"{row['workflow_id']} {line.sequence}: altered")
            if line.sequence != last.get(row["chain_id"], 0) + 1:
                wrong.append(f"{row['workflow_id']} {line.sequence}: a line before it is missing")
            last[row["chain_id"]] = line.sequence
    return wrong
