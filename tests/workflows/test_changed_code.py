"""A changed rule with open cases of the old code, played as docs/changing-a-workflow.md says."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import NondeterminismError

from activities.messages import HeardWord
from domain import changes
from domain.act import Role
from domain.machine import Machine, Moment
from domain.person import MACHINE, Enrol
from domain.person_state import PersonState
from runtime.temporal import make_plugin
from tests.world import World
from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.person import PersonAccess

CHANGE = "handler_hears_of_enrolments"
QUEUE = "changed-code"
PATIENCE_SECONDS = 30.0
numbers = itertools.count(1)
Enrolling = Callable[[PersonState, Enrol, Moment], None]


def _guarded(state: PersonState, content: Enrol, moment: Moment) -> None:
    """The change: a handler gets a mail too."""
    MACHINE.reactions["enrol"].do(state, content, moment)
    if moment.has(CHANGE):
        state.notify("contact_unreachable", Role.CASE_HANDLER)


def _unguarded(state: PersonState, content: Enrol, moment: Moment) -> None:
    """The same change, made without care."""
    MACHINE.reactions["enrol"].do(state, content, moment)
    state.notify("contact_unreachable", Role.CASE_HANDLER)


def _with(enrolling: Enrolling) -> Machine[PersonState]:
    changed = replace(MACHINE.reactions["enrol"], do=enrolling)
    return replace(MACHINE, reactions={**MACHINE.reactions, "enrol": changed})


@workflow.defn(name="PersonAccess", sandboxed=False)
@takes_steps_of(MACHINE)
class Guarded(Durable[PersonState]):
    """A person's access with the change, under its name."""

    machine = _with(_guarded)
    operations: ClassVar[dict[str, Operation]] = PersonAccess.operations

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as the one it replaces."""
        del start
        return await self.live()


@workflow.defn(name="PersonAccess", sandboxed=False)
@takes_steps_of(MACHINE)
class Unguarded(Durable[PersonState]):
    """A person's access with the change, for runs of the old code too."""

    machine = _with(_unguarded)
    operations: ClassVar[dict[str, Operation]] = PersonAccess.operations

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as the one it replaces."""
        del start
        return await self.live()


def _worker(world: World, code: type) -> Worker:
    runner = {} if code is PersonAccess else {"workflow_runner": UnsandboxedWorkflowRunner()}
    return Worker(world.client, task_queue=QUEUE, workflows=[code], **runner)  # type: ignore[arg-type]


def _enrolment(ref: str) -> HeardWord:
    case = f"onboarding/{next(numbers)}"
    content = {
        "ref": case,
        "role": "contact",
        "name": "Petra Prov",
        "email": "petra.prov@kommun.example",
        "account_id": ref.partition("/")[2],
        "org_number": "212000-1363",
    }
    return HeardWord(message_id=f"{case}#1", sender=case, what="enrol", content=content)


async def _begin(world: World, ref: str) -> None:
    await world.client.start_workflow(
        "PersonAccess",
        {"policy": world.context.policy.model_dump(mode="json")},
        id=ref,
        task_queue=QUEUE,
        start_signal="heard",
        start_signal_args=[_enrolment(ref)],
    )
    await _settled(world, ref, enrolments=1)


async def _enrol(world: World, ref: str) -> None:
    before = len((await world.state(ref))["enrolments"])
    await world.handle(ref).signal("heard", _enrolment(ref))
    await _settled(world, ref, enrolments=before + 1)


async def _settled(world: World, ref: str, *, enrolments: int) -> dict[str, Any]:
    """Wait until nothing is owed any more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        state = await world.state(ref)
        if len(state["enrolments"]) == enrolments and not (state["notices"] or state["journal"]):
            return state
        assert time.monotonic() < deadline, state
        await asyncio.sleep(0.05)


async def _history(world: World, ref: str) -> WorkflowHistory:
    return await world.handle(ref).fetch_history()


def _mails(history: WorkflowHistory) -> int:
    asked = (each.activity_task_scheduled_event_attributes for each in history.events)
    return len([each for each in asked if each.activity_type.name == "send_notice"])


def _markers(history: WorkflowHistory) -> int:
    marked = EventType.EVENT_TYPE_MARKER_RECORDED
    return len([each for each in history.events if each.event_type == marked])


async def _replay(world: World, code: type, history: WorkflowHistory) -> None:
    plugin = make_plugin(world.context.keys)
    runner = UnsandboxedWorkflowRunner()
    await Replayer(workflows=[code], plugins=[plugin], workflow_runner=runner).replay_workflow(
        history
    )


async def test_a_changed_rule_holds_from_the_next_run_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of the old code goes on in its own way, a new one takes the change; all replay.

    Made without care, the same change is caught by the replay of the old run.
    """
    old, new = "person/of-old-code", "person/of-new-code"
    async with _worker(world, PersonAccess):
        await _begin(world, old)
    assert (_mails(await _history(world, old)), _markers(await _history(world, old))) == (1, 0)

    monkeypatch.setattr(changes, "CHANGES", (CHANGE,))
    async with _worker(world, Guarded):
        await _enrol(world, old)
        await _begin(world, new)
        of_old, of_new = await _history(world, old), await _history(world, new)
        assert (_mails(of_old), _mails(of_new)) == (1, 2)
        assert (_markers(of_old), _markers(of_new)) == (0, 1)

        await world.forward(old, days=366)
        await _enrol(world, old)
        continued = await _history(world, old)
        first = continued.events[0].workflow_execution_started_event_attributes
        assert first.continued_execution_run_id
        assert (_mails(continued), _markers(continued)) == (1, 1)

    for history in (of_old, of_new, continued):
        await _replay(world, Guarded, history)
    with pytest.raises(NondeterminismError):
        await _replay(world, Unguarded, of_old)
