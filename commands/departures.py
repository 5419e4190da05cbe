"""A leaver list from a personnel system: every line schedules one person's departure."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from rich.progress import Progress

from commands.context import STDERR, Context, said
from commands.csv_lines import read_lines, write_report
from domain.act import Actor, Role
from records import people
from runtime.acting import NoSuchCaseError, NotAnsweredError, StepRefusedError, send_step

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


def _stands(details: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the day is the last day already, and those who are named take over."""
    known = {
        role: each["person"]["email"].casefold()
        for role, each in details.get("successors", {}).items()
    }
    return details.get("last_day") == wanted["last_day"] and all(
        known.get(each["role"]) == each["person"]["email"].casefold()
        for each in wanted.get("successors", ())
    )


async def departures(context: Context, path: Path) -> dict[str, int]:
    """Schedule the departures of a list; returns how many lines ended how.

    A line that says what stands already is `already`; who has no access here is `unknown`. A
    departure that was called off or moved since is scheduled again: the list is the last word. A
    report is written beside the list, with a row for each line.
    """
    rows = await asyncio.to_thread(read_lines, path, NEEDED)
    counts: dict[str, int] = {}
    written: list[tuple[object, ...]] = []
    with Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("departures", total=len(rows))
        for line, values in rows:
            result, reason = await _schedule(context, path, values)
            counts[result] = counts.get(result, 0) + 1
            written.append((line, result, reason))
            progress.advance(task)
    await asyncio.to_thread(write_report, path, REPORT, written)
    return counts


async def _schedule(context: Context, path: Path, values: dict[str, str]) -> tuple[str, str]:
    found = await people.by_email_or_account(context.pool, values["person"])
    if not found:
        return "unknown", "Personen har ingen åtkomst här. / The person has no access here."
    view, wanted = found[0]["view"], _departure(values)
    if view["stage"] in {"ending", "ended"} or _stands(view["details"], wanted):
        return "already", ""
    # The version tells a line that is handed in again from one whose answer was lost.
    line = "|".join(f"{name}={values[name]}" for name in sorted(values))
    line += f"|{view['version']}"
    request = {
        "request_id": f"departure/{hashlib.sha256(line.encode()).hexdigest()[:32]}",
        "actor": Actor(
            subject="leaver-list", name="leaver list", role=Role.SYSTEM, basis=path.name
        ).model_dump(mode="json"),
        "payload": wanted,
    }
    try:
        await send_step(context.client, view["ref"], "schedule_departure", request)
    except StepRefusedError as error:
        return "refused", " / ".join(said(error.refusal))
    except NoSuchCaseError:
        return "already", ""
    except NotAnsweredError:
        return "unanswered", ""
    return "scheduled", ""
