"""How fast all municipalities come in, each to where it waits for its first human."""

from benchmarks.figure import Figure
from benchmarks.stage import at_once, open_and_wait, seconds, stage


async def measure(scale: float) -> list[Figure]:
    """Open an onboarding for every municipality."""
    async with stage() as on:
        demos = [on.demo(entry) for entry in on.municipalities()]
        demos = demos[: max(round(len(demos) * scale), 5)]
        took = await seconds(at_once(open_and_wait, demos))
    return [
        Figure(f"import of {len(demos)} municipalities", took, "s"),
        Figure("import", len(demos) / took, "cases/s"),
    ]
