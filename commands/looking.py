"""Commands that only look: list, show, watch, organisation, forecast, verify, check-login."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commands.acting import view_of
from commands.context import NO_RECORDS, CommandError, Context, print_json, print_line, say
from commands.showing import Screen
from domain.logins import NEITHER, kind_of_login
from domain.machine import Moment
from domain.machines import MACHINES
from domain.organisations import BadOrgNumber, parse_org_number
from domain.view import forecast as play_forward
from records import cases
from records.errors import BadCursorError
from records.lists import Filter, list_cases, with_waits_of_parts
from records.verification import verify as verify_journal
from runtime.asking import ask

WATCH_SECONDS = 0.5
SHORT = (
    "number",
    "workflow_id",
    "type",
    "stage",
    "outcome",
    "organisation",
    "org_number",
    "waiting_on",
    "waiting_since",
    "waiting_rule",
    "waiting_due",
    "handler",
    "version",
)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SHORT}


async def list_all(context: Context, wanted: Filter, screen: Screen, *, json: bool) -> None:
    """Print the cases that a filter leaves."""
    try:
        page = await list_cases(context.pool, wanted)
    except BadCursorError:
        raise CommandError(
            "--cursor hör inte till den här listan. / --cursor is not of this list."
        ) from None
    rows = await with_waits_of_parts(context.pool, page.rows)
    if json:
        print_json([_short(row) for row in rows])
    else:
        screen.rows(rows)
    if page.cursor is not None:
        say(f"Det finns fler / there are more: --cursor {page.cursor}")


async def show(context: Context, ref: str, screen: Screen, *, json: bool) -> None:
    """Print one case whole."""
    view = await view_of(context, ref)
    if json:
        print_json(view)
    else:
        screen.case(view)


async def watch(context: Context, ref: str, screen: Screen, *, json: bool) -> None:
    """Print a case again each time it changes, until it has ended.

    It looks again and again: incidents are no change of the case, and a lost Postgres comes back.
    """
    seen, is_lost = None, False
    while True:
        try:
            view = await view_of(context, ref)
        except NO_RECORDS:
            if not is_lost:
                is_lost = True
                say("Postgres svarar inte, väntar ... / Postgres does not answer, waiting ...")
        else:
            is_lost = False
            failing = [each["operation"] for each in view["incidents"]]
            state = (view["version"], failing, view["waiting"], view["stage"])
            if state != seen:
                seen = state
                if json:
                    print_json({name: view[name] for name in ("version", "stage", "waiting")})
                else:
                    screen.case(view)
            if view["stage"] == "ended":
                return
        await asyncio.sleep(WATCH_SECONDS)


async def organisation(context: Context, typed: str, screen: Screen, *, json: bool) -> None:
    """Print everything about one organisation."""
    try:
        org_number = parse_org_number(typed)
    except BadOrgNumber as error:
        raise CommandError(f"{error.text.sv} / {error.text.en}") from None
    rows = await cases.of_organisation(context.pool, org_number)
    if json:
        print_json([_short(row) for row in rows])
    else:
        screen.organisation(rows)


async def forecast(context: Context, ref: str, days: int, screen: Screen, *, json: bool) -> None:
    """Print what will happen to a case, and all below it, by itself."""
    row = await cases.find(context.pool, ref)
    if row is None:
        raise CommandError(f"Det finns inget {ref}. / There is no {ref}.")
    rows: list[dict[str, Any]] = []
    below = await cases.parts_of(context.pool, row["workflow_id"])
    for each in [row, *below]:
        if each["ended_at"] is None:
            rows += await _forecast_one(context, each, days)
    rows.sort(key=lambda each: each["at"])
    if json:
        print_json(rows)
    else:
        title = f"{row['number'] or screen.named(row)}  {row['organisation']}"
        own = row["workflow_id"]
        screen.forecast(title, [each | {"ref": _below(each["ref"], own)} for each in rows])


def _below(ref: str, own: str) -> str:
    return "" if ref == own else ref


async def _forecast_one(context: Context, row: dict[str, Any], days: int) -> list[dict[str, Any]]:
    machine = MACHINES[row["type"]]
    handle = context.client.get_workflow_handle(row["workflow_id"])
    state = machine.state.model_validate(await ask(handle, "state"))
    moment = Moment(datetime.now(UTC), context.policy)
    found = play_forward(machine, state, moment, days)
    return [each | {"ref": row["workflow_id"]} for each in found]


async def verify(context: Context, *, json: bool) -> bool:
    """Check the journal; returns whether it is whole."""
    wrong = await verify_journal(context.pool)
    if json:
        print_json({"whole": not wrong, "wrong": wrong})
    else:
        text = "\n".join(wrong) or "Journalen är hel. / The journal is whole."
        Screen(context.texts).console.print(text)
    return not wrong


def check_login(name: str, *, json: bool) -> bool:
    """Say which kind of account a login name is; returns whether it is either."""
    kind = kind_of_login(name)
    if json:
        print_json({"name_kind": kind})
    elif kind == "neither":
        raise CommandError(f"{NEITHER.sv} / {NEITHER.en}")
    else:
        swedish = {"system": "systemkonto", "personal": "personligt konto"}[kind]
        print_line(f"{swedish} / {kind} account")
    return kind != "neither"


def read_bytes(path: Path) -> bytes:
    """Read a file that a person named.

    Raises:
        CommandError: it is not there.
    """
    if not path.is_file():
        raise CommandError(f"Filen {path} finns inte. / There is no file {path}.")
    return path.read_bytes()
