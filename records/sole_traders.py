"""Numbers of ours for agents that are sole traders."""

import asyncpg

from records.sql import query


async def draw_number(pool: asyncpg.Pool) -> str:
    """Return the next number, `E00001` and on; one that was drawn is not drawn again."""
    drawn: int = await pool.fetchval(query("draw_sole_trader_number"))
    return f"E{drawn:05d}"
