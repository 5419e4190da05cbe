"""Continue-as-new in every stage of every workflow, with calls under way and people acting.

The states come from random walks of the machines; the outside world does not answer, and the
record is kept in memory, so that nothing but the hand-over itself moves a state.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.record import PolicyNow, Recorded, RecordInput
from domain.act import Actor, Role
from domain.machine import Machine, timers
from domain.machines import MACHINES
from domain.policy import Policy
from domain.state import Entry, State, System
from runtime.acting import send_step
from runtime.asking import ask
from runtime.temporal import connect, make_plugin
from runtime.temporal_namespace import (
    register_namespace,
    register_search_attributes,
    wait_until_usable,
)
from tests.domain.playing import POLICY
from tests.domain.walking import Walk
from tests.world import World
from worker import WORKFLOWS
from workflows.case import SEARCH_ATTRIBUTES, TASK_LIMIT, WORKFLOW_QUEUE

# Nobody whom a walk knows: its own handlers may have declared a bias.
HELGA = Actor(subject="helga", name="Helga Handläggare", role=Role.CASE_HANDLER)
ACTS_A_RUN = 2
AT_ONCE, BURSTS = 3, 2
MOST_WALKS, STEPS, ZEAL = 300, 80, 0.6
PATIENCE_SECONDS = 30
QUIET = timedelta(hours=1)


@dataclass
class Kept:
    """What workflows have recorded, and a world that does not answer."""

    policy: Policy
    lines: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @activity.defn
    async def record(self, wanted: RecordInput) -> Recorded:
        """Keep the lines in memory."""
        self.lines[wanted.workflow_id] += wanted.entries
        return Recorded(number="NGP 2026/1" if wanted.draws_number else None)

    @activity.defn
    async def tell(self, _: RawValue) -> None:
        """Tell nobody: who would hear it is not there."""

    @activity.defn
    async def current_policy(self) -> PolicyNow:
        """Return the policy of short runs."""
        return PolicyNow(policy=self.policy)

    @activity.defn(dynamic=True)
    async def nobody_answers(self, _: Sequence[RawValue]) -> None:
        """Fail, as a system does that is down."""
        raise ApplicationError("down")


@dataclass
class Aside:
    """A namespace of the test's own, beside the world's: its workflows meet none of the world's."""

    client: Client
    kept: Kept


@pytest_asyncio.fixture(scope="module")
async def aside(world: World) -> AsyncIterator[Aside]:
    """Every workflow of ours at a worker of its own, in runs of two acts."""
    address = world.addresses["temporal"]
    plugin = make_plugin(world.context.keys)
    client = await connect(plugin, target_host=address, namespace="every-stage")
    await register_namespace(client)
    await _until_registered(client)
    policy = world.context.policy.model_copy(update={"continue_as_new_acts": ACTS_A_RUN})
    kept = Kept(policy)
    inside: list[Callable[..., Any]] = [
        kept.record,
        kept.tell,
        kept.current_policy,
        kept.nobody_answers,
    ]
    async with AsyncExitStack() as running:
        for queue in (WORKFLOW_QUEUE, System.RECORDS):
            workflows = WORKFLOWS if queue == WORKFLOW_QUEUE else []
            worker = Worker(client, task_queue=queue, workflows=workflows, activities=inside)
            await running.enter_async_context(worker)
        yield Aside(client, kept)


async def _until_registered(client: Client) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await register_search_attributes(client, SEARCH_ATTRIBUTES)
            except Exception:  # noqa: BLE001 - not every part of the server has heard of it
                await asyncio.sleep(0.1)
            else:
                break
    await wait_until_usable(client, SEARCH_ATTRIBUTES)


def a_state_of_each_stage(machine: Machine[Any]) -> dict[str, State]:
    """Walk until there is a living state of each stage, one that wants something if it may.

    Nothing may be due in it already: then it would move by itself.
    """
    found: dict[str, State] = {}
    wanted = set(machine.stages) - {"ended"}
    begun = datetime.now(UTC)
    for seed in range(MOST_WALKS):
        walk = Walk(machine, Random(seed), now=begun)  # noqa: S311 - repeatable
        walk.zeal = ZEAL
        for _ in range(STEPS):
            walk.step()
            state = walk.state
            known = found.get(state.stage)
            is_better = known is None or (state.pending and not known.pending)
            first = next(iter(timers(machine, state, POLICY)), None)
            is_quiet = first is None or first.at > begun + QUIET
            if state.is_opened and not state.is_ended and is_quiet and is_better:
                found[state.stage] = state
        if wanted <= found.keys():
            return found
    raise AssertionError(f"{machine.name}: no walk came to {wanted - found.keys()}")


def _shown(state: State) -> dict[str, object]:
    """Return what a hand-over must leave as it is: since when it waits, too."""
    waiting = [wait.model_dump(mode="json") for wait in state.waiting]
    return {"stage": state.stage, "waiting": waiting}


@pytest.mark.parametrize("name", sorted(MACHINES))
async def test_a_run_may_end_in_any_stage(aside: Aside, name: str) -> None:
    """Acts come several at a time while runs change: each is kept once, and nothing else moves."""
    states = a_state_of_each_stage(MACHINES[name])
    async with asyncio.TaskGroup() as group:
        for state in states.values():
            group.create_task(_hand_over(aside, name, state))


async def _hand_over(aside: Aside, name: str, state: State) -> None:
    ref = f"{name}/{state.stage}"
    sent: dict[str, Any] = {"journal": [], "outgoing": [], "notices": [], "workflow_id": ref}
    begun = state.model_copy(update=sent, deep=True)
    handed = begun.model_dump(mode="json")
    handle = await aside.client.start_workflow(
        name,
        {"policy": aside.kept.policy.model_dump(mode="json"), "state": handed},
        id=ref,
        task_queue=WORKFLOW_QUEUE,
        task_timeout=TASK_LIMIT,
    )
    texts = [f"{ref} rad {number}" for number in range(AT_ONCE * BURSTS)]
    for first in range(0, len(texts), AT_ONCE):
        burst = texts[first : first + AT_ONCE]
        await asyncio.gather(*(_note(aside.client, ref, text) for text in burst))
    lines = await _recorded(aside.kept, ref, begun.sequence, texts)
    now = MACHINES[name].state.model_validate(await ask(handle, "state"))

    assert (await handle.describe()).run_id != handle.first_execution_run_id
    assert [line.sequence for line in lines] == list(
        range(begun.sequence + 1, begun.sequence + len(lines) + 1)
    )
    assert _shown(now) == _shown(begun)
    lost = {want.key for want in begun.pending} - {want.key for want in now.pending}
    assert not lost or now.look_again_at is not None, lost  # it is looked for once more, later


async def _note(client: Client, ref: str, text: str) -> None:
    request = {
        "request_id": text,
        "actor": HELGA.model_dump(mode="json"),
        "payload": {"text": text, "visibility": "internal"},
    }
    await send_step(client, ref, "note", request)


async def _recorded(kept: Kept, ref: str, known: int, texts: list[str]) -> list[Entry]:
    """Wait until all notes are recorded; returns every line, the same ones handed in once."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            lines = {line.sequence: line for line in kept.lines[ref]}
            noted = Counter(line.what.get("text") for line in lines.values() if line.name == "note")
            if noted.keys() >= set(texts):
                break
            await asyncio.sleep(0.05)
    assert {text: noted[text] for text in texts} == dict.fromkeys(texts, 1)
    assert all(lines[line.sequence] == line for line in kept.lines[ref])
    return [lines[number] for number in sorted(lines) if number > known]
