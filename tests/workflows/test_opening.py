"""Cases under an agreement in force: who may open them, and what is said otherwise."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from commands.demo import Demo
from commands.opening import open_agent, open_dataset, open_onboarding
from commands.rehearsals import agents_person, appoint, deliver_as
from commands.scenarios import standard
from domain.act import Actor, Role
from records import cases
from runtime.acting import StepRefusedError
from tests.workflows.families import today
from tests.world import World

BY_POST = Actor(
    subject="hanna.handlaggare",
    name="Hanna",
    role=Role.CASE_HANDLER,
    on_behalf_of="Anna Lind",
    basis="brev",
    arrival_date=today() - timedelta(days=3),
)


@pytest_asyncio.fixture(scope="module")
async def connected(world: World) -> Demo:
    """A producer with one data set connected."""
    demo = world.demo()
    assert await standard(demo)
    return demo


def further(demo: Demo, dataset_id: str, **changes: Any) -> dict[str, Any]:
    """Return an application for a further data set."""
    return {
        "organisation": {"org_number": demo.entry.org_number},
        "datasets": [demo.declaration(dataset_id, **changes)],
    }


def _agreement(demo: Demo) -> str:
    return f"agreement/{demo.entry.org_number}"


async def refused(opening: Any) -> dict[str, Any]:
    """Return why it was refused; fails when it was not."""
    with pytest.raises(StepRefusedError) as caught:
        await opening
    return caught.value.refusal


async def test_a_second_onboarding_points_to_adding_a_data_set(connected: Demo) -> None:
    """While an agreement is in force nobody applies again."""
    said = await refused(
        open_onboarding(connected.context, connected.application(), connected.contact)
    )
    assert said["code"] == "agreement_in_force"
    assert "lägg till en datamängd" in said["text"]["sv"]


@pytest.mark.parametrize("code", ["another's", "0199", "0214", "18"])
async def test_a_municipality_code_that_is_not_the_organisations(world: World, code: str) -> None:
    """Another municipality's, nobody's, or badly formed: refused at its place, nothing opened."""
    demo = world.demo()
    if code == "another's":
        code = "0180" if demo.entry.municipality_code != "0180" else "0114"
    application = demo.application()
    application["organisation"] |= {"municipality_code": code}
    said = await refused(open_onboarding(demo.context, application, demo.contact))
    assert said["field"] == "organisation.municipality_code"
    assert "ommunkod" in said["text"]["sv"]
    assert "unicipality code" in said["text"]["en"]
    assert await cases.find(demo.context.pool, demo.ref) is None


async def test_without_an_agreement_there_is_nothing_to_add_to(world: World) -> None:
    """The refusal says what to do first."""
    demo = world.demo()
    for opening in (open_dataset, open_agent):
        application = further(demo, "byggnad") | {"agent": {"org_number": "556036-0793"}}
        said = await refused(opening(demo.context, application, demo.contact))
        assert (said["code"], said["field"]) == (
            "no_agreement_in_force",
            "organisation.org_number",
        )


async def test_only_the_contact_and_the_deputy_add(connected: Demo) -> None:
    """Anybody else of the organisation is told who may."""
    other = connected.contact.model_copy(update={"subject": "bo.ek@org.example"})
    application = further(connected, "byggnad")
    said = await refused(open_dataset(connected.context, application, other))
    assert said["code"] == "not_allowed"
    deputy = other.model_copy(update={"role": Role.PRODUCER_DEPUTY})
    named, agreement = {"name": "Bo Ek", "email": other.subject}, _agreement(connected)
    await connected.act(connected.contact, "name_deputy", named, agreement)
    await connected.until("a deputy", lambda v: bool(v["details"].get("deputy")), agreement)
    ref, _ = await open_dataset(connected.context, application, deputy)
    await connected.stage("assessment", ref=ref)
    await connected.act(deputy, "withdraw", {}, ref)
    await connected.stage("ended", ref=ref)


async def test_what_is_connected_or_in_progress_is_not_opened_again(connected: Demo) -> None:
    """The refusal names the case that is there."""
    application = further(connected, "detaljplan")
    said = await refused(open_dataset(connected.context, application, connected.contact))
    assert said["code"] == "already_connected"
    application = further(connected, "oversiktsplan", personal_data="unknown")
    ref, _ = await open_dataset(connected.context, application, connected.contact)
    view = await connected.until("case number", lambda v: bool(v["number"]), ref)
    said = await refused(open_dataset(connected.context, application, connected.contact))
    assert said["code"] == "in_progress"
    assert view["number"] in said["text"]["en"]
    await connected.act(connected.contact, "withdraw", {}, ref)
    await connected.stage("ended", ref=ref)
    row = await cases.find(connected.context.pool, ref)
    assert row is not None
    assert (row["kind"], row["outcome"]) == ("case", "withdrawn")


async def test_a_handler_opens_what_came_by_post(connected: Demo) -> None:
    """The workflow makes sure of the agreement all the same; the day it came is kept."""
    application = further(connected, "strandskydd")
    ref, _ = await open_dataset(connected.context, application, BY_POST)
    view = await connected.stage("assessment", ref=ref)
    assert str(BY_POST.arrival_date) == view["details"]["arrived_on"]
    close = {"reason": "Dubblett", "legal_rules": ["FL 9 §"]}
    await connected.act("case_handler", "close", close, ref)
    await connected.stage("ended", ref=ref)


async def test_an_unknown_data_set_is_refused_before_anything_is_begun(connected: Demo) -> None:
    """Nothing runs under the id afterwards."""
    said = await refused(
        open_dataset(connected.context, further(connected, "okand"), connected.contact)
    )
    assert said["code"] == "unknown_dataset"


async def test_a_sole_trader_is_appointed_once(connected: Demo) -> None:
    """Its number is known by its contact: again it is refused, a repeated request is answered."""
    tove = {"name": "Tove Egen", "email": f"tove.egen@ombud-{connected.entry.org_number}.example"}
    application = {
        "organisation": {"org_number": connected.entry.org_number},
        "agent": {"sole_trader": True, "name": "Toves karta"},
        "contact": tove,
        "datasets": [{"dataset_id": connected.dataset_id}],
        "valid_from": today().isoformat(),
        "valid_to": (today() + timedelta(days=30)).isoformat(),
        "agreement_exists": False,
        "acknowledgement": True,
    }
    opening = (connected.context, application, connected.contact)
    ref, receipt = await open_agent(*opening, request_id="tove-1")
    assert await open_agent(*opening, request_id="tove-1") == (ref, receipt)
    assert (await refused(open_agent(*opening)))["code"] == "already_open"
    unnamed = application | {"contact": {"name": "Tove Egen"}}
    said = await refused(open_agent(connected.context, unnamed, connected.contact))
    assert (said["code"], said["field"]) == ("bad_payload", "contact.email")


async def test_a_data_set_is_connected_by_an_agent_alone(world: World) -> None:
    """With `delivery: agent` the producer gets no account and no key of its own."""
    demo = world.demo()
    assert await standard(demo)
    demo.dataset_id = "byggnad"
    application = further(demo, "byggnad", delivery="agent", hosting=None)
    demo.case, _ = await open_dataset(demo.context, application, demo.contact)
    await demo.decide()
    await demo.stage("connecting")
    await demo.until(
        "the producer to be awaited",
        lambda v: any(wait["rule"] == "name_agent" for wait in v["waits"]),
        demo.case,
        whole=False,
    )
    ola = agents_person(demo)
    await appoint(demo, ola)
    assert await deliver_as(demo, ola)
    await demo.stage("connected", ref=demo.case)
    own = f"permission/{demo.entry.org_number}/byggnad/{demo.entry.org_number}"
    assert await cases.find(demo.context.pool, own) is None
