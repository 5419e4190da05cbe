import asyncio
from typing import Any

import asyncpg
import pytest

from records import cases
from records.cases import record
from records.rebuilding import Truth, rebuild
from tests.records.recording import NOON, ONBOARDING, batch, line, view

ENDED = {"stage": "ended", "outcome": "denied", "ended_at": NOON.isoformat()}
Rows = list[asyncpg.Record]


async def _rows(pool: asyncpg.Pool) -> Rows:
    return await pool.fetch("select * from cases order by chain_id")


async def _silent(workflow_id: str, chain_id: str) -> Truth | None:
    return None


async def test_what_has_ended_is_written_again_from_the_record_alone(pool: asyncpg.Pool) -> None:
    """No workflow is asked: the closing view stands beside the journal, whole and with its kind."""
    await record(pool, batch(line(1), series="NGP2026"))
    await record(pool, batch(line(2), line(3), series="NGP2026", version=3, **ENDED))
    before = await _rows(pool)
    await cases.empty_read_model(pool)

    rebuilt = await rebuild(pool, _silent)

    assert (rebuilt.from_closing_views, rebuilt.from_workflows, rebuilt.unknown) == (1, 0, [])
    assert before == await _rows(pool)


async def test_what_is_open_is_written_again_from_its_workflow(pool: asyncpg.Pool) -> None:
    """Whatever stood in the row, of however high a version, the workflow's word holds."""
    await record(pool, batch(line(1), series="NGP2026"))
    before = await _rows(pool)
    await pool.execute("update cases set version = 99, stage = 'wrong', view = '{}', kind = 'x'")
    asked: list[tuple[str, str]] = []

    async def ask(workflow_id: str, chain_id: str) -> Truth:
        asked.append((workflow_id, chain_id))
        return Truth(kind="case", view=view())

    rebuilt = await rebuild(pool, ask)

    assert asked == [(ONBOARDING, f"run-of-{ONBOARDING}")]
    assert (rebuilt.from_closing_views, rebuilt.from_workflows) == (0, 1)
    assert before == await _rows(pool)


async def test_a_row_whose_truth_is_not_known_stays_and_is_named(pool: asyncpg.Pool) -> None:
    """A workflow that does not answer keeps the row that it has."""
    await record(pool, batch(line(1)))
    before = await _rows(pool)

    rebuilt = await rebuild(pool, _silent)

    assert rebuilt.unknown == [ONBOARDING]
    assert before == await _rows(pool)


async def test_what_is_recorded_meanwhile_is_not_lost(pool: asyncpg.Pool) -> None:
    """A recording that comes while its workflow is asked waits, and stands in the end."""
    await record(pool, batch(line(1)))
    recording: list[asyncio.Task[Any]] = []

    async def ask(workflow_id: str, chain_id: str) -> Truth:
        newer = batch(line(2), stage="review", version=2)
        recording.append(asyncio.create_task(record(pool, newer)))
        waits = "select count(*) from pg_locks where not granted"
        while not await pool.fetchval(waits):  # noqa: ASYNC110 - Postgres tells nobody
            await asyncio.sleep(0)
        return Truth(kind="case", view=view())

    await rebuild(pool, ask)
    await recording[0]

    row = await cases.find(pool, ONBOARDING)
    assert row is not None
    assert (row["version"], row["stage"]) == (2, "review")


async def test_progress_is_told_row_by_row(pool: asyncpg.Pool) -> None:
    """Whoever waits hears how many of how many are done."""
    for n in range(3):
        await record(pool, batch(line(1), workflow_id=f"onboarding/{n}"))
    told: list[tuple[int, int]] = []

    await rebuild(pool, _silent, lambda done, total: told.append((done, total)))

    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_a_closing_view_stays(pool: asyncpg.Pool) -> None:
    """A newer one of its case takes its place; an older one does not, and nothing removes it."""
    await record(pool, batch(line(1), version=5, **ENDED))
    await record(pool, batch(line(1), version=4, **(ENDED | {"outcome": "closed"})))
    assert [(5, "denied")] == await _closing(pool)

    await record(pool, batch(line(2), version=6, **(ENDED | {"outcome": "closed"})))
    assert [(6, "closed")] == await _closing(pool)
    for attempt in ("delete from closing_views", "truncate closing_views"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await pool.execute(attempt)


async def test_what_is_opened_again_is_asked_again(pool: asyncpg.Pool) -> None:
    """A person who is needed once more lives on in the same chain: the closing view is over."""
    await record(pool, batch(line(1), version=5, **ENDED))
    await record(pool, batch(line(2), version=6))

    async def ask(workflow_id: str, chain_id: str) -> Truth:
        return Truth(kind="case", view=view(version=7, stage="review"))

    rebuilt = await rebuild(pool, ask)

    row = await cases.find(pool, ONBOARDING)
    assert row is not None
    assert (rebuilt.from_workflows, row["version"], row["stage"]) == (1, 7, "review")


async def _closing(pool: asyncpg.Pool) -> list[tuple[int, str]]:
    rows = await pool.fetch("select version, view ->> 'outcome' as outcome from closing_views")
    return [(row["version"], row["outcome"]) for row in rows]
