"""Cases and what belongs to them: recorded with the journal in one transaction, and found."""

from datetime import date, datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict

from domain.agreement_state import agreement_id
from domain.connection_state import dataset_id
from records.journal import Chain, JournalLine, extend
from records.sql import query
from records.storable import storable
from records.swedish import sort_key

Row = dict[str, Any]


class Batch(BaseModel):
    """What one workflow records at once; `number_series` is e.g. `NGP2026`, None for none."""

    model_config = ConfigDict(frozen=True)

    chain_id: str
    workflow_id: str
    kind: str
    number_series: str | None
    entries: tuple[JournalLine, ...]
    view: dict[str, Any]


async def record(pool: asyncpg.Pool, batch: Batch) -> str | None:
    """Append lines, draw the case number when it is due, and write the row, in one transaction.

    Incidents of operations that the view no longer wants are forgotten with it, and what was
    sealed for a credential that has ended is destroyed.

    The same batch again changes nothing, and an older view never replaces a newer one. Numbers
    have no gaps: one is drawn once for a chain, and given back when the transaction fails.
    Returns the case number, if the workflow has one.

    Raises:
        JournalConflictError: another line stands under the same key.
        JournalGapError: the lines before are missing.
    """
    async with pool.acquire() as connection, connection.transaction():
        known: Any = await connection.fetchrow(
            query("lock_chain"), batch.chain_id, batch.workflow_id
        )
        if known["last_sequence"] == 0:
            following = (batch.workflow_id, known["ordinal"])
            await connection.execute(query("follow_chain"), *following)
        number = known["number"] or await _draw(connection, batch.number_series)
        chain = Chain(
            chain_id=batch.chain_id,
            workflow_id=batch.workflow_id,
            case_number=number or batch.view.get("case_number"),
            last_sequence=known["last_sequence"],
            last_digest=known["last_digest"],
        )
        lines, end = await extend(connection, chain, batch.entries)
        updated_at = batch.entries[-1].at if batch.entries else None
        view = storable(batch.view) | {"number": number, "case_number": chain.case_number}
        wanted = [each["key"] for each in batch.view.get("pending", [])]
        written = (lines, end.last_sequence, end.last_digest, wanted)
        row = _row(batch.chain_id, batch.kind, view, updated_at)
        await connection.execute(query("write_batch"), *row, *written)
        if view.get("ended_at"):
            await connection.execute(query("withdraw_offers"), batch.workflow_id)
    return number


async def _draw(connection: Any, series: str | None) -> str | None:
    if series is None:
        return None
    last: int = await connection.fetchval(query("draw_number"), series)
    return f"{series}-{last:06d}"


async def write_row(
    connection: Any, chain_id: str, kind: str, view: Row, updated_at: datetime | None
) -> None:
    """Write the row of a view, unless a newer one stands; the caller has locked the chain.

    The view of what has ended is kept as its closing view too; one that is opened again (a person
    who is needed once more) takes its place.
    """
    await connection.execute(query("write_case"), *_row(chain_id, kind, view, updated_at))


def _row(chain_id: str, kind: str, view: Row, updated_at: datetime | None) -> tuple[object, ...]:
    """Return the columns of `cases`, in their order."""
    waiting = view.get("waiting") or {}
    organisation = view["organisation"]
    opened_at = _instant(view.get("opened_at"))
    return (
        chain_id,
        view["ref"],
        view["number"],
        view["case_number"],
        view["type"],
        kind,
        organisation["org_number"],
        organisation["name"],
        sort_key(organisation["name"]),
        view["stage"],
        view.get("outcome"),
        waiting.get("on"),
        _instant(waiting.get("since")),
        waiting.get("rule"),
        date.fromisoformat(waiting["due"]) if waiting.get("due") else None,
        view.get("handler"),
        view.get("owner"),
        opened_at,
        _instant(view.get("ended_at")),
        view["version"],
        updated_at or opened_at,
        _search_text(view),
        view,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _search_text(view: dict[str, Any]) -> str:
    organisation = view["organisation"]
    found = [view["case_number"], view.get("registry_number"), organisation["name"]]
    found += [organisation["org_number"], organisation["org_number"].replace("-", "")]
    return " ".join(filter(None, found)).casefold()


async def empty_read_model(pool: asyncpg.Pool) -> None:
    """Forget every row, to write them again; numbers and journal stay."""
    await pool.execute(query("empty_read_model"))


async def find(pool: asyncpg.Pool, ref: str) -> Row | None:
    """Return the row of a case number or a workflow id.

    A workflow id means the newest under it; the ones before are found by their case numbers.
    """
    row = await pool.fetchrow(query("case_by_ref"), ref)
    return dict(row) if row else None


async def parts_of(pool: asyncpg.Pool, ref: str) -> list[Row]:
    """Return all that belongs to a workflow, directly and below."""
    return [dict(row) for row in await pool.fetch(query("parts_of"), ref)]


async def of_organisation(pool: asyncpg.Pool, org_number: str) -> list[Row]:
    """Return everything about one organisation."""
    return [dict(row) for row in await pool.fetch(query("of_organisation"), org_number)]


async def open_for_organisation(pool: asyncpg.Pool, org_number: str) -> list[Row]:
    """Return the cases of an organisation that have not ended."""
    return [dict(row) for row in await pool.fetch(query("open_cases_of"), org_number)]


async def agreement_in_force(pool: asyncpg.Pool, org_number: str) -> Row | None:
    """Return the agreement that stands; its stage says whether it is under notice."""
    row = await find(pool, agreement_id(org_number))
    return row if row and row["stage"] not in {"ending", "ended"} else None


async def connected(pool: asyncpg.Pool, org_number: str, dataset: str) -> Row | None:
    """Return the connection of a data set that is in progress or stands; its stage says which."""
    row = await find(pool, dataset_id(org_number, dataset))
    return row if row and row["stage"] != "ended" else None
