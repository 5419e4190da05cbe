"""A bug in a workflow shows as an incident and a metric, and clears when it is mended."""

import asyncio
import uuid

import pytest

import worker
from activities.watching import Watch
from commands.demo import Demo
from domain.machine import Act, Machine, Moment, apply
from domain.state import State
from records import incidents
from records.lists import Filter, list_cases
from tests.domain.playing import HANDLER
from tests.world import World

PATIENCE_SECONDS = 60


async def _look_until(watch: Watch, demo: Demo, *, failing: bool) -> str:
    """Look as the worker does, without its pauses, until an incident is there or is gone."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await watch.look()
            if bool((await demo.view())["incidents"]) is failing:
                return watch.text()
            await asyncio.sleep(0.2)  # the server's own pause before it tries a failed task again


async def test_a_bug_shows_until_it_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case says so, the list finds it, the metric is one; mended, all three clear."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    watch = Watch(world.context.pool, world.client, worker.shutting_off())
    await watch.look()
    assert "ngp_failed_workflow_tasks 0.0" in watch.text()

    def broken(machine: Machine[State], state: State, act: Act, moment: Moment) -> State:
        if state.workflow_id == demo.ref:
            raise RuntimeError("a bug, with Anna Lind in its text")
        return apply(machine, state, act, moment)

    monkeypatch.setattr("workflows.deciding.apply", broken)
    request = {
        "request_id": str(uuid.uuid4()),
        "actor": HANDLER.model_dump(mode="json"),
        "payload": {"text": "x", "visibility": "internal"},
    }
    await world.handle(demo.ref).signal("note", request)

    text = await _look_until(watch, demo, failing=True)
    [incident] = (await demo.view())["incidents"]
    assert ("workflow", "workflow_task") == (incident["system"], incident["operation"])
    assert "UnhandledFailure" in incident["said"]
    assert "Anna" not in incident["said"]
    number = (await demo.view())["number"]
    listed = (await list_cases(world.context.pool, Filter(incident=True))).rows
    assert number in [row["number"] for row in listed]
    assert "ngp_failed_workflow_tasks 1.0" in text
    assert 'ngp_incidents{system="workflow"} 1.0' in text

    monkeypatch.undo()
    text = await _look_until(watch, demo, failing=False)
    assert "ngp_failed_workflow_tasks 0.0" in text
    assert 'system="workflow"' not in text
    assert [] == await incidents.shown(world.context.pool, [demo.ref])
