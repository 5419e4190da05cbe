from datetime import timedelta
from typing import Any

import asyncpg

from records import figures, incidents
from records.cases import record
from records.incidents import FailedTask
from records.lists import Filter, list_cases
from records.views import view
from tests.records.recording import NOON, ONBOARDING, batch, line

CREDENTIAL = "credential/1"


async def _count(pool: asyncpg.Pool) -> figures.Figures:
    return await figures.count(pool, ["revoke_keys"], late_since=NOON)


async def _ending(pool: asyncpg.Pool, *, since: int, version: int = 1, **changes: Any) -> None:
    at = (NOON + timedelta(seconds=since)).isoformat()
    pending = [{"key": "revoke_keys", "operation": "revoke_keys", "since": at}]
    part: dict[str, Any] = {"stage": "ending", "pending": pending, "version": version}
    await record(
        pool, batch(line(version), workflow_id=CREDENTIAL, kind="entity", **(part | changes))
    )


async def _fail(pool: asyncpg.Pool, operation: str, *, times: int = 3) -> None:
    for n in range(times):
        await incidents.failed(
            pool,
            workflow_id=CREDENTIAL,
            operation=operation,
            system="portal_production",
            status=503,
            said="busy",
            unmendable=False,
            now=NOON + timedelta(minutes=n),
            next_try_at=NOON,
        )


async def test_open_cases_are_counted_and_nothing_else(pool: asyncpg.Pool) -> None:
    """What has ended and what is no case of its own is not among them."""
    await record(pool, batch(line(1)))
    await record(pool, batch(line(1), workflow_id="onboarding/2", ended_at=NOON.isoformat()))
    await record(pool, batch(line(1), workflow_id=CREDENTIAL, kind="entity"))

    assert (await _count(pool)).open_cases == 1


async def test_incidents_count_while_they_show(pool: asyncpg.Pool) -> None:
    """By system, with the instant of the oldest; neither young ones nor what is called off."""
    await _ending(pool, since=0)
    await _fail(pool, "revoke_keys", times=2)
    await _fail(pool, "long_forgotten")
    assert (await _count(pool)).incidents == {}

    await _fail(pool, "revoke_keys")
    counted = await _count(pool)
    assert counted.incidents == {"portal_production": 1}
    assert counted.oldest == {"portal_production": NOON}


async def test_a_shut_off_is_overdue_when_it_was_wanted_before(pool: asyncpg.Pool) -> None:
    """One that has just been wanted is not, nor is what has ended."""
    await _ending(pool, since=1)
    assert (await _count(pool)).overdue == 0
    await _ending(pool, since=-1, version=2)
    assert (await _count(pool)).overdue == 1
    await _ending(pool, since=-1, version=3, stage="live")  # an old key after a rotation
    assert (await _count(pool)).overdue == 1
    await _ending(pool, since=-1, version=4, pending=[])
    assert (await _count(pool)).overdue == 0


async def test_a_failed_workflow_task_is_an_incident(pool: asyncpg.Pool) -> None:
    """It shows in view and list from the first, keeps its beginning, and goes when mended."""
    await record(pool, batch(line(1)))
    failed = FailedTask(workflow_id=ONBOARDING, attempts=2, cause="UnhandledFailure")
    await incidents.note_failed_tasks(pool, [failed], NOON)
    later = NOON + timedelta(minutes=1)
    await incidents.note_failed_tasks(pool, [failed.model_copy(update={"attempts": 5})], later)
    await record(pool, batch(line(2, at=later)))

    shown = await view(pool, ONBOARDING)
    assert shown is not None
    [incident] = shown["incidents"]
    assert incident["system"] == "workflow"
    assert (incident["operation"], incident["attempts"]) == ("workflow_task", 5)
    assert incident["since"] == NOON.isoformat().replace("+00:00", "Z")
    assert len((await list_cases(pool, Filter(incident=True))).rows) == 1
    assert (await _count(pool)).incidents == {"workflow": 1}

    await incidents.note_failed_tasks(pool, [], later)
    assert await incidents.shown(pool) == []


async def test_mending_a_task_leaves_other_incidents(pool: asyncpg.Pool) -> None:
    """Those of outside systems are not the watcher's."""
    await _fail(pool, "revoke_keys")

    await incidents.note_failed_tasks(pool, [], NOON)

    assert len(await incidents.shown(pool)) == 1
