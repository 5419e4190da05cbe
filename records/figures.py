"""Figures for whoever watches over the whole: how many are open, failing, overdue."""

from datetime import datetime

import asyncpg
from pydantic import BaseModel, ConfigDict

from records.sql import query


class Figures(BaseModel):
    """What is counted; `incidents` and `oldest` by system, only of incidents that show."""

    model_config = ConfigDict(frozen=True)

    open_cases: int
    incidents: dict[str, int]
    oldest: dict[str, datetime]
    overdue: int


async def count(pool: asyncpg.Pool, shutting_off: list[str], *, late_since: datetime) -> Figures:
    """Count what is open and failing, and the shut-offs wanted since before an instant.

    Only workflows that want something done are looked through, by an index: it costs nothing.
    """
    failing = await pool.fetch(query("incidents_by_system"))
    return Figures(
        open_cases=await pool.fetchval(query("count_open_cases")),
        incidents={row["system"]: row["count"] for row in failing},
        oldest={row["system"]: row["oldest"] for row in failing},
        overdue=await pool.fetchval(query("count_overdue"), shutting_off, late_since),
    )
