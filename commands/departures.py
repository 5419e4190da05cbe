"""A leaver list from a personnel system: every line schedules one person's departure."""

import asyncio
import csv
import hashlib
from pathlib import Path
from typing import Any

from rich.progress import Progress

from commands.context import STDERR, Context, said, say
from commands.csv_lines import read_lines
from domain.act import Actor, Role
from records import people
from runtime.acting import NoSuchCaseError, StepRefusedError, send_step

NEEDED = ("person", "last_day")
SUCCESSOR = ("role", "successor_name", "successor_email", "successor_phone")
REPORT = ("line", "result", "reason")


def _departure(values: dict[str, str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"last_day": values["last_day"]}
    if values.get("successor_email"):
        person = {
            "name": values.get("successor_name") or values["successor_email"],
            "email": values["successor_email"],
            "phone": values.get("successor_phone", ""),
        }
        wanted["successors"] = [{"role": values.get("role") or "contact", "person": person}]
    return wanted


async def departures(context: Context, path: Path) -> dict[str, int]:
    """Schedule the departures of a list; returns how many lines ended how.

    A line that was taken before is `already`; who has no access here is `unknown`. A report is
    written beside the list, with a row for each line.
    """
    rows = await asyncio.to_thread(read_lines, path, NEEDED)
    counts: dict[str, int] = {}
    written: list[tuple[object, ...]] = [REPORT]
    with Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("departures", total=len(rows))
        for line, values in rows:
            result, reason = await _schedule(context, path, values)
            counts[result] = counts.get(result, 0) + 1
            written.append((line, result, reason))
            progress.advance(task)
    report = path.with_suffix(".report.csv")
    await asyncio.to_thread(_write, report, written)
    say(f"Rapport / report: {report}")
    return counts


def _write(report: Path, rows: list[tuple[object, ...]]) -> None:
    with report.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


async def _schedule(context: Context, path: Path, values: dict[str, str]) -> tuple[str, str]:
    found = await people.by_email_or_account(context.pool, values["person"])
    if not found:
        return "unknown", "Personen har ingen åtkomst här. / The person has no access here."
    view = found[0]["view"]
    is_same = view["details"].get("last_day") == values["last_day"]
    if view["stage"] in {"ending", "ended"} or is_same:
        return "already", ""
    line = "|".join(f"{name}={values[name]}" for name in sorted(values))
    request = {
        "request_id": f"departure/{hashlib.sha256(line.encode()).hexdigest()[:32]}",
        "actor": Actor(
            subject="leaver-list", name="leaver list", role=Role.SYSTEM, basis=path.name
        ).model_dump(mode="json"),
        "payload": _departure(values),
    }
    try:
        await send_step(context.client, view["ref"], "schedule_departure", request)
    except StepRefusedError as error:
        return "refused", " / ".join(said(error.refusal))
    except NoSuchCaseError:
        return "already", ""
    return "scheduled", ""
