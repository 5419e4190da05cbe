"""Applications in bulk from a CSV file: progress, a report row for each line, resumable."""

import asyncio
import csv
import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from rich.progress import Progress

from commands.context import STDERR, CommandError, Context, said, say
from commands.csv_lines import read_lines, report_path
from commands.opening import open_onboarding
from commands.people import staff_here
from domain.act import Actor, Role
from domain.dates import local_date
from runtime.acting import NotAnsweredError, StepRefusedError

NEEDED = ("org_number", "contact_name", "contact_email", "dataset_id")
REPORT = ("line", "org_number", "result", "reason")
DONE = {"opened", "already_open"}
AT_ONCE = 20


@dataclass(frozen=True)
class Row:
    """One line of the file: an application with one or more data sets, `;` between them."""

    line: int
    values: dict[str, str]

    @property
    def request_id(self) -> str:
        """The same for the same line, so that a repeated import opens nothing twice."""
        said = "|".join(f"{name}={self.values[name]}" for name in sorted(self.values))
        return f"import/{hashlib.sha256(said.encode()).hexdigest()[:32]}"

    def application(self) -> dict[str, Any]:
        """Return the application that the line stands for."""
        values = self.values
        email = values["contact_email"]
        owner = values.get("information_owner_name") or values["contact_name"]
        organisation = {"org_number": values["org_number"]}
        if values.get("municipality_code"):
            organisation["municipality_code"] = values["municipality_code"]
        datasets = [
            {
                "dataset_id": dataset_id.strip(),
                "information_owner": {
                    "name": owner,
                    "email": values.get("information_owner_email") or email,
                },
                "support_email": values.get("support_email") or email,
                "personal_data": values.get("personal_data") or "unknown",
                "delivery": values.get("delivery") or "own",
                "hosting": values.get("hosting") or "data_host",
                "base_url": values.get("base_url") or None,
            }
            for dataset_id in values["dataset_id"].split(";")
        ]
        return {
            "organisation": organisation,
            "contact": {
                "name": values["contact_name"],
                "email": email,
                "phone": values.get("contact_phone", ""),
            },
            "datasets": datasets,
        }

    def entered_by(self, staff: Actor, basis: str) -> Actor:
        """Return who enters the application, for whom, and the day it came.

        Raises:
            CommandError: `arrival_date` is no day.
        """
        typed = self.values.get("arrival_date")
        try:
            arrival = date.fromisoformat(typed) if typed else local_date(datetime.now(UTC))
        except ValueError:
            raise CommandError(
                "arrival_date är ingen dag: skriv till exempel 2026-03-02. / "
                "arrival_date is no day: write for example 2026-03-02."
            ) from None
        whom = self.values["contact_name"]
        post = {"on_behalf_of": whom, "basis": basis, "arrival_date": arrival}
        return staff.model_copy(update=post)


def read_rows(path: Path) -> list[Row]:
    """Read the file.

    Raises:
        CommandError: it is not there, or a column is missing.
    """
    return [Row(number, values) for number, values in read_lines(path, NEEDED)]


def _already_done(report: Path, rows: list[Row]) -> list[dict[str, str]]:
    """Return what a report of before says of lines that still stand and need nothing more."""
    if not report.exists():
        return []
    standing = {(str(row.line), row.values["org_number"]) for row in rows}
    with report.open(encoding="utf-8", newline="") as file:
        return [
            said
            for said in csv.DictReader(file)
            if said["result"] in DONE and (said["line"], said["org_number"]) in standing
        ]


async def import_file(context: Context, path: Path) -> dict[str, int]:
    """Open a case for every line that has none yet; returns how many ended how."""
    rows = await asyncio.to_thread(read_rows, path)
    report = report_path(path)
    done = await asyncio.to_thread(_already_done, report, rows)
    lines = {said["line"] for said in done}
    todo = [row for row in rows if str(row.line) not in lines]
    staff = staff_here(context, Role.CASE_HANDLER)
    counts: dict[str, int] = {"skipped": len(rows) - len(todo)}
    slots = asyncio.Semaphore(AT_ONCE)
    with _Report(report, done) as written, Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("import", total=len(todo))

        async def one(row: Row) -> None:
            async with slots:
                result, reason = await _open(context, row, staff, basis=path.name)
            written.write(row, result, reason)
            counts[result] = counts.get(result, 0) + 1
            progress.advance(task)

        await asyncio.gather(*(one(row) for row in todo))
    say(f"Rapport / report: {report}")
    return counts


async def _open(context: Context, row: Row, staff: Actor, *, basis: str) -> tuple[str, str]:
    try:
        actor = row.entered_by(staff, basis)
        await open_onboarding(context, row.application(), actor, request_id=row.request_id)
    except StepRefusedError as error:
        refusal = error.refusal
        if refusal["code"] == "already_open":
            return "already_open", refusal["text"]["sv"]
        return "refused", " / ".join(said(refusal))
    except CommandError as error:
        return "refused", str(error)
    except NotAnsweredError:
        return "unanswered", ""
    return "opened", ""


class _Report:
    """The report, a row for each line, written as it goes, so that a cut import can go on."""

    def __init__(self, path: Path, done: list[dict[str, str]]) -> None:
        self._path = path
        self._done = done

    def __enter__(self) -> Self:
        """Begin again with what is done: what was refused before is said anew."""
        self._file = self._path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(REPORT)
        self._writer.writerows([said[name] for name in REPORT] for said in self._done)
        self._file.flush()
        return self

    def write(self, row: Row, result: str, reason: str) -> None:
        """Write how one line ended. A number that may be a person's is not repeated."""
        number = "" if "personnummer" in reason else row.values["org_number"]
        self._writer.writerow((row.line, number, result, reason))
        self._file.flush()

    def __exit__(self, *_: object) -> None:
        self._file.close()
