"""Numbers of ours for agents that are sole traders."""

import hashlib

import asyncpg

from records.sql import query


async def number_of(pool: asyncpg.Pool, email: str) -> str:
    """Return the number of the trader whose contact has a mail address, `E00001` and on.

    It is drawn once: a trader has the same number whoever appoints it, and how often. Of the
    address only a digest is kept.
    """
    digest = hashlib.sha256(email.strip().casefold().encode()).hexdigest()
    number: int = await pool.fetchval(query("sole_trader_number"), digest)
    return f"E{number:05d}"
