"""What people have switched on for the whole system, for a time."""

from datetime import datetime
from typing import Final

import asyncpg

from records.sql import query

ADOPTING: Final = "adopting"
"""Producers are being taken over: the reconciliation only reports."""


async def switch_on(pool: asyncpg.Pool, name: str, now: datetime) -> None:
    """Switch on; since when is kept when it is on already."""
    await pool.execute(query("switch_on"), name, now)


async def switch_off(pool: asyncpg.Pool, name: str, now: datetime) -> bool:
    """Switch off; returns whether it was on."""
    return await pool.fetchval(query("switch_off"), name, now) is not None


async def is_on(pool: asyncpg.Pool, name: str) -> bool:
    """Whether it is on now."""
    return bool(await pool.fetchval(query("is_switched_on"), name))
