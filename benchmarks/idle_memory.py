"""The memory of a worker that keeps many idle workflows."""

import asyncio

from adapters.organisation_registers import RegisterEntry
from benchmarks.figure import Figure
from benchmarks.processes import memory_mb
from benchmarks.stage import Stage, at_once, say, stage
from commands.opening import open_onboarding
from domain.personal_numbers import luhn

BAR_MB = 250
WORKFLOWS = 1000
SETTLE_SECONDS = 3


async def measure(scale: float) -> list[Figure]:
    """Open onboardings of unknown companies, which wait for a case handler, and look."""
    count = round(WORKFLOWS * scale)
    async with stage(with_worker=False) as on:
        worker = await on.stack.start_worker()
        empty = memory_mb(worker.process.pid)
        await at_once(lambda number: _open_idle(on, number), range(count))
        await asyncio.sleep(SETTLE_SECONDS)
        full = memory_mb(worker.process.pid)
    say(f"  {empty:.0f} MB empty, {full:.0f} MB with {count}")
    kilobytes = (full - empty) / count * 1000
    return [
        Figure("worker with 1,000 idle workflows", empty + kilobytes * WORKFLOWS / 1000, "MB",
               BAR_MB, details={"empty": empty, "workflows": count}),
        Figure("an idle workflow", kilobytes, "kB"),
    ]  # fmt: skip


async def _open_idle(on: Stage, number: int) -> None:
    demo = on.demo(_company(number))
    await open_onboarding(on.context, demo.application(), demo.contact)
    await demo.open_step("confirm_organisation", demo.ref)


def _company(number: int) -> RegisterEntry:
    first = f"556{number:06}"
    digits = next(first + last for last in "0123456789" if luhn(first + last))
    org_number = f"{digits[:6]}-{digits[6:]}"
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return RegisterEntry(org_number=org_number, name=f"Bolag {letters}", kind="state_agency")
