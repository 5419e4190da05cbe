"""How long a person waits for the answer to an act."""

from benchmarks.acts import act_at_pace, open_cases
from benchmarks.figure import Figure, percentile
from benchmarks.stage import stage

P50_BAR_MS, P99_BAR_MS = 20, 100
CASES, ACTS = 50, 600


async def measure(scale: float) -> list[Figure]:
    """Send acts at ten a second over open cases, as a program that sends them does."""
    async with stage() as on:
        refs = await open_cases(on, on.municipalities(max(round(CASES * scale), 5)))
        await act_at_pace(on, refs, len(refs))
        acts = await act_at_pace(on, refs, max(round(ACTS * scale), 50))
    took = [(act.answered - act.sent) * 1000 for act in acts]
    details: dict[str, object] = {"acts": len(took), "slowest": round(max(took), 1)}
    return [
        Figure("act answered, p50", percentile(took, 50), "ms", P50_BAR_MS, details=details),
        Figure("act answered, p99", percentile(took, 99), "ms", P99_BAR_MS),
    ]
