"""Ten years of a producer by time skipping, on the real server: each thing on its day."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import cast

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from commands import looking, rehearsals
from commands.demo import Demo
from commands.scenarios import standard
from commands.showing import Screen
from domain.dates import STOCKHOLM, local_date
from records import documents
from records.journal import journal_of
from tests.workflows.families import appointed, today
from tests.world import World
from workflows.case import LONGEST_RUN

YEARS = 10
MOST_EVENTS = 2_000
NO_WORK = {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1), (1, 6)}
SATURDAY = 5
A_MINUTE = timedelta(minutes=1)


@pytest.mark.timeout(400)
async def test_ten_years(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Confirmed, rotated and extended every year; then closed, and whole without Temporal.

    Agreement, key, appointment and person each live through the years on a clock of their own.
    """
    demo = world.demo()
    assert await standard(demo)
    agent, number = rehearsals.agents_person(demo), demo.entry.org_number
    agreement, appointment = f"agreement/{number}", await appointed(demo, agent)
    key, person = demo.part("credential", number, "production"), await rehearsals.person_of(demo)
    of_agreement, of_key = await Clock.of(world, agreement), await Clock.of(world, key)
    of_person = await Clock.of(world, person)
    await asyncio.gather(
        _confirm_every_year(of_agreement, demo, agent.org_number),
        _rotate_every_year(of_key, demo),
        of_person.to(await of_person.now() + timedelta(days=366 * YEARS)),
    )
    await _extend_to_the_end(await Clock.of(world, appointment), demo)
    assert await demo.production_works()
    for ref in (agreement, key, appointment, person):
        runs = await _runs(world, ref)
        assert len(runs) > YEARS - 1, (ref, runs)
        assert max(runs.values()) < MOST_EVENTS, (ref, runs)

    await _end_by_notice(of_agreement, demo)
    closed = [demo.ref, agreement, appointment, key]
    before = [await demo.view(ref) for ref in closed]
    for ref in closed:
        await _forget_in_temporal(world, ref)
    assert [await demo.view(ref) for ref in closed] == before
    await _read_from_postgres_alone(world, demo, capsys)
    asked = await _instants(world, agreement, "confirmation_due")
    assert len(asked) == YEARS
    assert await looking.verify(world.context, json=True)


# ---- time --------------------------------------------------------------------------------------


@dataclass
class Clock:
    """The time of one workflow, and when its run began."""

    world: World
    ref: str
    begun: datetime

    @classmethod
    async def of(cls, world: World, ref: str) -> "Clock":
        """Take a workflow that is in its first run."""
        return cls(world, ref, (await world.handle(ref).describe()).start_time)

    async def now(self) -> datetime:
        """Return the workflow's own time."""
        return await self.world.skipper.get_current_time(self.world.handle(self.ref))

    async def to(self, at: datetime) -> None:
        """Move on to an instant.

        It halts where a run ends by its age: while the next one begins it has no timer yet, and
        the server would skip to the end at once.
        """
        while (now := await self.now()) < at:
            ends = self.begun + LONGEST_RUN + A_MINUTE
            await self.world.forward(self.ref, seconds=(min(at, ends) - now).total_seconds())
            await self.world.state(self.ref)  # answered once the run has begun
            if ends <= at:
                self.begun = ends


def _midnight(day: date) -> datetime:
    """Return the instant at which a day begins in Sweden."""
    return datetime.combine(day, time_of_day.min, STOCKHOLM)


async def _instants(world: World, ref: str, deadline: str) -> list[datetime]:
    """Return when a deadline has passed, by the journal, in Swedish time to the second."""
    lines = await journal_of(world.context.pool, ref)
    return [
        line["at"].astimezone(STOCKHOLM).replace(microsecond=0)
        for line in lines
        if (line["kind"], line["name"]) == ("deadline", deadline)
    ]


async def _runs(world: World, ref: str) -> dict[str, int]:
    """Return the number of events in each run of a workflow."""
    found = {}
    async for each in world.client.list_workflows(f"WorkflowId = '{ref}'"):
        run = world.client.get_workflow_handle(ref, run_id=each.run_id)
        found[each.run_id] = (await run.describe()).history_length
    return found


# ---- what comes every year -----------------------------------------------------------------------


async def _confirm_every_year(clock: Clock, demo: Demo, agent: str) -> None:
    for _ in range(YEARS):
        await _confirm(clock, demo, agent)


async def _confirm(clock: Clock, demo: Demo, agent: str) -> None:
    """Confirm once more who is kept, when it is asked for and not a minute before."""
    world, ref = clock.world, clock.ref
    confirmed = datetime.fromisoformat((await world.state(ref))["confirmed_at"])
    due = confirmed + timedelta(days=365)
    await clock.to(due - A_MINUTE)
    assert not (await world.state(ref))["is_confirmation_due"]
    await clock.to(due + A_MINUTE)
    await demo.open_step("confirm_access", ref)
    await demo.until("asked", lambda v: bool(v["details"]["is_confirmation_due"]), ref)
    kept = {"persons": [demo.email], "agents": [agent]}
    await demo.act(demo.contact, "confirm_access", kept, ref)


async def _rotate_every_year(clock: Clock, demo: Demo) -> None:
    for _ in range(YEARS):
        await _rotate(clock, demo)


async def _rotate(clock: Clock, demo: Demo) -> None:
    """Change the key when its year is over and not a minute before."""
    world, ref = clock.world, clock.ref
    fetched = datetime.fromisoformat((await world.state(ref))["fetched_at"])
    await clock.to(fetched + timedelta(days=365) - A_MINUTE)
    assert (await world.state(ref))["rotation"] is None
    await clock.to(fetched + timedelta(days=365) + A_MINUTE)
    await rehearsals.renew(demo, "production", demo.producer)


# ---- the appointment ---------------------------------------------------------------------------


def _last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _awkward(year: int) -> date:
    """Return a day unlike others: a leap day, a change of clocks, or one soon after Christmas."""
    if year % 4 == 0:
        return date(year, 2, 29)
    return (_last_sunday(year, 3), date(year, 1, 12), _last_sunday(year, 10))[year % 3]


async def _extend_to_the_end(clock: Clock, demo: Demo) -> None:
    """Extend to an awkward day, year by year, and let the last one pass; all on the day."""
    world, ref = clock.world, clock.ref
    first = today().year + 2
    ends = _midnight(today() + timedelta(days=365))
    reminded = []
    for year in range(first, first + YEARS):
        begins = _days_before(ends, 20)
        await clock.to(begins)
        reminded.append(_days_before(ends, 30))
        if (await world.state(ref))["is_confirmation_due"]:
            await demo.act(demo.contact, "confirm_responsibility", {}, ref)
        last = _awkward(year)
        await demo.act(demo.contact, "request_extension", {"valid_to": last.isoformat()}, ref)
        if begins.month in {12, 1}:
            answered = await _escalated(clock, demo, local_date(begins))
            reminded += [day for day in [_days_before(ends, 14)] if day <= answered]
        await demo.act("case_handler", "approve_extension", {"valid_to": last.isoformat()}, ref)
        ends = _midnight(last + timedelta(days=1))
        assert datetime.fromisoformat(await _valid_until(demo, ref, last)) == ends
    await clock.to(ends - A_MINUTE)
    assert (await demo.view(ref))["stage"] == "active"
    await clock.to(ends)
    assert (await demo.stage("ended", ref=ref))["outcome"] == "expired"
    reminded += [_days_before(ends, days) for days in (30, 14, 1)]
    assert await _instants(world, ref, "ends_soon") == reminded
    assert await _instants(world, ref, "expired") == [ends]


def _days_before(midnight: datetime, days: int) -> datetime:
    return _midnight(midnight.date() - timedelta(days=days))


async def _valid_until(demo: Demo, ref: str, last: date) -> str:
    view = await demo.until(
        "extended", lambda v: v["details"]["valid_to"] == last.isoformat(), ref, whole=False
    )
    return str(view["details"]["valid_until"])


async def _escalated(clock: Clock, demo: Demo, asked: date) -> datetime:
    """Let the handler be late over Christmas: told after five working days; returns when."""
    ref = clock.ref
    day, count = asked, 0
    while count < 5:
        day += timedelta(days=1)
        count += day.weekday() < SATURDAY and (day.month, day.day) not in NO_WORK
    end = _midnight(day + timedelta(days=1))

    def told(view: dict[str, object]) -> bool:
        return "approve_extension" in json.dumps(view["upcoming"])

    await clock.to(end - A_MINUTE)
    await demo.until("not told", told, ref, whole=False)
    await clock.to(end)
    await demo.until("told", lambda v: not told(v), ref, whole=False)
    return end


# ---- the end -----------------------------------------------------------------------------------


async def _end_by_notice(clock: Clock, demo: Demo) -> None:
    """Give notice; after the last day everything under the agreement has ended."""
    ref = clock.ref
    last = local_date(await clock.now()) + timedelta(days=120)
    given = {"last_day": last.isoformat(), "reason": "Plattformen byter avtalsform."}
    await demo.act("decider", "give_notice", given, ref)
    await clock.to(_midnight(last + timedelta(days=1)))
    await demo.stage("ended", ref=ref)
    assert await demo.count("applications") == {"verification": 0, "production": 0}


async def _forget_in_temporal(world: World, ref: str) -> None:
    """Delete every run of a workflow, as the server does when their retention has passed.

    The server deletes when it comes to it, at times after half a minute: nobody waits for that.
    """
    await asyncio.wait_for(world.handle(ref).result(), timeout=30)
    for run_id in await _runs(world, ref):
        execution = WorkflowExecution(workflow_id=ref, run_id=run_id)
        request = DeleteWorkflowExecutionRequest(
            namespace=world.client.namespace, workflow_execution=execution
        )
        await world.client.workflow_service.delete_workflow_execution(request)


async def _read_from_postgres_alone(
    world: World, demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    """Show the closed case and read its documents, without a server to ask."""
    view = await demo.view()
    capsys.readouterr()
    alone = replace(world.context, client=cast("Client", None))
    await looking.show(alone, view["number"], Screen(world.context.texts), json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["number"], shown["outcome"]) == (view["number"], "connected")
    assert shown["documents"]
    for each in shown["documents"]:
        kept = await documents.fetch(world.context.pool, each["document_id"], demo.ref)
        assert kept.data.startswith(b"%PDF")
    names = [line["name"] for line in await journal_of(world.context.pool, demo.ref)]
    assert {"apply", "decide", "countersign_agreement"} <= set(names)
