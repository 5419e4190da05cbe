"""Nothing lies readable where it should not: names, addresses, texts, numbers, and every secret."""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from adapters.organisation_registers import OrganisationRegisters
from commands.context import Context, opened
from commands.demo import Deliverer, Demo, plain_http
from commands.departures import departures
from commands.rehearsals import appoint, person_of
from commands.scenarios import standard
from domain.act import Actor, Role
from domain.onboarding_state import onboarding_id
from runtime.acting import StepRefusedError
from runtime.postgres import binaries
from runtime.settings import ROOT
from runtime.stack import DATABASE, Stack
from tests.system.conftest import starter
from workflows.case import WORKFLOW_QUEUE

ORG_NUMBER, NEVER_OPENED, AGENT = "212000-2890", "212000-2908", "556036-0793"
NAME = "quixotina"
LOCAL_PART = "zaphodina.planted"
TEXT = "quetzalkoatlus"
PERSONAL_NUMBER = "19811218-9876"
# Never kept, in whatever way it is written; the others only in columns that are made for them.
NEVER_KEPT = ("811218-9876", "8112189876")
PLANTED = (NAME, LOCAL_PART, TEXT, *NEVER_KEPT)
OWN_COLUMNS = ("journal", "cases", "closing_views", "documents", "document_links")


def _in_files(folder: Path, needles: Iterable[str]) -> set[tuple[str, str]]:
    """Return what is found where, however it is written."""
    return {
        (path.relative_to(folder).as_posix(), needle)
        for path in (folder.rglob("*") if folder.is_dir() else [folder])
        if path.is_file()
        for needle in _in_text(path.read_bytes(), needles)
    }


def _in_text(text: str | bytes, needles: Iterable[str]) -> set[str]:
    """Return what is there, as it is or as bytes in a dump of the database."""
    held = (text.encode() if isinstance(text, str) else text).lower()
    return {
        needle
        for needle in needles
        if needle.lower().encode() in held or needle.encode().hex().encode() in held
    }


def _dump(stack: Stack, *without: str) -> str:
    assert stack.postgres is not None
    done = subprocess.run(
        [
            binaries() / "pg_dump",
            *("--dbname", stack.postgres.dsn(DATABASE)),
            *(f"--exclude-table-data={table}" for table in without),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


async def _fail_once(stack: Stack) -> None:
    """Let the account system fail, with the person's name in what it says."""
    said = {"detail": f"{NAME} is not here", "message": NAME}
    fault = {"match": "*", "status": 503, "body": said, "times": 1}
    async with plain_http() as http:
        where = f"{stack.addresses()['account_system']}/_control/faults"
        (await http.post(where, json=fault)).raise_for_status()


async def _refuse_a_personal_number(
    stack: Stack, context: Context, demo: Demo, ref: str
) -> WorkflowHandle[Any, Any]:
    """Type one where an organisation number belongs, and in a note, by command and by signal."""
    application = demo.application() | {"organisation": {"org_number": PERSONAL_NUMBER}}
    typed = await starter(
        *("open", "onboarding", "--data", json.dumps(application), "--as", "case_handler"),
        data_dir=stack.data_dir,
    )
    assert 1 == typed.code
    assert not _in_text(typed.out + typed.err, NEVER_KEPT)
    note = {"text": f"Hennes nummer är {PERSONAL_NUMBER}.", "visibility": "internal"}
    with pytest.raises(StepRefusedError):
        await demo.act("case_handler", "note", note, ref)
    actor = {"subject": "hanna", "name": "Hanna", "role": "case_handler"}
    signalled = {"request_id": "signalled", "actor": actor, "payload": note}
    await context.client.get_workflow_handle(ref).signal("note", signalled)
    return await context.client.start_workflow(
        "ProducerOnboarding",
        {"policy": context.policy.model_dump(mode="json")},
        id=onboarding_id(NEVER_OPENED),
        task_queue=WORKFLOW_QUEUE,
        start_signal="apply",
        start_signal_args=[signalled | {"payload": application}],
    )


async def _figures(stack: Stack) -> list[str]:
    """Return the metrics of the SDK and our own."""
    async with plain_http() as http:
        where = [f"http://127.0.0.1:{stack.ports[name]}/metrics" for name in ("metrics", "health")]
        return [(await http.get(each)).raise_for_status().text for each in where]


async def _mails(addresses: dict[str, str]) -> list[dict[str, str]]:
    async with plain_http() as http:
        found: list[dict[str, str]] = (await http.get(f"{addresses['mail']}/messages")).json()
        return found


def _text(mail: dict[str, str]) -> str:
    return f"{mail['subject']}\n{mail['text']}"


async def _issued(addresses: dict[str, str]) -> list[str]:
    found: list[str] = []
    async with plain_http() as http:
        for portal in ("portal_verification", "portal_production"):
            found += (await http.get(f"{addresses[portal]}/_control/secrets")).json()
    return found


async def _name_others(demo: Demo, folder: Path) -> None:
    """Name an agent's contact, and a successor of the contact, who is to leave by a list."""
    ola = Actor(
        subject=f"{LOCAL_PART}.ombud@konsult.example",
        name=f"{NAME} ombud",
        role=Role.AGENT_CONTACT,
        organisation=AGENT,
    )
    await appoint(demo, Deliverer(AGENT, ola))
    ref = await person_of(demo)
    ny = {"name": f"{NAME} ny", "email": f"{LOCAL_PART}.ny@org.example"}
    leaving = {"last_day": "2099-12-31", "successors": [{"role": "contact", "person": ny}]}
    await demo.act(demo.contact, "schedule_departure", leaving, ref)
    await demo.until("the successor's account", _has_successor, ref)
    leavers = folder / "leavers.csv"
    leavers.write_text(f"person,last_day\n{demo.email},2099-12-30\n", "utf-8")
    assert await departures(demo.context, leavers) == {"scheduled": 1}


def _has_successor(view: dict[str, Any]) -> bool:
    found = view["details"].get("successors") or {}
    return bool(found.get("contact", {}).get("person", {}).get("account_id"))


async def _play(stack: Stack, context: Context, demo: Demo) -> str:
    """Onboard, with a failure on the way, refuse a personnummer, note; returns the case number."""
    ref = demo.part("permission", demo.entry.org_number)
    await _fail_once(stack)
    assert await standard(demo)
    await _name_others(demo, stack.data_dir)
    unopened = await _refuse_a_personal_number(stack, context, demo, ref)
    note = {"text": TEXT, "visibility": "internal"}
    receipt = await demo.act("case_handler", "note", note, ref)
    await demo.until("recorded", lambda view: view["version"] >= receipt["version"], ref)
    assert "never_opened" == (await unopened.result())["outcome"]
    return str((await demo.view())["number"])


@pytest.mark.timeout(300)
async def test_nothing_that_was_planted_lies_readable(stack: Stack) -> None:
    """A planted name, address and text, a personnummer, and every secret: nowhere outside."""
    addresses = {name: address for name, address in stack.addresses().items() if address}
    entry = OrganisationRegisters(ROOT / "data").look_up(ORG_NUMBER)
    assert entry is not None
    async with opened(stack.data_dir) as context:
        demo = Demo(context, entry, addresses, name=f"{NAME} ek", local_part=LOCAL_PART)
        number = await _play(stack, context, demo)
    secrets, mails = await _issued(addresses), await _mails(addresses)
    dump, others = _dump(stack), _dump(stack, *OWN_COLUMNS)
    postgres_log = stack.data_dir / "postgres" / "postgres.log"

    # What is looked for would be found: this is there.
    worker = (stack.data_dir / "logs" / "worker.log").read_text("utf-8")
    there = {number, ORG_NUMBER, "adapters.outside.Busy"}
    assert there == _in_text(worker, there)
    assert _in_files(stack.data_dir / "temporal", [ORG_NUMBER])
    kept = {"%PDF", NAME, LOCAL_PART, TEXT}
    assert kept == _in_text(dump, kept)
    assert secrets

    assert not _in_text(dump, [*secrets, *NEVER_KEPT])
    assert not _in_text(others, PLANTED)
    for place in (stack.data_dir / "temporal", stack.data_dir / "logs", postgres_log):
        assert not _in_files(place, [*secrets, *PLANTED])
    to_others = [mail for mail in mails if LOCAL_PART not in mail["to"]]
    for text in (*await _figures(stack), *map(_text, to_others)):
        assert not _in_text(text, [*secrets, *PLANTED])
    for mail in mails:
        assert not _in_text(_text(mail), [*secrets, TEXT, *NEVER_KEPT])
