"""Measure: `python -m benchmarks` prints a table and keeps it as JSON; it asserts nothing."""

import asyncio
import json
import logging
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from benchmarks import (
    act_latency,
    bulk_retry,
    clearing,
    growth,
    history_events,
    idle_memory,
    import_all,
    midnight,
    onboarding_rate,
    read_model_lag,
    reconciling,
    worker_loss,
)
from benchmarks.figure import Figure
from benchmarks.stage import say
from runtime.temporal_source import VERSION

RESULTS = Path(__file__).parents[1] / "var" / "benchmarks"
BENCHMARKS: dict[str, Callable[[float], Awaitable[list[Figure]]]] = {
    "rate": onboarding_rate.measure,
    "events": history_events.measure,
    "acts": act_latency.measure,
    "lag": read_model_lag.measure,
    "loss": worker_loss.measure,
    "memory": idle_memory.measure,
    "import": import_all.measure,
    "midnight": midnight.measure,
    "retry": bulk_retry.measure,
    "clearing": clearing.measure,
    "reconcile": reconciling.measure,
    "growth": growth.measure,
}
app = App(name="python -m benchmarks", help="Measure the engine against its bars.")


@app.default
def main(
    *names: str,
    scale: Annotated[float, Parameter(help="0.1 does a tenth of the work")] = 1.0,
    output: Annotated[Path | None, Parameter(help="where the JSON goes")] = None,
) -> None:
    """Measure all, or those that are named, and print the table.

    Example: python -m benchmarks events acts --scale 0.2
    """
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"Unknown: {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.")
    figures = asyncio.run(_measure(names or tuple(BENCHMARKS), scale))
    _print(figures)
    _write(figures, scale, output or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json")


async def _measure(names: tuple[str, ...], scale: float) -> dict[str, list[Figure]]:
    found = {}
    for name in names:
        say(f"{name} ...")
        began = time.monotonic()
        found[name] = await BENCHMARKS[name](scale)
        say(f"{name}: {time.monotonic() - began:.0f} s")
    return found


def _print(found: dict[str, list[Figure]]) -> None:
    table = Table("benchmark", "figure", "bar", "measured", "")
    for name, figures in found.items():
        for figure in figures:
            sign = "≥" if figure.more_is_better else "≤"
            bar = "–" if figure.bar is None else f"{sign} {figure.bar:g} {figure.unit}"
            met = {None: "", True: "yes", False: "NO"}[figure.meets]
            table.add_row(name, figure.name, bar, f"{figure.measured:.4g} {figure.unit}", met)
    Console().print(table)


def _write(found: dict[str, list[Figure]], scale: float, path: Path) -> None:
    packages = ("temporalio", "pydantic", "asyncpg")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    whole = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": scale,
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "load": load,
        },
        "versions": {
            "python": platform.python_version(),
            "temporal_server": VERSION,
            **{package: version(package) for package in packages},
        },
        "figures": {
            name: [asdict(figure) | {"meets": figure.meets} for figure in figures]
            for name, figures in found.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "utf-8")
    say(f"written: {path}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    code = 0
    try:
        app()
    except SystemExit as end:
        if isinstance(end.code, str):
            say(end.code)
        code = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads can abort an ordinary exit after the work is done
