"""How long a reconciliation of many credentials takes, and how long acts wait meanwhile."""

import asyncio

from benchmarks.acts import A_SECOND, Act, act_at_pace, open_cases
from benchmarks.connected import ENVIRONMENTS, connect
from benchmarks.figure import Figure, percentile
from benchmarks.stage import Stage, say, seconds, stage
from commands.reconciling import start
from records import reconciliations

P99_BAR_MS = 100
CREDENTIALS, CASES = 2000, 20
ROUNDS = 3


async def measure(scale: float) -> list[Figure]:
    """Reconcile a few times over credentials that all agree, with acts at ten a second."""
    count = max(round(CREDENTIALS * scale / len(ENVIRONMENTS)), 5)
    async with stage() as on:
        refs = await open_cases(on, on.municipalities(max(round(CASES * min(scale, 1)), 5)))
        await connect(on, count)
        await act_at_pace(on, refs, len(refs))
        took, events = [], []
        acts: list[Act] = []
        for _ in range(ROUNDS):
            is_over = asyncio.Event()
            acting = asyncio.create_task(_act_until(is_over, on, refs))
            ref = await start(on.context)
            handle = on.context.client.get_workflow_handle(ref)
            took.append(await seconds(handle.result()))
            is_over.set()
            acts += await acting
            events.append((await handle.describe()).history_length)
            await _assert_agrees(on, count)
            say(f"  {took[-1]:.1f} s, {events[-1]} events, {len(acts)} acts")
    waited = [(act.answered - act.sent) * 1000 for act in acts]
    credentials = count * len(ENVIRONMENTS)
    details: dict[str, object] = {"credentials": credentials, "seconds": took, "acts": len(acts)}
    return [
        Figure("reconciliation", max(took), "s", details=details),
        Figure("history of a reconciliation", max(events), "events"),
        Figure("act answered meanwhile, p50", percentile(waited, 50), "ms"),
        Figure("act answered meanwhile, p99", percentile(waited, 99), "ms", P99_BAR_MS),
    ]


async def _act_until(is_over: asyncio.Event, on: Stage, refs: list[str]) -> list[Act]:
    """Act at the even pace, a second at a time; an act that fails ends the benchmark."""
    acts: list[Act] = []
    while not is_over.is_set():
        acts += await act_at_pace(on, refs, A_SECOND)
    return acts


async def _assert_agrees(on: Stage, count: int) -> None:
    """See in the report that every key and right was looked at, and nothing differs."""
    report = await reconciliations.report(on.context.pool)
    standing = count * (1 + len(ENVIRONMENTS))
    if report is None or report.outcome != "agrees" or (report.granted or 0) < standing:
        raise RuntimeError(f"{report and report.outcome}: {report and report.granted}")
