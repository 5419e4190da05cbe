"""Proof that the journal is whole: nothing altered, nothing missing, no case number lost."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from records.journal import JournalLine, digest
from records.sql import query


async def verify(pool: asyncpg.Pool) -> list[str]:
    """Return what is wrong with the journal and the case numbers; empty when all is well."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        ends: dict[str, tuple[int, str]] = {}
        wrong = [text async for text in _wrong_lines(connection, ends)]
        wrong += [
            f"{chain['workflow_id']}: it does not end at line {chain['last_sequence']}"
            for chain in await connection.fetch(query("all_chains"))
            if ends.get(chain["chain_id"], (0, ""))
            != (chain["last_sequence"], chain["last_digest"])
        ]
        wrong += [
            f"{series['series']}: {series['given']} numbers given of {series['last']} drawn"
            for series in await connection.fetch(query("all_series"))
            if series["given"] != series["last"]
        ]
    return wrong


async def _wrong_lines(connection: Any, ends: dict[str, tuple[int, str]]) -> AsyncIterator[str]:
    """Walk every chain; `ends` takes the last line of each and its digest."""
    async for row in connection.cursor(query("journal_chain")):
        last, previous = ends.get(row["chain_id"], (0, ""))
        line = JournalLine(**dict(row))
        place = (row["chain_id"], row["workflow_id"], row["case_number"])
        where = f"{row['workflow_id']} {line.sequence}"
        if line.sequence != last + 1:
            yield f"{where}: a line before it is missing"
        elif digest(previous, *place, line) != row["digest"]:
            yield f"{where}: altered"
        ends[row["chain_id"]] = (line.sequence, row["digest"])
