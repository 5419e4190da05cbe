"""The read model against the running workflows; `WALK_SEED` chooses the acts."""

import asyncio
import contextlib
import os
from random import Random, SystemRandom
from typing import Any

import pytest
from temporalio.service import RPCError

from commands.demo import Demo
from commands.rebuilding import rebuild
from domain.act import Role
from domain.machine import Moment
from domain.machines import MACHINES
from records import cases
from runtime.acting import NoSuchCaseError, StepRefusedError
from runtime.asking import ask
from tests.domain import payloads
from tests.domain.playing import DECIDER, HANDLER, POLICY, SIGNATORY
from tests.world import World

SEED = int(os.environ.get("WALK_SEED") or SystemRandom().randrange(10**6))
CASES, ACTS = 4, 300
OURS = {Role.CASE_HANDLER: HANDLER, Role.DECIDER: DECIDER, Role.SIGNATORY: SIGNATORY}
# What depends on when it was asked, not only on what has happened.
OF_THE_MOMENT = {"open_steps"}


async def _act(world: World, rng: Random, demo: Demo) -> bool:
    """Let one thing happen to a producer: a step that is open somewhere, or some time."""
    rows = await cases.of_organisation(world.context.pool, demo.entry.org_number)
    open_now = [
        (row, step["name"], Role(step["role"]))
        for row in rows
        for step in row["view"]["open_steps"]
        if row["ended_at"] is None and (step["name"] not in payloads.ENDING or rng.random() < 0.02)
    ]
    advancing = [each for each in open_now if each[1] in payloads.ADVANCING]
    if not open_now:
        return False
    row, name, role = rng.choice(advancing if advancing and rng.random() < 0.6 else open_now)
    ref = row["workflow_id"]
    if rng.random() < 0.05:
        with contextlib.suppress(RPCError):  # it has ended meanwhile
            await world.forward(ref, days=rng.choice([0.01, 1, 8]))
    state = MACHINES[row["type"]].state.model_validate(await world.state(ref))
    now = await world.skipper.get_current_time(world.handle(ref))
    payload = payloads.payload(rng, name, state, Moment(now, POLICY), wrong=0.05)
    payload.pop("form", None)  # no document of that id is there to be read
    person = state.contact_for(role)
    contact = demo.contact.model_copy(
        update={"role": role} | ({"subject": person.email} if person else {})
    )
    try:
        await world.step(ref, name, OURS.get(role, contact), payload)
    except (StepRefusedError, NoSuchCaseError):
        return False
    return True


async def _told(world: World, ref: str) -> tuple[dict[str, Any], bool]:
    """Return what a workflow says of itself, and whether all of it has been recorded."""
    view = await ask(world.handle(ref), "view")
    return view, not (await world.state(ref))["journal"]


async def _rows(world: World, demo: Demo) -> list[Any]:
    """Return the rows of a producer's workflows as they are now.

    A person who was let go may have been enrolled anew by another producer: then the row here is
    of an earlier run, of which the workflow says nothing any more.
    """
    pool = world.context.pool
    rows = await cases.of_organisation(pool, demo.entry.org_number)
    newest = [await cases.find(pool, row["workflow_id"]) for row in rows]
    chains = {each["chain_id"] for each in newest if each is not None}
    return [row for row in rows if row["chain_id"] in chains]


async def _differences(world: World, demo: Demo) -> list[Any]:
    """Wait until everything of a producer has been recorded; return what is told otherwise."""
    for _ in range(300):
        rows = await _rows(world, demo)
        told = {row["workflow_id"]: await _told(world, row["workflow_id"]) for row in rows}
        rows = await _rows(world, demo)
        found = [
            (ref, name, row["view"].get(name), value)
            for row in rows
            for ref in [row["workflow_id"]]
            for name, value in (told[ref][0] if ref in told else {"version": None}).items()
            if row["view"].get(name) != value and name not in OF_THE_MOMENT
        ]
        if not found and all(is_recorded for _, is_recorded in told.values()):
            break
        await asyncio.sleep(0.1)
    return found


@pytest.mark.timeout(240)
async def test_the_read_model_is_what_the_workflows_say(world: World) -> None:
    """After random acts on the real server, and again when it has been written from nothing."""
    print(f"WALK_SEED={SEED}")  # noqa: T201 - pytest shows it when the test fails
    rng = Random(f"{SEED}/workflows")  # noqa: S311 - repeatable by its seed, keeps no secret
    demos = [world.demo() for _ in range(CASES)]
    for demo in demos:
        await demo.apply()
    taken = 0
    for _ in range(ACTS):
        taken += await _act(world, rng, rng.choice(demos))
    pool = world.context.pool
    stages = [(await demo.view())["stage"] for demo in demos]
    print(f"{taken} acts taken of {ACTS}, {stages}")  # noqa: T201
    assert taken > ACTS / 5

    for demo in demos:
        assert [] == await _differences(world, demo)
    before = [await cases.of_organisation(pool, demo.entry.org_number) for demo in demos]
    await cases.empty_read_model(pool)
    rebuilt = await rebuild(world.context)

    assert rebuilt["from_workflows"] > CASES
    for demo, rows in zip(demos, before, strict=True):
        assert [] == await _differences(world, demo)
        again = await cases.of_organisation(pool, demo.entry.org_number)
        columns = [[{**row, "view": None} for row in found] for found in (rows, again)]
        assert columns[0] == columns[1]
