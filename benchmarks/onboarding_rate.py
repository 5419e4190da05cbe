"""Whole onboardings against a bare Temporal family that does as much with empty bodies."""

import contextlib
import sys
from collections.abc import AsyncIterator
from statistics import median

from temporalio.client import Client

from benchmarks.bare_family import BARE_QUEUE, Bare, Shape
from benchmarks.figure import Figure
from benchmarks.history_events import events_of
from benchmarks.people import listening, prepared_people
from benchmarks.processes import cpu_ms
from benchmarks.stage import Stage, at_once, say, seconds, stage
from commands.scenarios import standard
from runtime.processes import start
from runtime.stack import ROOT

BAR = 0.8
ROUNDS, CASES = 5, 16


async def measure(scale: float) -> list[Figure]:
    """Take turns, a round of ours and a round of the bare family, and compare medians."""
    count = max(round(CASES * scale), 2)
    async with stage() as on, _bare_worker(on) as client, listening(on) as changes:
        entries = on.municipalities()
        await standard(on.demo(entries[0]))
        shape = shape_of(await events_of(on, entries[0].org_number))
        ours, bare, used = [], [], []
        for turn in range(ROUNDS):
            producers = [
                prepared_people(on, each, changes) for each in entries[1 + turn * count :][:count]
            ]
            before = cpu_ms()
            ours.append(count / await seconds(at_once(standard, producers)))
            between = cpu_ms()
            bare.append(count / await seconds(_all_bare(client, shape, turn, count)))
            used.append((between - before, cpu_ms() - between))
            say(f"  {ours[-1]:.2f} and {bare[-1]:.2f} cases per second")
    details: dict[str, object] = {
        "shape": _totals(shape),
        "ratios": [round(a / b, 3) for a, b in zip(ours, bare, strict=True)],
        "cpu_ms_a_case": {
            name: {
                program: round(median(turn[place][program] for turn in used) / count)
                for program in used[0][place]
            }
            for place, name in enumerate(("ours", "bare"))
        },
    }
    return [
        Figure("onboardings against a bare family", median(ours) / median(bare), "x", BAR,
               more_is_better=True, details=details),
        Figure("onboardings", median(ours), "cases/s"),
        Figure("bare families", median(bare), "cases/s"),
    ]  # fmt: skip


async def _all_bare(client: Client, shape: Shape, turn: int, cases: int) -> None:
    names = [f"bare/{turn}/{number}" for number in range(cases)]
    await at_once(lambda name: _play_bare(client, shape, name), names)


async def _play_bare(client: Client, shape: Shape, name: str) -> None:
    children = {f"{name}/{ref}": child for ref, child in shape.children.items()}
    root = Shape(shape.updates, shape.activities, shape.timers, children)
    await client.start_workflow(Bare.run, root, id=name, task_queue=BARE_QUEUE)
    for ref, member in {name: root, **children}.items():
        handle = client.get_workflow_handle(ref)
        for _ in range(member.updates):
            await handle.execute_update(Bare.act)
        await handle.result()


def shape_of(events: dict[str, dict[str, int]]) -> Shape:
    """Return the shape of a family from the events of its histories."""
    shapes = {
        ref: Shape(
            updates=counted.get("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", 0),
            activities=counted.get("ACTIVITY_TASK_SCHEDULED", 0),
            timers=counted.get("TIMER_STARTED", 0),
        )
        for ref, counted in events.items()
    }
    root = next(ref for ref in shapes if ref.startswith("onboarding/"))
    whole = shapes.pop(root)
    whole.children = shapes
    return whole


def _totals(shape: Shape) -> dict[str, int]:
    members = [shape, *shape.children.values()]
    return {
        "workflows": len(members),
        "updates": sum(each.updates for each in members),
        "activities": sum(each.activities for each in members),
        "timers": sum(each.timers for each in members),
    }


@contextlib.asynccontextmanager
async def _bare_worker(on: Stage) -> AsyncIterator[Client]:
    address = on.stack.environment()["TEMPORAL_ADDRESS"]
    client = await Client.connect(address)
    child = await start(
        "bare worker",
        [sys.executable, "-m", "benchmarks.bare_worker", address],
        log=on.stack.data_dir / "logs" / "bare-worker.log",
        cwd=ROOT,
    )
    try:
        yield client
    finally:
        await child.stop()
