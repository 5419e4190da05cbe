"""A bug in a workflow shows as an incident and a metric, and clears when it is mended."""

import asyncio
import io
import json
import logging
import uuid
from collections.abc import Iterator

import pytest

import worker
from activities.watching import Watch
from commands.demo import Demo
from domain.machine import Act, Machine, Moment, apply
from domain.state import State
from records import incidents
from records.lists import Filter, list_cases
from runtime.log_setup import set_up_logging
from tests.domain.playing import HANDLER
from tests.world import World

PATIENCE_SECONDS = 60


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged from here on, as a worker does it."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    set_up_logging("INFO", stream)
    yield stream
    root.handlers[:], root.level = handlers, level


async def _look_until(watch: Watch, demo: Demo, *, failing: bool) -> str:
    """Look as the worker does, without its pauses, until an incident is there or is gone."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await watch.look()
            if bool((await demo.view())["incidents"]) is failing:
                return watch.text()
            await asyncio.sleep(0.2)  # the server's own pause before it tries a failed task again


async def test_a_bug_shows_until_it_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    """The case says so, the list finds it, the metric is one; mended, all three clear.

    The log tells what it was and where, without its text.
    """
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
    told = [json.loads(line).get("exception", "") for line in log.getvalue().splitlines()]
    assert any("RuntimeError" in each and "test_failed_tasks.py:" in each for each in told)
    assert "Anna" not in log.getvalue()
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


async def test_a_word_that_cannot_be_read_is_logged_with_the_case(
    world: World, log: io.StringIO
) -> None:
    """By case number, and without what was in it."""
    demo = world.demo()
    number = await demo.apply()
    await world.handle(demo.ref).signal("heard", {"what": "Anna Lind"})
    receipt = await world.step(demo.ref, "note", HANDLER, {"text": "x", "visibility": "internal"})
    await demo.until("recorded", lambda view: view["version"] >= receipt["version"], demo.ref)

    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    said = {line["event"] for line in lines if line.get("case_number") == number}
    assert {"recorded", "a word could not be read: ValidationError"} <= said
    assert "Anna" not in log.getvalue()
