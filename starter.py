"""The command line. Each command is a few lines here and a function in `commands/`.

Data go to stdout (`--json` for programs), everything else to stderr. Exit codes: 0 done, 1 not
done for a reason that is said, 2 wrong usage.
"""

import asyncio
import logging
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

from cyclopts import App

from commands import bulk, documents, keys, looking, preparing, running, showing, sweeps
from commands.acting import take_step
from commands.context import (
    CommandError,
    Context,
    print_json,
    print_line,
    read_data,
    said,
    say,
)
from commands.opening import opener_of, org_number_of
from commands.options import As, ByPost, DataDir, English, Json, Limit
from commands.options import screen as _screen
from commands.options import with_context as _with_context
from commands.people import actor_of, parse_as
from commands.retrying import retry_failing
from domain.agreement_state import agreement_id
from domain.state import System
from records.lists import Filter
from runtime.acting import NoSuchCaseError, NotAnsweredError, StepRefusedError

app = App(
    name="starter.py",
    help="Onboarding of producers to the national geodata platform.",
    version="0.1.0",
)


@app.command
def up(*, data_dir: DataDir = None, ports: str = "fixed", json: Json = False) -> None:
    """Run the whole stack in the foreground: Postgres, Temporal, outside world, worker.

    Example: starter.py up --ports auto
    """
    asyncio.run(running.up(data_dir, auto_ports=ports == "auto", json=json))


@app.command
def prepare(*, new_key: str | None = None, json: Json = False) -> None:
    """Make a Postgres and a Temporal of your own ready: keys, migrations, search attributes.

    Example: starter.py prepare --new-key k2

    Args:
        new_key: add a key of this id and encrypt with it from now on
        json: print data for programs
    """
    showing.print_result(asyncio.run(preparing.prepare(new_key)), json=json)


@app.command
def demo(
    *,
    scenario: str = "standard",
    organisation: str | None = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Play an onboarding from application to working key, on the running stack or one of its own.

    Scenarios: standard, denied, returned-agreement, scanned, withdrawn; and life afterwards:
    adding-dataset, agent, departure, outage, appeal, rotation, reconciliation, notice, adopted.
    Exits with 1 when it did not end as it should.
    Example: starter.py demo --scenario denied --organisation 212000-0142
    """
    result = asyncio.run(running.demo(scenario, organisation, data_dir))
    showing.print_result(result, json=json)
    return 0 if result["passed"] else 1


@app.command(name="open")
def open_case(
    type_: str,
    *,
    data: str,
    as_: As,
    post: ByPost | None = None,
    request_id: str | None = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Open a case; `--data` is the application as JSON, or a file of it.

    Types: onboarding; under an agreement in force also dataset and agent. A case handler opens
    what came by post.
    Example: starter.py open onboarding --data a.json --as producer_contact:anna@kommun.example
    """
    opener = opener_of(type_)

    async def work(context: Context) -> None:
        payload = read_data(data)
        org_number = org_number_of(payload)
        actor = await actor_of(context, as_, agreement_id(org_number), by_post=post)
        if actor.organisation is None and actor.role != "case_handler":
            actor = actor.model_copy(update={"organisation": org_number})
        ref, receipt = await opener(context, payload, actor, request_id=request_id)
        if json:
            print_json({"ref": ref, **receipt})
        else:
            print_line(ref)

    _with_context(work, data_dir)


@app.command
def step(
    ref: str,
    name: str,
    /,
    *,
    data: str | None = None,
    as_: As,
    post: ByPost | None = None,
    request_id: str | None = None,
    data_dir: DataDir = None,
    english: English = False,
    json: Json = False,
) -> None:
    """Take a step; `--data` is its payload as JSON, or a file of it.

    Example: starter.py step NGP2026-000001 accept_agreement --data check.json --as case_handler
    """

    async def work(context: Context) -> None:
        receipt = await take_step(
            context, ref, name, read_data(data), as_=as_, request_id=request_id, by_post=post
        )
        if json:
            print_json(receipt)
            return
        screen = _screen(context, english=english)
        wait = receipt["waiting"]
        print_line(screen.wait(wait) if wait else screen.label("stages", receipt["stage"]))

    _with_context(work, data_dir)


@app.command(name="list")
def list_cases(
    *,
    type: str | None = None,  # noqa: A002 - the name of the option
    stage: str | None = None,
    waiting_on: str | None = None,
    handler: str | None = None,
    organisation: str | None = None,
    due_before: date | None = None,
    q: str | None = None,
    incident: bool = False,
    ended: bool = False,
    all_kinds: bool = False,
    limit: Limit = 50,
    cursor: str | None = None,
    data_dir: DataDir = None,
    english: English = False,
    json: Json = False,
) -> None:
    """List cases, the newest first, narrowed as you say; `--cursor` goes on where a list was cut.

    Example: starter.py list --waiting-on case_handler
    """
    wanted = Filter(
        type=type,
        stage=stage,
        waiting_on=waiting_on,
        handler=handler,
        organisation=organisation,
        due_before=due_before,
        q=q,
        incident=incident,
        ended=ended,
        kind=None if all_kinds else "case",
        sort="-opened",
        limit=limit,
        cursor=cursor,
    )
    _with_context(
        lambda context: looking.list_all(
            context, wanted, _screen(context, english=english), json=json
        ),
        data_dir,
    )


@app.command
def show(
    ref: str, *, data_dir: DataDir = None, english: English = False, json: Json = False
) -> None:
    """Show a case on one screen: where it is, on whom it waits, what failed, what can be done.

    Example: starter.py show NGP2026-000001
    """
    _with_context(
        lambda context: looking.show(context, ref, _screen(context, english=english), json=json),
        data_dir,
    )


@app.command
def watch(
    ref: str, *, data_dir: DataDir = None, english: English = False, json: Json = False
) -> None:
    """Show a case again each time it changes, until it has ended.

    Example: starter.py watch NGP2026-000001
    """
    _with_context(
        lambda context: looking.watch(context, ref, _screen(context, english=english), json=json),
        data_dir,
    )


@app.command
def organisation(
    org_number: str, *, data_dir: DataDir = None, english: English = False, json: Json = False
) -> None:
    """Show everything about one organisation.

    Example: starter.py organisation 212000-1363
    """
    _with_context(
        lambda context: looking.organisation(
            context, org_number, _screen(context, english=english), json=json
        ),
        data_dir,
    )


@app.command
def forecast(
    ref: str,
    *,
    days: int = 365,
    data_dir: DataDir = None,
    english: English = False,
    json: Json = False,
) -> None:
    """Show what will happen by itself if nobody does anything.

    Example: starter.py forecast NGP2026-000001 --days 60
    """
    _with_context(
        lambda context: looking.forecast(
            context, ref, days, _screen(context, english=english), json=json
        ),
        data_dir,
    )


@app.command
def form(
    ref: str, kind: str, *, out: Path | None = None, data_dir: DataDir = None, json: Json = False
) -> None:
    """Fetch an agreement form (producer or processing), pre-filled, as PDF.

    Example: starter.py form NGP2026-000001 producer --out avtal.pdf
    """
    data = _with_context(lambda context: documents.prefilled_form(context, ref, kind), data_dir)
    path = out or Path(f"{kind}.pdf")
    path.write_bytes(data)
    if json:
        print_json({"path": str(path), "kind": kind})
    else:
        print_line(str(path))


@app.command
def document(
    ref: str,
    file: Path,
    *,
    kind: str = "document",
    as_: As = "case_handler",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Store a document in a case; prints its id, to be used in a step's payload.

    Example: starter.py document NGP2026-000001 avtal.pdf
    """

    async def work(context: Context) -> str:
        actor = await actor_of(context, as_, ref)
        data = await asyncio.to_thread(looking.read_bytes, file)
        return await documents.store_document(context, ref, file.name, data, kind=kind, by=actor)

    document_id = _with_context(work, data_dir)
    if json:
        print_json({"document_id": document_id})
    else:
        print_line(document_id)


@app.command
def pickup(token: str, *, as_: As, data_dir: DataDir = None, json: Json = False) -> None:
    """Fetch a key with the code from the mail: once, as the person it was offered to.

    Example: starter.py pickup CODE --as producer_contact:anna@kommun.example
    """

    async def work(context: Context) -> dict[str, str]:
        subject = await keys.subject_of(context, parse_as(as_)[1])
        return await keys.fetch_key(context, token, subject)

    key = _with_context(work, data_dir)
    if json:
        print_json(key)
    else:
        for name, value in key.items():
            print_line(f"{name:16} {value}")


@app.command(name="check-login")
def check_login(name: str, *, json: Json = False) -> int:
    """Say which kind of account a login name is: system (abcd1234) or personal (no digits).

    Example: starter.py check-login abcd1234
    """
    return 0 if looking.check_login(name, json=json) else 1


@app.command
def retry(system: System | None = None, *, data_dir: DataDir = None, json: Json = False) -> None:
    """Try everything that fails at a system (or at all of them) again at once.

    Example: starter.py retry portal_production
    """
    counted = _with_context(lambda context: retry_failing(context, system), data_dir)
    showing.print_result(counted, json=json)


@app.command(name="import")
def import_file(file: Path, *, data_dir: DataDir = None, json: Json = False) -> int:
    """Open a case for each line of a CSV file; a report is written beside it. Can be repeated.

    Columns: org_number, contact_name, contact_email, dataset_id; and, where known,
    arrival_date, municipality_code, contact_phone, personal_data, delivery, hosting, base_url,
    support_email, information_owner_name, information_owner_email. Several data sets: `;` between.
    Example: starter.py import applications.csv
    """
    counts = _with_context(lambda context: bulk.import_file(context, file), data_dir)
    showing.print_counts(counts, json=json)
    return 1 if counts.get("refused") or counts.get("unanswered") else 0


app.command(sweeps.adopt)
app.command(name="departures")(sweeps.departures_file)
app.command(sweeps.rebuild)
app.command(sweeps.reconcile)


@app.command
def verify(*, data_dir: DataDir = None, json: Json = False) -> int:
    """Check that the journal is whole and unaltered.

    Example: starter.py verify
    """
    whole = _with_context(lambda context: looking.verify(context, json=json), data_dir)
    return 0 if whole else 1


def _say_refusal(refusal: dict[str, Any]) -> None:
    for text in said(refusal):
        say(text)
    is_of_the_step = refusal.get("field") is None and "Öppet nu" not in refusal["text"]["sv"]
    if refusal.get("open_steps") and is_of_the_step:
        say(f"Öppet nu / open now: {', '.join(refusal['open_steps'])}")


def _say_unanswered(error: NoSuchCaseError | NotAnsweredError) -> None:
    if isinstance(error, NoSuchCaseError):
        say(f"{error} är inte igång. / {error} is not running.")
        return
    again = f"--request-id {error.request_id}"
    say(
        f"{error} svarar inte just nu. Inget är förlorat: ge samma kommando igen med {again}, "
        "så görs det en gång."
    )
    say(
        f"{error} does not answer just now. Nothing is lost: give the same command again with "
        f"{again}, and it is done once."
    )


def run(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        result = app(arguments, result_action="return_value")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (CommandError, *running.StackError) as error:
        say(str(error))
        return 1
    except StepRefusedError as error:
        _say_refusal(error.refusal)
        return 1
    except (NoSuchCaseError, NotAnsweredError) as error:
        _say_unanswered(error)
        return 1
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run one command and end cleanly."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(code)  # the SDK's threads can abort an ordinary exit after the work is done


if __name__ == "__main__":
    main()
