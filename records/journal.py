"""The legal record: lines that are only ever added, each bound to the one before it.

A line is known by its chain (the first run of a workflow) and its sequence. Its digest covers
the digest of the line before, so no line can be altered, moved or taken out unseen.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import asyncpg
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from records.errors import JournalConflictError, JournalGapError
from records.sql import query
from records.storable import storable

Storable = Annotated[dict[str, Any], AfterValidator(storable)]
Row = dict[str, Any]
StorableText = Annotated[str, AfterValidator(storable)]


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


class JournalLine(BaseModel):
    """One line of the journal; `at` is the instant of the act, `stage` the one it led to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sequence: int
    at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    kind: str
    name: StorableText
    stage: str
    actor: Storable | None = None
    what: Storable


class Chain(NamedTuple):
    """Whose journal it is, and where it ends; an empty one ends at 0 with the digest ``""``."""

    chain_id: str
    workflow_id: str
    case_number: str | None
    last_sequence: int
    last_digest: str


def digest(
    previous: str, chain_id: str, workflow_id: str, case_number: str | None, line: JournalLine
) -> str:
    """Return the SHA-256 of a line, where it stands, and the digest of the line before it."""
    whole = [previous, chain_id, workflow_id, case_number, line.model_dump(mode="json")]
    said = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


async def extend(
    connection: Any, chain: Chain, lines: Sequence[JournalLine]
) -> tuple[list[Row], Chain]:
    """Return the rows to add to a chain that the caller has locked, and where it ends then.

    Lines that are there already are passed over.

    Raises:
        JournalConflictError: another line stands under the same key.
        JournalGapError: the lines before are missing.
    """
    known = [line for line in lines if line.sequence <= chain.last_sequence]
    if known:
        await _compare(connection, chain, known)
    rows: list[Row] = []
    for line in lines[len(known) :]:
        if line.sequence != chain.last_sequence + 1:
            raise JournalGapError(f"{chain.workflow_id} {line.sequence}")
        found = digest(*_place(chain), line)
        rows.append(line.model_dump(mode="json") | {"digest": found})
        chain = chain._replace(last_sequence=line.sequence, last_digest=found)
    return rows, chain


def _place(chain: Chain) -> tuple[str, str, str, str | None]:
    return chain.last_digest, chain.chain_id, chain.workflow_id, chain.case_number


async def _compare(connection: Any, chain: Chain, lines: Sequence[JournalLine]) -> None:
    """Make sure that lines which came again are those that were written."""
    first, last = lines[0].sequence, lines[-1].sequence
    rows = await connection.fetch(query("known_lines"), chain.chain_id, first - 1, last)
    written = {row["sequence"]: row for row in rows}
    for line in lines:
        row, before = written[line.sequence], written.get(line.sequence - 1)
        place = (chain.chain_id, chain.workflow_id, row["case_number"])
        if digest(before["digest"] if before else "", *place, line) != row["digest"]:
            raise JournalConflictError(f"{chain.workflow_id} {line.sequence}")


async def journal_of(pool: asyncpg.Pool, ref: str) -> list[dict[str, Any]]:
    """Return the journal of a workflow, or of a whole case by its number, oldest first."""
    return [dict(row) for row in await pool.fetch(query("journal_of"), ref)]
