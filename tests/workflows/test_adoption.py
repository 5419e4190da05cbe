"""Adoption on the real stack: producers who were connected before are taken over from a file."""

import asyncio
import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.register import Agreements, RegistrationInput
from commands import adopting
from commands.context import CommandError
from commands.demo import plain_http
from commands.opening import open_dataset
from commands.rehearsals import AGENT
from domain.case import Kind
from domain.dates import local_date
from domain.reconciliation import Granted, Seen, SeenAgreement, compare
from records import cases, reconciliations, switches
from records.journal import journal_of
from tests.domain.playing import DECIDER
from tests.world import World

FIELDS = (
    "org_number", "contact_name", "contact_email", "agreement_valid_from", "dataset_id",
    "system_account", "application_production",
)  # fmt: skip

OF_AGENT = ("party", "agent_name", "agent_contact_name", "agent_contact_email", "valid_until")


def _write(path: Path, *lines: tuple[str, ...], fields: tuple[str, ...] = FIELDS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        writer.writerows(lines)
    return path


def _report(path: Path) -> list[dict[str, str]]:
    with path.with_suffix(".report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def _system_account(world: World, login_name: str, org_number: str) -> None:
    """Make a system account as people did before us: without our key."""
    settings = world.context.settings
    body = {
        "schemas": ["urn:ngp:params:scim:schemas:SystemAccount"],
        "loginName": login_name,
        "orgNumber": org_number,
        "datasetId": "detaljplan",
        "active": True,
    }
    token = settings.account_system_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    async with plain_http() as http:
        where = f"{settings.account_system_url}/SystemAccounts"
        (await http.post(where, json=body, headers=headers)).raise_for_status()


async def _key_of(world: World, login_name: str) -> str | None:
    accounts: list[dict[str, Any]] = await world.outside("account_system")
    return next(a.get("externalId") for a in accounts if a.get("loginName") == login_name)


async def test_a_producer_is_taken_over_once(world: World, tmp_path: Path) -> None:
    """Agreement, data set, permission and system account; a second run changes nothing."""
    demo = world.demo()
    number = demo.entry.org_number
    await _system_account(world, "adop1234", number)
    good = (number, "Anna Lind", demo.email, "2025-01-01", "detaljplan", "adop1234", "app-9")
    bad = (number, "Anna Lind", demo.email, "2025-01-01", "byggnad", "annalind", "app-8")
    path = _write(tmp_path / "producers.csv", good, bad)

    assert {"adopted": 1, "refused": 1} == await adopting.adopt_file(world.context, path, "Arkiv 7")
    first, second = _report(path)
    assert ("adopted", "detaljplan") == (first["result"], first["dataset_id"])
    assert ("refused", "system_account") == (second["result"], second["field"])
    permission = f"permission/{number}/detaljplan/{number}"
    await demo.until(
        "claimed", lambda v: v["details"].get("is_account_claimed") is True, permission
    )
    assert permission == await _key_of(world, "adop1234")
    for ref in (f"agreement/{number}", f"dataset/{number}/detaljplan", permission):
        (entry,) = [each for each in await journal_of(world.context.pool, ref)
                    if each["name"] == "adopted"]  # fmt: skip
        assert ("case_handler", "Arkiv 7") == (entry["actor"]["role"], entry["what"]["basis"])

    again = await adopting.adopt_file(world.context, _write(path, good), None)
    assert {"already": 1} == again
    assert await cases.agreement_in_force(world.context.pool, number) is not None


async def test_a_right_is_already_here_only_when_it_is(world: World, tmp_path: Path) -> None:
    """An agent's right comes with its appointment; a later file that adds to it is told how."""
    demo = world.demo()
    number, fields = demo.entry.org_number, (*FIELDS, *OF_AGENT)
    for login, whose in (("adop2101", number), ("adop2102", AGENT)):
        await _system_account(world, login, whose)
    last_day = (local_date(datetime.now(UTC)) + timedelta(days=200)).isoformat()
    agents = (AGENT, "Konsult AB", "Ola Ombud", f"ola@ombud-{number}.example", last_day)
    nobodys = ("",) * len(agents)

    def row(dataset: str, login: str, application: str, *of: str) -> tuple[str, ...]:
        of_producer = (number, "Anna Lind", demo.email, "2025-01-01")
        return (*of_producer, dataset, login, application, *(of or nobodys))

    own = row("byggnad", "adop2101", "app-21")
    agents_row = row("detaljplan", "adop2102", "app-22", *agents)
    path = _write(tmp_path / "first.csv", own, agents_row, fields=fields)
    assert {"adopted": 2} == await adopting.adopt_file(world.context, path, None)
    again = _write(tmp_path / "again.csv", own, agents_row, fields=fields)
    assert {"already": 2} == await adopting.adopt_file(world.context, again, None)
    permission = f"permission/{number}/detaljplan/{AGENT}"
    await demo.until("claimed", lambda v: bool(v["details"].get("is_account_claimed")), permission)
    assert permission == await _key_of(world, "adop2102")
    appointment = await demo.view(f"agent/{number}/{AGENT}")
    assert ("active", last_day) == (appointment["stage"], appointment["details"]["valid_to"])

    declared = [demo.declaration("oversiktsplan")]
    wanted = {"organisation": {"org_number": number}, "datasets": declared}
    await open_dataset(world.context, wanted, demo.contact)
    more = (
        row("detaljplan", "adop2103", "app-23"),
        row("byggnad", "adop2104", "app-24", *agents),
        row("oversiktsplan", "adop2105", "app-25"),
    )
    path = _write(tmp_path / "later.csv", own, agents_row, *more, fields=fields)
    assert {"already": 2, "refused": 3} == await adopting.adopt_file(world.context, path, None)
    report = _report(path)
    assert [each["result"] for each in report] == ["already"] * 2 + ["refused"] * 3
    reasons = (adopting.NOT_OWN, adopting.NOT_AGENTS, adopting.UNDER_WAY)
    assert tuple(each["reason"] for each in report[2:]) == reasons


async def test_what_the_register_holds_is_taken_over_and_ended_there(
    world: World, tmp_path: Path
) -> None:
    """Registered before us, under a key and with a day of its own: both are followed."""
    demo = world.demo()
    number = demo.entry.org_number
    ref = f"agreement/{number}"
    register = world.adapters.register
    whole: dict[str, Any] = {"org_number": number, "template": "ngp"}
    whole["valid_from"] = date(2024, 6, 1)
    await register.register(key="A-17", kind="producer", document_sha256="1" * 64, **whole)
    await register.register(key="P-4", kind="processing", document_sha256="2" * 64, **whole)
    await _system_account(world, "adop9017", number)
    line = (number, "Anna Lind", demo.email, "2025-01-01", "detaljplan", "adop9017", "app-17")
    path = _write(tmp_path / "registered.csv", line)
    assert {"adopted": 1} == await adopting.adopt_file(world.context, path, None)

    await demo.until("looked up", lambda v: not _is_sought(v), ref)
    seen = Seen(
        agreements=tuple(
            SeenAgreement(**each.model_dump(include=set(SeenAgreement.model_fields)))
            for each in await register.in_force(number)
        )
    )
    granted = await reconciliations.granted(world.context.pool)
    only_ours = Granted({}, {}, {}, {ref: granted.agreements[ref]})
    assert [] == compare(only_ours, seen, unchanged_since=datetime.now(UTC))

    dataset = f"dataset/{number}/detaljplan"
    known = await _standing(world, dataset)
    assert ("2" * 64, "P-4") == (known["processing_key"], known["processing_registration"])
    widened = RegistrationInput(
        org_number=number,
        kind=Kind.PROCESSING,
        template="ngp",
        document="3" * 64,
        valid_from=date(2026, 1, 1),
        supplements=known["processing_key"],
        supplements_key=known["processing_registration"],
    )
    await ActivityEnvironment().run(Agreements(register).register_agreement, widened)
    held = {each.key: each.supplements for each in await register.in_force(number)}
    assert {"A-17": (), "P-4": ("3" * 64,)} == held

    notice = {"last_day": local_date(datetime.now(UTC)).isoformat(), "reason": "Klart"}
    await world.step(ref, "give_notice", DECIDER, notice)
    await world.forward(ref, days=2)
    await demo.until("ended there", lambda v: len(v["details"]["closed_in_register"]) == 2, ref)
    assert [] == await register.in_force(number)


async def _standing(world: World, ref: str) -> dict[str, Any]:
    """Return what a data set knows of its agreement, once it knows of the processing agreement."""
    for _ in range(100):
        known: dict[str, Any] = (await world.state(ref))["standing"] or {}
        if known.get("processing_key"):
            break
        await asyncio.sleep(0.1)
    return known


def _is_sought(view: dict[str, Any]) -> bool:
    return any(each["operation"] == "find_registrations" for each in view["pending"])


async def test_adoption_goes_on_until_it_is_done(world: World, tmp_path: Path) -> None:
    """From the first good line to `adopt --done`, which can be said once."""
    await adopting.done(world.context)
    number = world.demo().entry.org_number
    line = (number, "Anna", "x", "2025-01-01", "detaljplan", "adop5678", "app-7")
    path = _write(tmp_path / "bad.csv", line)
    assert {"refused": 1} == await adopting.adopt_file(world.context, path, None)
    assert not await switches.is_on(world.context.pool, switches.ADOPTING)

    line = (number, "Anna Lind", "a.lind@kommun.example", *line[3:])
    await adopting.adopt_file(world.context, _write(path, line), None)
    assert await switches.is_on(world.context.pool, switches.ADOPTING)
    assert await adopting.done(world.context)
    assert not await adopting.done(world.context)


async def test_a_producer_with_an_open_case_is_not_taken_over(world: World, tmp_path: Path) -> None:
    """It is being connected already: the line says so, and nothing is begun."""
    demo = world.demo()
    await demo.apply()
    number = demo.entry.org_number
    line = (number, "Anna Lind", demo.email, "2025-01-01", "detaljplan", "adop4321", "app-6")
    path = _write(tmp_path / "open.csv", line)

    assert {"refused": 1} == await adopting.adopt_file(world.context, path, None)
    assert await cases.find(world.context.pool, f"agreement/{number}") is None


def test_columns_that_are_missing_or_unknown_are_named(tmp_path: Path) -> None:
    """Before any line is read: a heading that is misspelt loses a whole column."""
    path = tmp_path / "wrong.csv"
    path.write_text("org_number,contact_nmae\n", "utf-8")
    with pytest.raises(CommandError, match=r"dataset_id.*contact_nmae"):
        adopting.read_file(path)
