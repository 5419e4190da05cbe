"""Incidents: operations that fail outside, from the first failed attempt to the first success."""

from datetime import datetime

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.sql import query

# A workflow whose own task fails is an incident too, of this system and operation.
WORKFLOW, WORKFLOW_TASK = "workflow", "workflow_task"


class FailedTask(BaseModel):
    """A workflow task that fails: a bug of ours, or a key that is missing."""

    model_config = ConfigDict(frozen=True)

    workflow_id: str
    attempts: int
    cause: str


class Incident(BaseModel):
    """One failing operation of one workflow."""

    model_config = ConfigDict(frozen=True)

    workflow_id: str
    operation: str
    system: str
    since: datetime
    attempts: int
    status: int | None
    said: str
    unmendable: bool
    next_try_at: datetime


async def started(
    pool: asyncpg.Pool, *, workflow_id: str, operation: str, system: str, now: datetime
) -> None:
    """Note that an attempt begins; one before it that never answered counts as failed.

    An attempt dies without a word when its worker is killed or its time runs out.
    """
    await pool.execute(query("incident_started"), workflow_id, operation, system, now)


async def failed(
    pool: asyncpg.Pool,
    *,
    workflow_id: str,
    operation: str,
    system: str,
    status: int | None,
    said: str,
    unmendable: bool,
    now: datetime,
    next_try_at: datetime,
) -> None:
    """Note a failed attempt; attempts add up across resets."""
    await pool.execute(
        query("incident_failed"),
        workflow_id,
        operation,
        system,
        now,
        status,
        said,
        unmendable,
        next_try_at,
    )


async def cleared(pool: asyncpg.Pool, *, workflow_id: str, operation: str) -> bool:
    """Forget an incident after a success; True when an attempt had failed before."""
    attempts = await pool.fetchval(query("incident_cleared"), workflow_id, operation)
    return bool(attempts)


async def failing(pool: asyncpg.Pool, system: str) -> list[Incident]:
    """Return all that fails at a system, also what is not shown yet."""
    return [Incident(**dict(row)) for row in await pool.fetch(query("incidents_failing"), system)]


async def take_waiting(
    pool: asyncpg.Pool,
    system: str,
    *,
    since: datetime,
    until: datetime,
    lost_before: datetime,
    limit: int,
) -> list[tuple[str, str]]:
    """Take some of what waits at a system, to be tried before `until`; nobody else takes them.

    Args:
        pool: the records.
        system: that is well again.
        since: when it was seen to be well; what has failed after that knows better.
        until: when they will have been tried; what tries sooner by itself is left alone.
        lost_before: an attempt that began before this and has not answered will not.
        limit: how many at most.

    Returns:
        Workflow ids with operations.
    """
    rows = await pool.fetch(query("incidents_to_wake"), system, since, until, lost_before, limit)
    return [(row["workflow_id"], row["operation"]) for row in rows]


async def shown(
    pool: asyncpg.Pool, workflow_ids: list[str] | None = None, *, system: str | None = None
) -> list[Incident]:
    """Return the incidents that show: from the third failed attempt, or when unmendable."""
    rows = await pool.fetch(query("incidents_open"), workflow_ids, system)
    return [Incident(**dict(row)) for row in rows]


async def note_failed_tasks(pool: asyncpg.Pool, failed: list[FailedTask], now: datetime) -> None:
    """Let the incidents of workflow tasks be exactly these; one that goes on keeps its `since`."""
    async with pool.acquire() as connection, connection.transaction():
        rows = [(each.workflow_id, each.attempts, each.cause, now) for each in failed]
        await connection.execute(query("workflow_tasks_mended"), [row[0] for row in rows])
        await connection.executemany(query("workflow_task_failed"), rows)
