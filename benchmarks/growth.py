"""What more and more open cases cost: the wait for an act, memory, and the size on disk."""

import time
from pathlib import Path

from adapters.organisation_registers import RegisterEntry
from benchmarks.acts import act_at_pace
from benchmarks.connected import company_number
from benchmarks.figure import Figure, percentile
from benchmarks.processes import memory_mb
from benchmarks.stage import Stage, at_once, say, stage
from commands.opening import open_onboarding
from domain.onboarding_state import onboarding_id
from runtime.stack import DATABASE

SIZES = (100, 1_000, 10_000)
ENOUGH_SECONDS = 360.0
BATCH, ACTS = 100, 200
P50_BAR_MS, P99_BAR_MS = 20, 100
OPEN = "select count(*) from cases where kind = 'case' and ended_at is null"


async def measure(scale: float) -> list[Figure]:
    """Open cases of unknown companies, which wait for a case handler, and stop to measure."""
    left = ENOUGH_SECONDS * max(scale, 0.1)
    figures: list[Figure] = []
    opened: list[str] = []
    async with stage(with_worker=False) as on:
        worker = (await on.stack.start_worker()).process.pid
        for wanted in SIZES:
            target = max(round(wanted * scale), 5)
            began = time.monotonic()
            while len(opened) < target and time.monotonic() < began + left:
                more = range(len(opened), min(len(opened) + BATCH, target))
                opened += await at_once(lambda number: _open(on, number), more)
            left -= time.monotonic() - began
            figures += await _look(on, opened, worker, max(round(ACTS * min(scale, 1)), 20))
            if len(opened) < target:
                say(f"  stopped at {len(opened)} of {target}: the time was up")
                break
    return figures


async def _open(on: Stage, number: int) -> str:
    org_number = company_number(number)
    company = RegisterEntry(org_number=org_number, name=f"Bolag {number} AB", kind="state_agency")
    demo = on.demo(company)
    await open_onboarding(on.context, demo.application(), demo.contact)
    return onboarding_id(org_number)


async def _look(on: Stage, opened: list[str], worker: int, acts_wanted: int) -> list[Figure]:
    """Act on cases spread over all, whether the worker holds them or not; then look at sizes."""
    count = len(opened)
    spread = opened[:: max(count // acts_wanted, 1)]
    acts = await act_at_pace(on, spread, acts_wanted)
    recorded = await on.context.pool.fetchval(OPEN)
    if recorded < count:
        raise RuntimeError(f"{recorded} of {count} cases are in the record")
    waited = [(act.answered - act.sent) * 1000 for act in acts]
    say(f"  {count}: act p99 {percentile(waited, 99):.0f} ms")
    return [
        Figure(f"{count} open: act answered, p50", percentile(waited, 50), "ms", P50_BAR_MS),
        Figure(f"{count} open: act answered, p99", percentile(waited, 99), "ms", P99_BAR_MS),
        Figure(f"{count} open: worker", memory_mb(worker), "MB"),
        Figure(
            f"{count} open: Temporal's database", _size_mb(on.stack.data_dir / "temporal"), "MB"
        ),
        Figure(f"{count} open: Postgres", await _database_mb(on), "MB"),
    ]


def _size_mb(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()) / 1e6


async def _database_mb(on: Stage) -> float:
    return float(await on.context.pool.fetchval("select pg_database_size($1)", DATABASE)) / 1e6
