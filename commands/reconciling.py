"""Reconciling on demand: start a run or join the one under way, follow it, print its report."""

import asyncio
from typing import Any, Final

from rich.text import Text as Line
from temporalio.common import WorkflowIDConflictPolicy

from commands.context import CommandError, Context, print_json, say
from commands.showing import Screen
from records import reconciliations
from records.reconciliations import Report, Reported
from runtime.asking import ask
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

REF: Final = "reconciliation/on-demand"
LOOK_SECONDS: Final = 0.5
ENDED: Final = "ended"


async def start(context: Context) -> str:
    """Start a run and return its workflow id; one that is under way on demand is joined."""
    await context.client.start_workflow(
        "AccessReconciliation",
        {"policy": context.policy.model_dump(mode="json")},
        id=REF,
        task_queue=WORKFLOW_QUEUE,
        task_timeout=TASK_LIMIT,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="AccessReconciliation",
    )
    return REF


async def reconcile(context: Context, screen: Screen, *, json: bool) -> bool:
    """Run once and print the report; returns whether nothing is left to a person.

    A run that asks before it cuts is left waiting: the report says how to answer.
    """
    ref = await start(context)
    stage = await _follow(context, ref, screen)
    details = await _details(context, ref)
    report = await reconciliations.report(context.pool, _run(details, ref))
    if report is None:
        raise CommandError("Ingen rapport finns. / There is no report.")
    _print(report, screen, json=json, stage=stage)
    if stage != ENDED:
        say(
            f"Svara inom ett dygn / answer within a day: "
            f"starter.py step {ref} confirm_cuts | reject_cuts --as case_handler"
        )
    return stage == ENDED


async def last(context: Context, screen: Screen, *, json: bool) -> None:
    """Print the report of the last run.

    Raises:
        CommandError: there has been none.
    """
    report = await reconciliations.report(context.pool)
    if report is None:
        raise CommandError(
            "Ingen avstämning har gjorts än: starter.py reconcile / "
            "No reconciliation has been made yet: starter.py reconcile"
        )
    _print(report, screen, json=json, stage=ENDED if report.ended_at else "")


async def _details(context: Context, ref: str) -> dict[str, Any]:
    return await ask(context.client.get_workflow_handle(ref), "view")


def _run(view: dict[str, Any], ref: str) -> str:
    return f"{ref}@{view['opened_at']}"


async def _follow(context: Context, ref: str, screen: Screen) -> str:
    """Say how it goes until it has ended or asks; returns the stage it is in then."""
    said = None
    while True:
        view = await _details(context, ref)
        progress = _progress(view, screen)
        if progress != said:
            say(progress)
            said = progress
        if view["stage"] in {ENDED, "asking"}:
            return str(view["stage"])
        await asyncio.sleep(LOOK_SECONDS)


def _progress(view: dict[str, Any], screen: Screen) -> str:
    text = screen.label("stages", view["stage"])
    looking = view["details"].get("looking") or {}
    if looking and view["stage"] in {"first_look", "second_look"}:
        return f"{text}: {', '.join(screen.label('systems', each) for each in looking)}"
    if view["stage"] == "pause":
        return f"{text}: {screen.when(view['details'].get('second_look_at'))}"
    return text


# ---- the report ------------------------------------------------------------------------------


def _print(report: Report, screen: Screen, *, json: bool, stage: str) -> None:
    if json:
        print_json(as_data(report) | {"stage": stage or "under_way"})
        return
    outcome = screen.label("outcomes", report.outcome) if report.outcome else "…"
    screen.console.print(
        f"[bold]{screen.when(report.started_at)}[/bold]  {outcome}  "
        f"({report.granted} {screen.word('standing')})"
    )
    if not report.rows:
        screen.console.print(screen.word("nothing"))
        return
    for row in report.rows:
        screen.console.print(_lines(row, screen))


def _lines(row: Reported, screen: Screen) -> Line:
    """Return what was found and what is done, and below it where, with its id whole."""
    finding = row.finding
    facts = dict(finding.facts)
    why = facts.pop("why", None)
    found = screen.label("findings", finding.kind)
    found += f": {screen.label('reasons', why)}" if why else ""
    done = screen.label("dealt", row.done) if row.done else "–"
    named = ", ".join(screen.label("items", each) for each in facts.values())
    ref = finding.ref or finding.item
    system = screen.label("systems", finding.system)
    lines = Line(f"\n{found}\n", style="bold")
    lines.append(f" {screen.word('done')}: {done}\n", style="not bold")
    lines.append(f" {system}: {named or ref}", style="not bold")
    return lines.append(f"\n {ref}" if named else "", style="not bold dim")


def as_data(report: Report) -> dict[str, Any]:
    """Return a report for programs: counts by kind and by what was done, and every row."""
    rows = [
        row.finding.model_dump(mode="json", exclude={"rests_on"}) | {"done": row.done}
        for row in report.rows
    ]
    found: dict[str, int] = {}
    done: dict[str, int] = {}
    for row in report.rows:
        found[row.finding.kind] = found.get(row.finding.kind, 0) + 1
        done[row.done or "waits"] = done.get(row.done or "waits", 0) + 1
    return report.model_dump(mode="json", exclude={"rows"}) | {
        "found": found,
        "done": done,
        "rows": rows,
    }
