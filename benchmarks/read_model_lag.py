"""How long after its answer an act is seen in the read model."""

from benchmarks.acts import act_at_pace, open_cases
from benchmarks.figure import Figure, percentile
from benchmarks.stage import stage

P99_BAR_MS = 1000
CASES, ACTS = 50, 600


async def measure(scale: float) -> list[Figure]:
    """Send acts at ten a second over open cases and look for each in the read model."""
    async with stage() as on:
        refs = await open_cases(on, on.municipalities(max(round(CASES * scale), 5)))
        await act_at_pace(on, refs, len(refs))
        acts = await act_at_pace(on, refs, max(round(ACTS * scale), 50), watch=True)
    lags = [(act.recorded - act.answered) * 1000 for act in acts if act.recorded is not None]
    return [
        Figure("act seen in the read model, p50", percentile(lags, 50), "ms"),
        Figure("act seen in the read model, p99", percentile(lags, 99), "ms", P99_BAR_MS),
    ]
