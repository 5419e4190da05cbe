"""The read model written again from the truth, while everything runs.

The truth of what has ended is its closing view, which stands beside the journal; that of what is
open is its workflow. Row by row, each under the lock of its chain: what a worker records meanwhile
waits its turn, and a workflow that is asked under the lock is never older than what was recorded.
So nobody sees an empty list, and a rebuild that is cut short leaves no row missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.cases import write_row
from records.sql import query
from records.storable import storable

AT_ONCE = 6


class Truth(BaseModel):
    """What a workflow says of itself: whether it is a `case` or an `entity`, and its view."""

    model_config = ConfigDict(frozen=True)

    kind: str
    view: dict[str, Any]


class Rebuilt(BaseModel):
    """How many rows were written from where; `unknown` are the workflow ids of no known truth."""

    from_workflows: int = 0
    from_closing_views: int = 0
    unknown: list[str] = []


# Asks a workflow by its id and chain; None when it is not there, or does not answer.
Ask = Callable[[str, str], Awaitable[Truth | None]]
Progress = Callable[[int, int], None]


async def rebuild(pool: asyncpg.Pool, ask: Ask, progress: Progress = lambda *_: None) -> Rebuilt:
    """Write every row again; `progress` hears how many are done, of how many.

    A row whose truth is not known stays as it was.
    """
    chains = await pool.fetch(query("chains_to_rebuild"))
    rebuilt = Rebuilt()
    slots = asyncio.Semaphore(AT_ONCE)
    done = 0

    async def one(chain_id: str, workflow_id: str) -> None:
        nonlocal done
        async with slots:
            await _rebuild_one(pool, chain_id, workflow_id, ask, rebuilt)
        done += 1
        progress(done, len(chains))

    await asyncio.gather(*(one(*chain) for chain in chains))
    rebuilt.unknown.sort()
    return rebuilt


async def _rebuild_one(
    pool: asyncpg.Pool, chain_id: str, workflow_id: str, ask: Ask, rebuilt: Rebuilt
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        known: Any = await connection.fetchrow(query("known_of_chain"), chain_id)
        has_ended: bool = known["has_ended"]
        if has_ended:
            truth: Truth | None = Truth(kind=known["kind"], view=known["view"])
        else:
            truth = await ask(workflow_id, chain_id)
        if truth is None:
            rebuilt.unknown.append(workflow_id)
            return
        view = storable(truth.view)
        number = known["number"]
        view |= {"number": number, "case_number": number or view.get("case_number")}
        await connection.execute(query("forget_row"), chain_id)
        await write_row(connection, chain_id, truth.kind, view, known["updated_at"])
        await connection.execute("select pg_notify('cases', $1)", workflow_id)
    rebuilt.from_closing_views += has_ended
    rebuilt.from_workflows += not has_ended
