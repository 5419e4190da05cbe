"""Acts at an even pace over open cases, for the benchmarks that time acts."""

import asyncio
import time
from dataclasses import dataclass

from adapters.organisation_registers import RegisterEntry
from benchmarks.stage import Stage, at_once, open_and_wait
from commands.acting import take_step

A_SECOND = 10
NOTE = {"text": "Ringt kontakten."}


@dataclass(frozen=True)
class Act:
    """An act that was answered; `recorded` is when the read model showed it."""

    sent: float
    answered: float
    recorded: float | None = None


async def open_cases(on: Stage, producers: list[RegisterEntry]) -> list[str]:
    """Open cases that wait for their first human; returns their ids."""
    demos = [on.demo(entry) for entry in producers]
    await at_once(open_and_wait, demos)
    return [demo.ref for demo in demos]


async def act_at_pace(on: Stage, refs: list[str], count: int, *, watch: bool = False) -> list[Act]:
    """Send acts at an even pace, each without waiting for the others."""
    began = time.perf_counter()
    acts = []
    for number in range(count):
        await asyncio.sleep(began + number / A_SECOND - time.perf_counter())
        ref = refs[number % len(refs)]
        acts.append(asyncio.create_task(_act(on, ref, watch=watch)))
    return await asyncio.gather(*acts)


async def note(on: Stage, ref: str) -> int:
    """Write a note on a case; returns the version it led to."""
    receipt = await take_step(on.context, ref, "note", NOTE, as_="case_handler")
    return int(receipt["version"])


async def _act(on: Stage, ref: str, *, watch: bool) -> Act:
    sent = time.perf_counter()
    version = await note(on, ref)
    answered = time.perf_counter()
    if not watch:
        return Act(sent, answered)
    await until_recorded(on, ref, version)
    return Act(sent, answered, time.perf_counter())


async def until_recorded(on: Stage, ref: str, version: int) -> None:
    """Wait until the read model shows a version of a case."""
    question = "select max(version) from cases where workflow_id = $1"
    while (await on.context.pool.fetchval(question, ref) or 0) < version:  # noqa: ASYNC110 - elsewhere
        await asyncio.sleep(0.005)
