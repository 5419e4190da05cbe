"""What a run of the reconciliation saw, what it found, and what stands by the read model.

Whole listings are kept here between two activities, so that no history ever holds one. What is
made of thousands of rows is made in a thread: people are served meanwhile.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from domain.findings import Finding
from domain.reconciliation import (
    Granted,
    GrantedAccess,
    GrantedAgreement,
    GrantedKey,
    GrantedRight,
    Seen,
    SeenAccount,
    SeenAgreement,
    SeenApplication,
)
from domain.state import System
from records.sql import query


class Place(NamedTuple):
    """Where an observation belongs: which look of which run, at which system."""

    run: str
    look: int
    system: System


class Observation(BaseModel):
    """One thing that a look saw; `item` is the outside system's own id of it."""

    model_config = ConfigDict(frozen=True)

    item: str
    key: str | None = None
    keys: int | None = None
    is_on: bool | None = None
    facts: dict[str, str] = Field(default_factory=dict)


class Reported(BaseModel):
    """A finding, and what was done about it."""

    model_config = ConfigDict(frozen=True)

    finding: Finding
    done: str | None
    done_at: datetime | None


class Report(BaseModel):
    """One run, with all that it found."""

    model_config = ConfigDict(frozen=True)

    run: str
    workflow_id: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    granted: int
    only_reports: bool
    rows: tuple[Reported, ...]


# ---- looking ---------------------------------------------------------------------------------


async def begin(pool: asyncpg.Pool, run: str, workflow_id: str, started_at: datetime) -> None:
    """Note a run; the same again changes nothing."""
    await pool.execute(query("begin_reconciliation"), run, workflow_id, started_at)


async def write_listing(
    pool: asyncpg.Pool, place: Place, kind: str, seen: Sequence[Observation]
) -> None:
    """Keep a whole listing of one kind, instead of what an earlier attempt had kept."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("forget_observations"), *place, kind)
        rows = [_row(place, kind, each) for each in seen]
        await connection.executemany(query("write_observation"), rows)


async def add_observations(
    pool: asyncpg.Pool, place: Place, kind: str, seen: Sequence[Observation]
) -> None:
    """Keep some more observations of one kind."""
    rows = [_row(place, kind, each) for each in seen]
    await pool.executemany(query("write_observation"), rows)


def _row(place: Place, kind: str, each: Observation) -> tuple[object, ...]:
    return (*place, kind, each.item, each.key, each.keys, each.is_on, each.facts)


async def uncounted(pool: asyncpg.Pool, place: Place, limit: int) -> list[str]:
    """Return applications that may be ours and whose keys this look has not counted yet."""
    rows = await pool.fetch(query("uncounted_applications"), *place, limit)
    return [row["item"] for row in rows]


async def write_key_counts(pool: asyncpg.Pool, place: Place, counts: dict[str, int]) -> None:
    """Keep how many keys live in applications."""
    rows = [(*place, item, keys) for item, keys in counts.items()]
    await pool.executemany(query("write_key_count"), rows)


async def people_to_look_at(pool: asyncpg.Pool, place: Place, limit: int) -> list[str]:
    """Return accounts of people with an access, now or before, not looked at in this look."""
    rows = await pool.fetch(query("people_to_look_at"), place.run, place.look, limit)
    return [row["account_id"] for row in rows]


# ---- comparing -------------------------------------------------------------------------------


async def granted(pool: asyncpg.Pool) -> Granted:
    """Return everything that stands, and what has ended, by the read model."""
    return await asyncio.to_thread(_granted, await pool.fetch(query("granted")))


def _granted(rows: Sequence[Any]) -> Granted:
    keys: dict[str, GrantedKey] = {}
    rights: dict[str, GrantedRight] = {}
    people: dict[str, GrantedAccess] = {}
    agreements: dict[str, GrantedAgreement] = {}
    for row in rows:
        common = {"ref": row["workflow_id"], "stage": row["stage"], "changed_at": row["updated_at"]}
        facts = {name: value for name, value in row["facts"].items() if value is not None}
        match row["type"]:
            case "Credential":
                keys[row["workflow_id"]] = GrantedKey(**common, **facts, owner=row["owner"])
            case "Permission":
                rights[row["workflow_id"]] = GrantedRight(**common)
            case "PersonAccess":
                people[row["workflow_id"]] = GrantedAccess(**common, outcome=row["outcome"])
            case "ProducerAgreement":
                kinds = _valid_from(facts.get("agreements", {}))
                agreements[row["workflow_id"]] = GrantedAgreement(
                    **common, org_number=row["org_number"], valid_from=kinds
                )
    return Granted(keys, rights, people, agreements)


def _valid_from(agreements: dict[str, Any]) -> dict[str, date]:
    return {
        kind: date.fromisoformat(each["valid_from"])
        for kind, each in agreements.items()
        if each.get("valid_from")
    }


async def seen(pool: asyncpg.Pool, run: str, look: int) -> Seen:
    """Return everything that a look saw."""
    return await asyncio.to_thread(_seen, await pool.fetch(query("observations_of"), run, look))


def _seen(rows: Sequence[Any]) -> Seen:
    def of(kind: str) -> list[Any]:
        return [row for row in rows if row["kind"] == kind]

    return Seen(
        applications=tuple(
            SeenApplication(
                system=row["system"],
                application_id=row["item"],
                name=row["facts"].get("name", ""),
                key=row["key"],
                keys=row["keys"],
            )
            for row in of("application")
        ),
        system_accounts=tuple(_account(row) for row in of("system_account")),
        people=tuple(_account(row) for row in of("person")),
        agreements=tuple(SeenAgreement(key=row["item"], **row["facts"]) for row in of("agreement")),
    )


def _account(row: Any) -> SeenAccount:
    login = row["facts"].get("login_name", "")
    return SeenAccount(
        account_id=row["item"], is_on=bool(row["is_on"]), key=row["key"], login_name=login
    )


async def told_of_register(pool: asyncpg.Pool) -> frozenset[tuple[str, str]]:
    """Return which agreements were told that a kind differs, and not yet that it agrees again."""
    return frozenset(
        (row["ref"], row["item"]) for row in await pool.fetch(query("told_of_register"))
    )


async def findings(pool: asyncpg.Pool, run: str) -> list[Finding]:
    """Return what has been found in a run so far."""
    return [_finding(row) for row in await pool.fetch(query("findings_of"), run)]


async def write_findings(
    pool: asyncpg.Pool, run: str, found: Sequence[Finding], *, standing: int, only_reports: bool
) -> None:
    """Keep what a comparison found, instead of what the one before had."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("forget_findings"), run)
        rows = [
            (run, ordinal, each.kind, each.system, each.ref, each.item, each.facts, each.rests_on)
            for ordinal, each in enumerate(found, start=1)
        ]
        await connection.executemany(query("write_finding"), rows)
        await connection.execute(query("note_comparison"), run, standing, only_reports)


def _finding(row: Any) -> Finding:
    return Finding(**{name: row[name] for name in Finding.model_fields})


# ---- dealing with it -------------------------------------------------------------------------


async def to_deal_with(pool: asyncpg.Pool, run: str, limit: int) -> list[tuple[int, Finding]]:
    """Return findings that nothing has been done about yet, by their ordinals."""
    rows = await pool.fetch(query("findings_to_deal_with"), run, limit)
    return [(row["ordinal"], _finding(row)) for row in rows]


async def mark(pool: asyncpg.Pool, run: str, ordinal: int, done: str, now: datetime) -> None:
    """Note what was done about a finding; what stands there first stays."""
    await pool.execute(query("mark_finding"), run, ordinal, done, now)


async def left(pool: asyncpg.Pool, run: str) -> int:
    """Return how many findings nothing has been done about yet."""
    return int(await pool.fetchval(query("count_findings_left"), run))


async def end(pool: asyncpg.Pool, run: str, outcome: str, now: datetime) -> None:
    """Note how a run ended, and forget what its looks saw."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("end_reconciliation"), run, outcome, now)
        await connection.execute(query("forget_all_observations"), run)


async def report(pool: asyncpg.Pool, run: str | None = None) -> Report | None:
    """Return the report of a run, or of the last one; None when there is none."""
    found = await pool.fetchrow(query("last_reconciliation"), run)
    if found is None:
        return None
    rows = await pool.fetch(query("findings_of"), found["run"])
    reported = tuple(
        Reported(finding=_finding(row), done=row["done"], done_at=row["done_at"]) for row in rows
    )
    return Report(**dict(found), rows=reported)
