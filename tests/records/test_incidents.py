from datetime import datetime, timedelta
from typing import Any

import asyncpg

from records import incidents
from records.cases import record
from tests.records.recording import NOON, batch, line

REF = "credential/1"


async def _fail(pool: asyncpg.Pool, *, now: datetime = NOON, **changes: Any) -> None:
    whole: dict[str, Any] = {
        "workflow_id": REF,
        "operation": "issue_key",
        "system": "portal_production",
        "status": 503,
        "said": "busy",
        "unmendable": False,
        "now": now,
        "next_try_at": now + timedelta(minutes=1),
    }
    await incidents.failed(pool, **(whole | changes))


async def _start(pool: asyncpg.Pool, *, now: datetime = NOON) -> None:
    await incidents.started(
        pool, workflow_id=REF, operation="issue_key", system="portal_production", now=now
    )


async def test_an_incident_shows_from_the_third_failure(pool: asyncpg.Pool) -> None:
    """Failures add up from the first one's instant; before the third only wake-ups see them."""
    for n in range(2):
        await _fail(pool, now=NOON + timedelta(minutes=n))
    assert await incidents.shown(pool) == []
    assert len(await incidents.failing(pool, "portal_production")) == 1

    await _fail(pool, now=NOON + timedelta(minutes=2), said="still busy")

    [shown] = await incidents.shown(pool)
    assert (shown.attempts, shown.since, shown.said) == (3, NOON, "still busy")
    assert shown.next_try_at == NOON + timedelta(minutes=3)


async def test_what_a_retry_cannot_mend_shows_at_once(pool: asyncpg.Pool) -> None:
    """A refusal is an incident from the first attempt."""
    await _fail(pool, unmendable=True, status=403)

    [shown] = await incidents.shown(pool)
    assert (shown.attempts, shown.status) == (1, 403)


async def test_a_success_clears_and_says_whether_anything_had_failed(pool: asyncpg.Pool) -> None:
    """Only a success after a failure is news to those who wait for the system."""
    named = {"workflow_id": REF, "operation": "issue_key"}
    assert not await incidents.cleared(pool, **named)
    await _start(pool)
    assert await incidents.failing(pool, "portal_production") == []
    assert not await incidents.cleared(pool, **named)
    await _start(pool)
    await _fail(pool)
    assert await incidents.cleared(pool, **named)
    assert not await incidents.cleared(pool, **named)


async def test_an_attempt_that_never_answered_counts(pool: asyncpg.Pool) -> None:
    """Attempts that die with their worker add up like those that fail."""
    for n in range(4):
        await _start(pool, now=NOON + timedelta(minutes=n))

    [shown] = await incidents.shown(pool)
    assert (shown.attempts, shown.said, shown.since) == (3, "no answer", NOON)


async def test_an_attempt_that_answered_counts_once(pool: asyncpg.Pool) -> None:
    """Begun and failed is one attempt; what it said stays while the next one runs."""
    for _ in range(2):
        await _start(pool)
        await _fail(pool)
    await _start(pool)

    [failing] = await incidents.failing(pool, "portal_production")
    assert (failing.attempts, failing.said) == (2, "busy")


async def test_incidents_are_told_apart_by_system_and_workflow(pool: asyncpg.Pool) -> None:
    """Each list holds what it was asked for."""
    await _fail(pool, unmendable=True)
    await _fail(pool, workflow_id="permission/1", system="account_system", unmendable=True)

    by_system = await incidents.shown(pool, system="account_system")
    by_workflow = await incidents.shown(pool, [REF])

    assert [each.workflow_id for each in by_system] == ["permission/1"]
    assert [each.workflow_id for each in by_workflow] == [REF]
    assert len(await incidents.shown(pool)) == 2


async def test_what_is_no_longer_wanted_is_forgotten(pool: asyncpg.Pool) -> None:
    """Operations that were called off lose their incidents with the next record; mails do not."""
    for operation in ("issue_key", "subscribe", "notice:1"):
        await _fail(pool, operation=operation, unmendable=True)
    await _fail(pool, workflow_id="credential/2", unmendable=True)

    await record(pool, batch(line(1), workflow_id=REF, pending=[{"key": "subscribe"}]))

    left = {(each.workflow_id, each.operation) for each in await incidents.shown(pool)}
    assert left == {(REF, "subscribe"), (REF, "notice:1"), ("credential/2", "issue_key")}


async def test_a_late_recording_forgets_nothing_that_failed_after_it(pool: asyncpg.Pool) -> None:
    """The operation came to be wanted, and failed, while the recording was on its way."""
    await _fail(pool, unmendable=True, now=NOON + timedelta(seconds=1))

    await record(pool, batch(line(1, at=NOON), workflow_id=REF))
    assert len(await incidents.shown(pool)) == 1

    await record(pool, batch(line(2, at=NOON + timedelta(seconds=1)), workflow_id=REF))
    assert await incidents.shown(pool) == []


async def _take(pool: asyncpg.Pool, *, after: timedelta, limit: int = 10) -> list[tuple[str, str]]:
    now = NOON + after
    return await incidents.take_waiting(
        pool,
        "portal_production",
        since=now,
        until=now + timedelta(seconds=3),
        lost_before=now - timedelta(seconds=30),
        limit=limit,
    )


async def test_what_waits_is_taken_once(pool: asyncpg.Pool) -> None:
    """Two that find a system well share what waits there; what tries soon by itself is left."""
    for n in range(3):
        await _fail(pool, workflow_id=f"credential/{n}")
    await _fail(pool, workflow_id="credential/soon", next_try_at=NOON + timedelta(seconds=3))
    await _fail(pool, workflow_id="credential/elsewhere", system="portal_verification")

    first = await _take(pool, after=timedelta(seconds=1), limit=2)
    second = await _take(pool, after=timedelta(seconds=1))

    assert [("credential/0", "issue_key"), ("credential/1", "issue_key")] == sorted(first)
    assert [("credential/2", "issue_key")] == second
    assert [] == await _take(pool, after=timedelta(seconds=2))


async def test_what_fails_again_is_taken_again(pool: asyncpg.Pool) -> None:
    """By a later success only: the one that woke it does not wake it for ever."""
    await _fail(pool)
    assert [(REF, "issue_key")] == await _take(pool, after=timedelta())
    await _fail(pool, now=NOON + timedelta(seconds=2))

    assert [] == await _take(pool, after=timedelta(seconds=1))
    assert [(REF, "issue_key")] == await _take(pool, after=timedelta(seconds=2))


async def test_an_attempt_that_was_lost_is_taken_once_its_time_is_over(pool: asyncpg.Pool) -> None:
    """Its worker was killed: it waits without having said until when."""
    await _fail(pool)
    await _start(pool, now=NOON + timedelta(seconds=1))

    assert [] == await _take(pool, after=timedelta(seconds=31))
    assert [(REF, "issue_key")] == await _take(pool, after=timedelta(seconds=32))
    assert [] == await _take(pool, after=timedelta(seconds=33))
