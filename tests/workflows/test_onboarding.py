"""Whole onboardings on the real server, against the simulated outside world."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfWriter

from commands.context import CommandError
from commands.demo import Demo
from commands.keys import fetch_key
from commands.scenarios import denied, returned_agreement, scanned, standard, withdrawn
from tests.world import World

ONE_EACH = {"verification": 1, "production": 1}
NONE = {"verification": 0, "production": 0}
PARTS = ("onboarding", "agreement", "dataset", "permission", "credential", "person")


async def _events(world: World, demo: Demo) -> dict[str, int]:
    view = await demo.view()
    person = view["details"]["contact"]["account_id"]
    refs = [demo.ref, f"person/{person}", *(part["workflow_id"] for part in view["parts"])]
    found = {}
    for ref in refs:
        history = await world.handle(ref).fetch_history()
        found[ref] = len(history.events)
    return found


async def test_a_municipality_gets_a_key_that_works(world: World) -> None:
    """From application to a production key that gets a token: one application, one key each."""
    demo = world.demo()

    assert await standard(demo)
    assert ONE_EACH == await demo.count("applications")
    assert ONE_EACH == await demo.count("keys")
    assert "connected" == (await demo.view())["outcome"]


async def test_the_histories_of_an_onboarding_are_short(world: World) -> None:
    """At most 500 events for the onboarding and 1,200 for all of its workflows."""
    demo = world.demo()
    await standard(demo)
    events = await _events(world, demo)

    assert events[demo.ref] <= 500
    assert sum(events.values()) <= 1200


async def test_a_denied_producer_gets_nothing(world: World) -> None:
    """A denial is heard and decided; nothing is made at the portals; legal force ends the case."""
    demo = world.demo()
    await denied(demo)
    assert NONE == await demo.count("applications")

    await world.forward(demo.ref, days=40)
    view = await demo.stage("ended")
    assert "denied" == view["outcome"]


async def test_after_a_denial_a_new_application_is_allowed(world: World) -> None:
    """While a case is open a second one is refused; once it has ended a new one is opened."""
    demo = world.demo()
    await denied(demo)
    first = (await demo.view())["number"]
    await world.forward(demo.ref, days=40)
    await demo.stage("ended")
    await world.handle(demo.ref).result()

    await demo.apply()
    view = await demo.until("a number of its own", lambda v: v["number"] != first, demo.ref)
    assert view["stage"] != "ended"


async def test_an_agreement_is_returned_by_place_and_comes_again(world: World) -> None:
    """A returned agreement names its place; corrected, the case goes all the way."""
    assert await returned_agreement(world.demo())


async def test_somebody_elses_form_is_found_and_nothing_is_lost(world: World) -> None:
    """Its place is named, with the number that it should have; the right form comes after it.

    A file that nobody can open is not taken, and the case's documents stay as they are.
    """
    demo, other = world.demo(), world.demo()
    await demo.apply()
    await demo.activate_account()
    held = (await demo.view())["documents"]
    with pytest.raises(CommandError, match="password"):
        await demo.store("avtal.pdf", _locked(), kind="agreement")
    assert held == (await demo.view())["documents"]

    document = await demo.store("avtal.pdf", other.filled_form("producer"), kind="agreement")
    handed_in = {"kind": "producer", "signed": document, "form": document}
    signatory = {"signatory": demo.signatory()}
    await demo.act(demo.contact, "submit_agreement", handed_in | signatory)
    wrong = await _checked(demo)
    assert {"p.1"} == wrong.keys()
    for language in ("sv", "en"):
        assert demo.entry.org_number in wrong["p.1"][language]
    assert "check_agreement" == (await demo.view())["waiting"]["rule"]

    lacks = {"place": "p.1", "what": "Formuläret är en annan organisations."}
    due = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    payload = {"kind": "producer", "deficiencies": [lacks], "due": due}
    await demo.act("case_handler", "return_agreement", payload)
    await demo.hand_in()
    assert {} == await _checked(demo, former=document)
    assert len(held) + 2 == len((await demo.view())["documents"])


def _locked() -> bytes:
    made, writer = BytesIO(), PdfWriter()
    writer.add_blank_page(width=595, height=842)
    writer.encrypt(user_password="hemligt", algorithm="AES-256")
    writer.write(made)
    return made.getvalue()


async def _checked(demo: Demo, former: str | None = None) -> dict[str, dict[str, Any]]:
    """Wait until a form, after the former one, has been read; returns what is wrong, by place."""

    def is_checked(view: dict[str, Any]) -> bool:
        agreement = view["details"]["agreements"]["producer"]
        return bool(agreement.get("form") not in {None, former} and agreement["is_form_checked"])

    view = await demo.until("a form that was read", is_checked, demo.ref)
    return {row["place"]: row for row in view["details"]["checklist"] if not row["ok"]}


async def test_paper_is_answered_place_by_place_by_a_person(world: World) -> None:
    """A scan has no fields: the automatic check refuses nothing."""
    assert await scanned(world.demo())


async def test_withdrawing_removes_what_was_made(world: World) -> None:
    """After a withdrawal no application, no key, and no system account is left on."""
    demo = world.demo()
    await withdrawn(demo)

    assert NONE == await demo.count("applications")
    accounts = await world.outside("account_system")
    mine = [a for a in accounts if a.get("orgNumber") == demo.entry.org_number and "loginName" in a]
    assert [False] == [account["active"] for account in mine]
    register = await world.outside("agreement_register")
    statuses = [a["status"] for a in register if a["org_number"] == demo.entry.org_number]
    assert ["ended"] == statuses


async def test_closing_removes_a_key_that_is_offered(world: World) -> None:
    """The handler ends the case while its key waits to be fetched: no key, nothing to fetch."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    view = await demo.stage("offered", ref=ref)
    code = await demo._code_from_mail("verification", demo.email)
    reasons = {"reason": "Organisationen har upphört.", "legal_rules": ["FL 32 §"]}
    await demo.act("case_handler", "close", reasons)

    assert "closed" == (await demo.stage("ended"))["outcome"]
    assert NONE == await demo.count("applications")
    with pytest.raises(CommandError):
        await fetch_key(demo.context, code, view["details"]["holder"]["account_id"])


async def test_two_data_sets_of_which_one_is_denied(world: World) -> None:
    """The granted one is connected; the denied one waits out its appeal period by itself."""
    demo = world.demo()
    await demo.apply(demo.declaration("detaljplan"), demo.declaration("byggnad"))
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    decided = [
        {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"},
        {"dataset_id": "byggnad", "granted": False},
    ]
    proposal = {
        "outcome": "granted",
        "datasets": decided,
        "legal_rules": ["FL 32 §"],
        "decisive_facts": "Byggnad saknar underlag.",
    }
    await demo.act("case_handler", "propose_decision", proposal)
    await demo.act("case_handler", "skip_hearing", {"reason": "FL25_1"})
    await demo.act("decider", "decide", {"reasons": "Enligt förslaget."})
    await demo.countersign()
    await demo.fetch("verification")
    await demo.report_delivery()
    await demo.fetch("production")
    await demo.stage("ended")

    other = f"dataset/{demo.entry.org_number}/byggnad"
    await demo.stage("appeal_period", ref=other)
    await world.forward(other, days=40)
    assert "denied" == (await demo.stage("ended", ref=other))["outcome"]
