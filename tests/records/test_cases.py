import asyncio
from typing import Any

import asyncpg
import pytest

from records import cases, verification
from records.cases import record
from records.errors import JournalConflictError
from tests.records.recording import NOON, ONBOARDING, ORG, batch, line


async def test_numbers_have_no_gaps_under_concurrency_and_failure(pool: asyncpg.Pool) -> None:
    """Fifty at once, a third of which fail after drawing, use each number exactly once."""

    async def attempt(number: int) -> str | None:
        stage: Any = None if number % 3 == 0 else "intake"  # None breaks the row, at the end
        wanted = batch(line(1), workflow_id=f"onboarding/{number}", series="NGP2026", stage=stage)
        return await record(pool, wanted)

    found = await asyncio.gather(*map(attempt, range(50)), return_exceptions=True)

    failed = [each for each in found if isinstance(each, asyncpg.NotNullViolationError)]
    drawn = sorted(each for each in found if isinstance(each, str))
    assert len(failed) == 17
    assert [f"NGP2026-{n:06d}" for n in range(1, 34)] == drawn
    assert await verification.verify(pool) == []


async def test_twin_attempts_draw_one_number(pool: asyncpg.Pool) -> None:
    """The same recording ten times at once is one case with one number and one journal."""
    wanted = batch(line(1), line(2), series="NGP2026")

    found = await asyncio.gather(*(record(pool, wanted) for _ in range(10)))

    assert {"NGP2026-000001"} == set(found)
    assert (
        await record(pool, batch(line(1), workflow_id="onboarding/x", series="NGP2026"))
        == "NGP2026-000002"
    )
    assert await verification.verify(pool) == []


async def test_each_year_counts_for_itself(pool: asyncpg.Pool) -> None:
    """Another series begins at one."""
    first = await record(pool, batch(line(1), workflow_id="onboarding/1", series="NGP2026"))
    other = await record(pool, batch(line(1), workflow_id="onboarding/2", series="NGP2027"))

    assert (first, other) == ("NGP2026-000001", "NGP2027-000001")


async def test_recording_again_changes_nothing(pool: asyncpg.Pool) -> None:
    """A batch that comes again, alone or with more behind it, leaves each line once."""
    await record(pool, batch(line(1), line(2), series="NGP2026"))
    before = await cases.find(pool, ONBOARDING)

    await record(pool, batch(line(1), line(2), series="NGP2026"))

    assert before == await cases.find(pool, ONBOARDING)
    await record(pool, batch(line(2), line(3), series="NGP2026", version=2))
    rows = await pool.fetch("select sequence from journal order by sequence")
    assert [row["sequence"] for row in rows] == [1, 2, 3]
    assert await verification.verify(pool) == []


async def test_a_conflict_leaves_nothing_of_the_batch(pool: asyncpg.Pool) -> None:
    """Another line under a used key is an alarm; what came with it is not written either."""
    await record(pool, batch(line(1)))

    with pytest.raises(JournalConflictError, match=f"{ONBOARDING} 1"):
        await record(
            pool, batch(line(1, what={"text": "annat"}), line(2), stage="review", version=9)
        )

    row = await cases.find(pool, ONBOARDING)
    assert row is not None
    assert (row["stage"], row["version"]) == ("intake", 1)
    assert await pool.fetchval("select count(*) from journal") == 1


async def test_an_older_view_never_replaces_a_newer_one(pool: asyncpg.Pool) -> None:
    """An attempt that comes late adds its lines only."""
    await record(pool, batch(line(1), line(2), stage="review", version=7))

    await record(pool, batch(line(1), stage="intake", version=3))

    row = await cases.find(pool, ONBOARDING)
    assert row is not None
    assert (row["stage"], row["version"]) == ("review", 7)


async def test_an_earlier_case_stays_readable(pool: asyncpg.Pool) -> None:
    """A new application takes over the workflow id; the old case is found by its number."""
    old = batch(line(1), series="NGP2026", stage="ended", outcome="denied", version=9)
    await record(pool, old)
    await record(pool, batch(line(1), chain_id="second", series="NGP2026"))
    await record(pool, old)  # a late attempt

    by_id = await cases.find(pool, ONBOARDING)
    by_old_number = await cases.find(pool, "NGP2026-000001")

    assert by_id is not None
    assert by_old_number is not None
    assert (by_id["number"], by_id["stage"]) == ("NGP2026-000002", "intake")
    assert (by_old_number["stage"], by_old_number["outcome"]) == ("ended", "denied")


async def test_parts_belong_to_the_case_that_began_them(pool: asyncpg.Pool) -> None:
    """A part shows below its own case, however deep, and not below the next one of that id."""
    await record(pool, batch(line(1), series="NGP2026"))
    await record(pool, batch(line(1), workflow_id="dataset/1/a", owner=ONBOARDING))
    await record(pool, batch(line(1), workflow_id="permission/1/a/1", owner="dataset/1/a"))
    ended = NOON.isoformat()
    for part, owner in (("permission/1/a/1", "dataset/1/a"), ("dataset/1/a", ONBOARDING)):
        ending = batch(line(2), workflow_id=part, owner=owner, ended_at=ended, version=2)
        await record(pool, ending)
    await record(pool, batch(line(1), chain_id="second", series="NGP2026"))
    await record(pool, batch(line(1), workflow_id="dataset/1/b", owner=ONBOARDING))

    of_old = await cases.parts_of(pool, "NGP2026-000001")
    of_new = await cases.parts_of(pool, ONBOARDING)

    assert [row["workflow_id"] for row in of_old] == ["dataset/1/a", "permission/1/a/1"]
    assert [row["workflow_id"] for row in of_new] == ["dataset/1/b"]


async def test_a_part_that_was_recorded_before_its_owner_shows(pool: asyncpg.Pool) -> None:
    """Recorders run side by side: the part may be first."""
    await record(pool, batch(line(1), workflow_id="dataset/1/a", owner=ONBOARDING))
    await record(pool, batch(line(1)))

    parts = await cases.parts_of(pool, ONBOARDING)

    assert [row["workflow_id"] for row in parts] == ["dataset/1/a"]


async def test_the_read_model_can_be_written_again(pool: asyncpg.Pool) -> None:
    """Emptied and recorded again it is as before: numbers and journal were never in it."""
    batches = [
        batch(line(1), workflow_id=f"onboarding/{n}", series="NGP2026", version=n)
        for n in range(1, 4)
    ]
    for each in batches:
        await record(pool, each)
    before = await pool.fetch("select * from cases order by chain_id")

    await cases.empty_read_model(pool)
    assert await pool.fetchval("select count(*) from cases") == 0
    for each in reversed(batches):
        await record(pool, each)

    assert before == await pool.fetch("select * from cases order by chain_id")
    assert await verification.verify(pool) == []


async def test_listeners_hear_of_a_change_once_it_stands(pool: asyncpg.Pool) -> None:
    """A notification names the workflow; a recording that fails notifies nobody."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as connection:

        def listener(*said: Any) -> None:
            heard.put_nowait(said[-1])

        await connection.add_listener("cases", listener)
        with pytest.raises(asyncpg.NotNullViolationError):
            await record(pool, batch(line(1), workflow_id="onboarding/fails", stage=None))
        await record(pool, batch(line(1)))

        assert await asyncio.wait_for(heard.get(), 10) == ONBOARDING
        assert heard.empty()
        await connection.remove_listener("cases", listener)


async def test_a_text_that_postgres_cannot_hold_does_not_block_the_record(
    pool: asyncpg.Pool,
) -> None:
    """NUL, half a character, odd numbers: kept in a form that reads back as it was written."""
    what = {"text": "a\0b\ud800c", "numbers": [1e22, -0.0, 1e-7, float("nan"), 10**40]}

    await record(pool, batch(line(1, what=what), note="x\0y"))

    row = await pool.fetchrow("select what from journal")
    assert row is not None
    assert row["what"]["text"] == "a\ufffdb\ufffdc"
    assert await verification.verify(pool) == []


async def test_facts_about_an_organisation(pool: asyncpg.Pool) -> None:
    """What stands or is in progress is found; what is ending or has ended is not."""
    agreement = {"workflow_id": f"agreement/{ORG}", "kind": "entity", "type": "ProducerAgreement"}
    connection = {"workflow_id": f"dataset/{ORG}/byggnad", "type": "DatasetConnection"}
    assert await cases.agreement_in_force(pool, ORG) is None
    await record(pool, batch(line(1), **agreement, stage="under_notice"))
    await record(pool, batch(line(1), **connection, stage="connecting"))

    in_force = await cases.agreement_in_force(pool, ORG)
    in_progress = await cases.connected(pool, ORG, "byggnad")

    assert in_force is not None
    assert in_progress is not None
    assert (in_force["stage"], in_progress["stage"]) == ("under_notice", "connecting")
    found = await cases.open_for_organisation(pool, ORG)
    assert [connection["workflow_id"]] == [row["workflow_id"] for row in found]
    assert len(await cases.of_organisation(pool, ORG)) == 2
    await record(pool, batch(line(2), **agreement, stage="ending", version=2))
    await record(
        pool, batch(line(2), **connection, stage="ended", ended_at=NOON.isoformat(), version=2)
    )
    assert await cases.agreement_in_force(pool, ORG) is None
    assert await cases.connected(pool, ORG, "byggnad") is None
    assert await cases.open_for_organisation(pool, ORG) == []
