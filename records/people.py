"""Whose access is known, by what a personnel system knows of a person."""

from typing import Any

import asyncpg

from records.sql import query


async def by_email_or_account(pool: asyncpg.Pool, person: str) -> list[dict[str, Any]]:
    """Return the access of a person, newest first, by mail address or account id."""
    rows = await pool.fetch(query("person_by_email_or_account"), person.strip())
    return [dict(row) for row in rows]
