"""Rehearsals of life after the onboarding: each plays every role, to a counted end.

Time that takes months is skipped, one workflow at a time: the development server can do that.
"""

import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.testing import TimeSkipper, TimeSkippingConfig

from commands import adopting, reconciling
from commands.by_hand import (
    application_by_hand,
    by_hand,
    fault,
    heal,
    system_account_by_hand,
    takes_token,
)
from commands.context import say
from commands.demo import Deliverer, Demo
from commands.opening import open_agent, open_dataset
from commands.scenarios import connect, standard
from domain.act import Actor, Role
from domain.dates import STOCKHOLM, local_date, midnight_after
from records import cases, reconciliations

AGENT = "556036-0793"
MOMENT = timedelta(milliseconds=100)
SECOND = {"municipality": "byggnad", "state_agency": "strandskydd"}
PERSONAL = {"personal_data": "declared", "a3": ["namn", "adress"], "a4": ["fastighetsägare"]}


def _today() -> date:
    return local_date(datetime.now(UTC))


async def forward(demo: Demo, ref: str, **time: float) -> None:
    """Skip a workflow's time; everything that happens by itself happens."""
    said = ", ".join(f"{n:g} {unit}" for unit, n in time.items())
    await _skip(demo, ref, timedelta(**time), said)


async def forward_past(demo: Demo, ref: str, instant: datetime) -> None:
    """Skip a workflow's time to just after an instant, so that what is due then is seen on time.

    Its clock must not have been put forward before. What outside systems answer has the time to
    which it was put forward: further than the instant, it would look late.
    """
    said = f"{instant.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"
    await _skip(demo, ref, instant - datetime.now(UTC) + MOMENT, said)


async def _skip(demo: Demo, ref: str, time: timedelta, said: str) -> None:
    say(f"  … {ref.partition('/')[0]}: {said}")
    skipper = TimeSkipper(demo.context.client, config=TimeSkippingConfig(enabled=False))
    await skipper.fast_forward(demo.context.client.get_workflow_handle(ref), time)


async def onboarded(demo: Demo) -> bool:
    """Onboard the producer first; returns whether its key works."""
    works = await standard(demo)
    say("–– introduktionen är klar / onboarded ––")
    return works


async def add_dataset(demo: Demo, **changes: Any) -> str:
    """Open a further data set as the contact; returns its workflow id."""
    demo.dataset_id = SECOND[demo.entry.kind]
    declaration = demo.declaration(demo.dataset_id, **changes)
    application = {
        "organisation": {"org_number": demo.entry.org_number},
        "datasets": [declaration],
    }
    say(f"producer_contact: lägger till / adds {demo.dataset_id}")
    demo.case, _ = await open_dataset(demo.context, application, demo.contact)
    await demo.until("case number", lambda v: bool(v["number"]), demo.case)
    return demo.case


async def adding_dataset(demo: Demo) -> bool:
    """A further data set whose personal data the signed agreements do not cover."""
    await onboarded(demo)
    ref = await add_dataset(demo, **PERSONAL)
    view = await demo.stage("supplement")
    say(f"  … saknas i avtalet / not covered: {view['details']['difference']}")
    await demo.hand_in("processing")
    await demo.accept("processing")
    await demo.decide(ground="P1a")
    await demo.countersign("processing")
    await demo.stage("connecting", "connected")
    await connect(demo)
    await demo.stage("connected", ref=ref)
    return await demo.production_works()


def agents_person(demo: Demo, name: str = "Ola Ombud") -> Deliverer:
    """Return an agent with its own person, one for each producer that is played."""
    local = name.lower().replace(" ", ".")
    email = f"{local}@ombud-{demo.entry.org_number}.example"
    actor = Actor(subject=email, name=name, role=Role.AGENT_CONTACT, organisation=AGENT)
    return Deliverer(AGENT, actor)


async def appoint(demo: Demo, agent: Deliverer, **changes: Any) -> str:
    """Appoint an agent for the data set and let it be active; returns the appointment's id."""
    today = _today()
    application = {
        "organisation": {"org_number": demo.entry.org_number},
        "agent": {"org_number": agent.org_number, "name": "Konsult AB"},
        "contact": {"name": agent.actor.name, "email": agent.email},
        "datasets": [{"dataset_id": demo.dataset_id}],
        "valid_from": today.isoformat(),
        "valid_to": (today + timedelta(days=364)).isoformat(),
        "agreement_exists": True,
        "acknowledgement": True,
    } | changes
    say(f"producer_contact: utser ombud / appoints an agent ({agent.org_number})")
    ref, _ = await open_agent(demo.context, application, demo.contact)
    await activate(demo, ref, agent)
    await demo.open_step("accept_appointment", ref)
    await demo.act(agent.actor, "accept_appointment", {}, ref)
    await demo.open_step("approve_agent", ref)
    await demo.act("case_handler", "approve_agent", {}, ref)
    await demo.stage("active", ref=ref)
    return ref


async def activate(demo: Demo, ref: str, agent: Deliverer) -> None:
    """Let the agent's person activate the own account, unless it is on."""
    view = await demo.until(
        "the agent's account",
        lambda v: bool((v["details"].get("agent_contact") or {}).get("account_id")),
        ref,
        whole=False,
    )
    person = view["details"]["agent_contact"]
    if not person["active"]:
        where = f"person/{person['account_id']}"
        await demo.open_step("activate_account", where)
        await demo.act(agent.actor, "activate_account", {}, where)


async def deliver_as(demo: Demo, agent: Deliverer) -> bool:
    """Take the agent's own permission all the way; returns whether its key works."""
    await demo.fetch("verification", agent)
    await demo.report_delivery(by=agent)
    await demo.fetch("production", agent)
    await demo.stage("active", ref=demo.part("permission", agent.org_number))
    return await demo.production_works()


async def agent(demo: Demo) -> bool:
    """An agent delivers beside the producer under its own right, until the right ends."""
    await onboarded(demo)
    ola = agents_person(demo)
    ref = demo.about = await appoint(demo, ola)
    works = await deliver_as(demo, ola)
    agents_key = demo.keys["production"]
    last_day = local_date(datetime.now(UTC)) + timedelta(days=364)
    say(f"  … uppdraget gäller till och med / the appointment lasts until {last_day}")
    permission = demo.part("permission", ola.org_number)
    await forward_past(demo, permission, midnight_after(last_day))
    await demo.stage("ended", ref=permission)
    await forward_past(demo, ref, midnight_after(last_day))
    await demo.stage("ended", ref=ref)
    return works and not await takes_token(demo, agents_key)


async def person_of(demo: Demo) -> str:
    """Return the workflow id of the contact's access."""
    row = await cases.find(demo.context.pool, f"agreement/{demo.entry.org_number}")
    assert row is not None
    return f"person/{row['view']['details']['contact']['account_id']}"


async def departure(demo: Demo) -> bool:
    """The contact leaves: a successor has the role and the keys, and delivery is never cut."""
    works = await onboarded(demo)
    old = dict(demo.keys)
    ref = demo.about = await person_of(demo)
    eva = {"name": "Eva Efterträdare", "email": f"eva@org-{demo.entry.org_number}.example"}
    wanted = {"last_day": _today().isoformat(), "successors": [{"role": "contact", "person": eva}]}
    await demo.act(demo.contact, "schedule_departure", wanted, ref)
    view = await demo.until(
        "the successor's account",
        lambda v: bool(_successor(v).get("account_id")),
        ref,
        whole=False,
    )
    hers = f"person/{_successor(view)['account_id']}"
    successor = Actor(
        subject=eva["email"],
        name=eva["name"],
        role=Role.PRODUCER_CONTACT,
        organisation=demo.entry.org_number,
    )
    await demo.open_step("activate_account", hers)
    await demo.act(successor, "activate_account", {}, hers)
    await demo.until("the successor active", lambda v: _successor(v).get("active") is True, ref)
    await forward_past(demo, ref, midnight_after(_today()))
    await demo.stage("ended", ref=ref)
    agreement = f"agreement/{demo.entry.org_number}"
    await demo.until(
        "the new contact",
        lambda v: (v["details"].get("contact") or {}).get("email") == eva["email"],
        agreement,
        whole=False,
    )
    who = Deliverer(demo.entry.org_number, successor)
    kept = await takes_token(demo, old["production"])
    for environment in ("verification", "production"):
        await renew(demo, environment, who)
    await demo.until(
        "the old key's end",
        lambda v: v["details"].get("rotation") is None,
        demo.part("credential", demo.entry.org_number, "production"),
        whole=False,
    )
    return works and kept and await demo.production_works()


def _successor(view: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = view["details"].get("successors", {}).get("contact", {})
    person: dict[str, Any] = found.get("person", {})
    return person


async def renew(demo: Demo, environment: str, who: Deliverer) -> None:
    """Fetch the new key of a rotation; where the portal has no overlap the holder asks for it."""
    ref = demo.part("credential", who.org_number, environment)
    view = await demo.until(
        "a key to renew",
        lambda v: (
            v["stage"] == "offered"
            or any(wait["rule"] in {"replace_key", "fetch_key"} for wait in v["waits"])
        ),
        ref,
        whole=False,
    )
    if any(wait["rule"] == "replace_key" for wait in view["waits"]):
        await demo.act(who.actor, "rotate", {}, ref)
    await demo.fetch(environment, who)


async def rotation(demo: Demo) -> bool:
    """A year has passed: the keys are changed, and one lives in the end."""
    await onboarded(demo)
    old = dict(demo.keys)
    for environment in ("verification", "production"):
        ref = demo.about = demo.part("credential", demo.entry.org_number, environment)
        await forward(demo, ref, days=365, minutes=1)
        await renew(demo, environment, demo.producer)
    await demo.until(
        "the old key's end",
        lambda v: v["details"].get("rotation") is None,
        demo.part("credential", demo.entry.org_number, "production"),
        whole=False,
    )
    return await demo.production_works() and not await takes_token(demo, old["production"])


async def notice(demo: Demo) -> bool:
    """The authority gives notice: on the last day every right under the agreement ends."""
    await onboarded(demo)
    key = demo.keys["production"]
    ref = demo.about = f"agreement/{demo.entry.org_number}"
    last = _today() + timedelta(days=90)
    given = {"last_day": last.isoformat(), "reason": "Plattformen byter avtalsform."}
    await demo.act("decider", "give_notice", given, ref)
    permission = demo.part("permission", demo.entry.org_number)
    await demo.until(
        "the end to be known below",
        lambda v: v["details"].get("valid_until_source") == "agreement",
        permission,
        whole=False,
    )
    await forward_past(demo, permission, midnight_after(last))
    await demo.stage("ended", ref=permission)
    await forward_past(demo, ref, midnight_after(last))
    await demo.stage("ended", ref=ref)
    return not await takes_token(demo, key)


async def appeal(demo: Demo) -> bool:
    """A denial is appealed in time and changed in the party's favour."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide("denied")
    await demo.stage("appeal_period")
    document = await demo.store("overklagande.pdf", demo.filled_form("producer"))
    today = _today().isoformat()
    await demo.act(demo.contact, "appeal", {"document": document, "arrival_date": today})
    judged = {"in_time": True, "reason": "Kom in samma dag."}
    await demo.act("case_handler", "record_timeliness", judged)
    decided = {"dataset_id": demo.dataset_id, "granted": True, "ground": "none_needed"}
    changed = {
        "datasets": [decided],
        "legal_rules": ["FL 38 §"],
        "decisive_facts": "Underlaget har kompletterats i överklagandet.",
        "reasons": "Beslutet ändras till er fördel.",
    }
    await demo.act("decider", "reconsider", changed)
    await demo.countersign()
    return await connect(demo)


async def outage(demo: Demo) -> bool:
    """The production portal is down: people are served, the cause shows, and it mends itself."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    await demo.stage("datasets", "ended")
    await fault(demo, "portal_production", match="*", status=503)
    await demo.fetch("verification")
    await demo.report_delivery()
    ref = demo.part("credential", demo.entry.org_number, "production")
    view = await demo.until("an incident", lambda v: bool(v["incidents"]), ref)
    said = view["incidents"][0]
    say(f"  … {said['system']}: {said['said']} ({said['attempts']} försök / attempts)")
    note = {"text": "Vi avvaktar portalen.", "visibility": "shared"}
    await demo.act(demo.contact, "note", note)
    await heal(demo, "portal_production")
    await demo.act("case_handler", "retry_step", {}, ref)
    await demo.fetch("production")
    await demo.stage("ended")
    return await demo.production_works()


async def reconciliation(demo: Demo) -> bool:
    """A key of ours that nobody has a right to is revoked; a foreign one is left alone."""
    await onboarded(demo)
    nobody = "credential/212000-0001/detaljplan/212000-0001/production"
    stray = await application_by_hand(demo, f"NGP kvarglomd {demo.entry.org_number}", nobody)
    foreign = await application_by_hand(demo, f"Egen karta {demo.entry.org_number}", None)
    demo.also = [nobody]
    ref = demo.about = await reconciling.start(demo.context)
    await demo.stage("pause", "ended", "asking", ref=ref)
    await forward(demo, ref, minutes=10)
    await demo.stage("ended", ref=ref)
    report = await reconciliations.report(demo.context.pool)
    assert report is not None
    for name, count in reconciling.as_data(report)["found"].items():
        say(f"  … {name}: {count}")
    await demo.until("the stray key's end", lambda v: v["stage"] == "ended", nobody, whole=False)
    gone = not await takes_token(demo, stray)
    return gone and await takes_token(demo, foreign) and await demo.production_works()


async def adopted(demo: Demo) -> bool:
    """A producer who was connected before: taken over from a file, with its key as it is."""
    login = f"adop{demo.entry.org_number[-4:]}"
    await system_account_by_hand(demo, login)
    key = await application_by_hand(demo, f"Kommunens karta {demo.entry.org_number}", None)
    for api in (await by_hand(demo, "GET", "/apis", None))["list"]:
        held = {"applicationId": key["application"], "apiId": api["id"]}
        await by_hand(demo, "POST", "/subscriptions", held | {"throttlingPolicy": "Unlimited"})
    demo.keys["production"] = key
    row = {
        "org_number": demo.entry.org_number,
        "contact_name": demo.contact.name,
        "contact_email": demo.email,
        "agreement_valid_from": "2024-01-01",
        "dataset_id": demo.dataset_id,
        "system_account": login,
        "application_production": key["application"],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "producers.csv"
        path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", "utf-8")
        counts = await adopting.adopt_file(demo.context, path, None)
    say(f"  … {counts}")
    demo.case = f"dataset/{demo.entry.org_number}/{demo.dataset_id}"
    await demo.stage("connected")
    await adopting.done(demo.context)
    number = demo.entry.org_number
    for ref in (demo.part("permission", number), demo.part("credential", number, "production")):
        await demo.until("our key in it", lambda v: not v["pending"], ref, whole=False)
    return await takes_token(demo, key)


REHEARSALS: dict[str, Callable[[Demo], Awaitable[bool]]] = {
    "adding-dataset": adding_dataset,
    "agent": agent,
    "departure": departure,
    "outage": outage,
    "appeal": appeal,
    "rotation": rotation,
    "notice": notice,
    "reconciliation": reconciliation,
    "adopted": adopted,
}
