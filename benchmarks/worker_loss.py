"""How long acts go unanswered when one of two workers is killed."""

from benchmarks.acts import note, open_cases
from benchmarks.figure import Figure, percentile
from benchmarks.stage import Stage, at_once, say, seconds, stage
from runtime.processes import Child, free_port

P99_BAR_SECONDS = 2
CASES, KILLS = 16, 10


async def measure(scale: float) -> list[Figure]:
    """Kill a worker, act at once on cases that it served, start it again; several times.

    Each time with cases of its own: with the same ones the notes would soon make most of their
    histories, which would be longer than those of whole onboardings.
    """
    kills = max(round(KILLS * scale), 2)
    async with stage(with_worker=False) as on:
        workers = [await _worker(on, place) for place in (0, 1)]
        everyone = on.municipalities(kills * CASES)
        silences: list[float] = []
        for number in range(kills):
            place = number % 2
            refs = await open_cases(on, everyone[number * CASES :][:CASES])
            await at_once(lambda ref: note(on, ref), refs)
            workers[place].process.kill()
            silences += await at_once(lambda ref: seconds(note(on, ref)), refs)
            say(f"  kill {number + 1} of {kills}: {max(silences[-len(refs) :]):.2f} s")
            await workers[place].process.wait()
            workers[place] = await _worker(on, place)
    details: dict[str, object] = {
        "kills": kills,
        "acts": len(silences),
        "slowest": sorted(silences)[-len(refs) :],
    }
    return [
        Figure("silence after a worker is killed, p50", percentile(silences, 50), "s"),
        Figure(
            "silence after a worker is killed, p99",
            percentile(silences, 99),
            "s",
            P99_BAR_SECONDS,
            details=details,
        ),
    ]


async def _worker(on: Stage, place: int) -> Child:
    ports = {"HEALTH_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    return await on.stack.start_worker(f"worker{place}", **ports)
