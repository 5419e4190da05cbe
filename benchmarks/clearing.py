"""How soon an incident is gone once its system is well and somebody says `retry_step`."""

import asyncio
import time

from benchmarks.bulk_retry import DOWN, SHOWN, begin_credential
from benchmarks.connected import until_counted
from benchmarks.figure import Figure, percentile
from benchmarks.simulated import fail, heal
from benchmarks.stage import Stage, at_once, say, stage
from commands.acting import take_step

P99_BAR_SECONDS = 2
ROUNDS, INCIDENTS = 10, 5
LOOK_SECONDS = 0.005
# After the third attempt the next one is 4 s off or more: what comes sooner is the step's doing.
FAILING = "select workflow_id from incidents where system = $1"


async def measure(scale: float) -> list[Figure]:
    """Let some fail at a portal, heal it, retry one of them: it goes, and wakes the others."""
    rounds = max(round(ROUNDS * scale), 2)
    retried: list[float] = []
    woken: list[float] = []
    async with stage() as on:
        for turn in range(rounds):
            await fail(on, DOWN)
            numbers = range(turn * INCIDENTS, (turn + 1) * INCIDENTS)
            refs = await at_once(lambda number: begin_credential(on, number), numbers)
            await until_counted(on, SHOWN, INCIDENTS, "incidents", DOWN)
            await heal(on, DOWN)
            first, *others = await _seconds_until_gone(on, refs)
            retried.append(first)
            woken += others
            say(f"  {first:.2f} s, the others {max(others):.2f} s")
    return [
        Figure("incident gone after retry_step, p50", percentile(retried, 50), "s"),
        Figure(
            "incident gone after retry_step, p99", percentile(retried, 99), "s", P99_BAR_SECONDS
        ),
        Figure("others at the system gone by themselves, p99", percentile(woken, 99), "s"),
    ]


async def _seconds_until_gone(on: Stage, refs: list[str]) -> list[float]:
    """Retry the first; returns how long each of them was still shown as an incident."""
    began = time.perf_counter()
    await take_step(on.context, refs[0], "retry_step", {}, as_="case_handler")
    gone: dict[str, float] = {}
    while len(gone) < len(refs):
        failing = {row["workflow_id"] for row in await on.context.pool.fetch(FAILING, DOWN)}
        for ref in set(refs) - failing - set(gone):
            gone[ref] = time.perf_counter() - began
        await asyncio.sleep(LOOK_SECONDS)
    return [gone[ref] for ref in refs]
