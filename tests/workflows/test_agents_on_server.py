"""Agents beside the producer, on the real server: own right, own keys, each ends alone."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from commands import rehearsals
from commands.by_hand import takes_token
from commands.context import CommandError
from commands.demo import Deliverer, Demo, plain_http
from commands.keys import fetch_key
from commands.opening import open_agent, open_dataset
from commands.rehearsals import AGENT
from domain.act import Actor, Role
from runtime.acting import StepRefusedError
from tests.workflows.families import activated, appointed, connected, named, today
from tests.workflows.outages import everything_readable
from tests.world import World

TAX_NUMBER = "811218-9876"  # one of the Tax Agency's numbers for tests
A_PERSONS_NUMBER = re.compile(
    r"(?<![0-9a-f])(19|20)?\d{2}(0\d|1[0-2])[0-3]\d[-+]?\d{4}(?![0-9a-f])"
)
Key = dict[str, str]


@dataclass
class Sides:
    """A producer and two agents who deliver the same data set, and a neighbour with one of them.

    `alone` is the neighbour: the data set that it adds is delivered by `company` alone.
    """

    demo: Demo
    alone: Demo
    company: Deliverer
    trader: Deliverer
    appointments: dict[str, str]
    keys: dict[str, Key]


def _deliverer(number: str, name: str) -> Deliverer:
    email = f"{name.lower().replace(' ', '.')}@ombud.example"
    actor = Actor(subject=email, name=name, role=Role.AGENT_CONTACT, organisation=number)
    return Deliverer(number, actor)


async def _delivers(demo: Demo, agent: Deliverer) -> Key:
    """Take an agent all the way; returns its production key."""
    assert await rehearsals.deliver_as(demo, agent)
    return demo.keys["production"]


@pytest_asyncio.fixture(scope="module")
async def sides(world: World) -> Sides:
    """Two producers and two agents, all delivering."""
    demo, alone = await connected(world), await connected(world)
    alone.used = demo.used  # the company's codes for both come to one mailbox
    company, trader = _deliverer(AGENT, "Ola Ombud"), _deliverer("-", "Tove Egen")
    keys = {"producer": demo.keys["production"]}
    appointments = {"company": await appointed(demo, company)}
    keys["company"] = await _delivers(demo, company)
    own = {"agent": {"sole_trader": True, "name": "Toves karta"}}
    appointments["trader"] = await appointed(demo, trader, **own)
    number = appointments["trader"].rpartition("/")[2]
    trader = Deliverer(number, trader.actor.model_copy(update={"organisation": number}))
    keys["trader"] = await _delivers(demo, trader)

    await _adds_for_agent(alone)
    appointments["alone"] = await appointed(alone, company)
    keys["alone"] = await _delivers(alone, company)
    return Sides(demo, alone, company, trader, appointments, keys)


async def _adds_for_agent(demo: Demo) -> None:
    """Add a data set that an agent alone delivers, up to where it waits for one."""
    demo.dataset_id = "byggnad"
    declared = demo.declaration(demo.dataset_id, delivery="agent")
    application = {"organisation": {"org_number": demo.entry.org_number}, "datasets": [declared]}
    demo.case, _ = await open_dataset(demo.context, application, demo.contact)
    await demo.decide()
    view = await demo.stage("connecting")
    assert ("producer", "name_agent") in [(each["on"], each["rule"]) for each in view["waits"]]


async def _mails(world: World, to: str) -> list[str]:
    async with plain_http() as http:
        answer = await http.get(f"{world.addresses['mail']}/messages", params={"to": to})
    return [f"{mail['subject']}\n{mail['text']}" for mail in answer.json()]


async def _accounts(world: World, dataset: str) -> dict[str, dict[str, Any]]:
    """Return the system accounts of a data set by the party whose they are."""
    found = {}
    for each in await world.outside("account_system"):
        key = each.get("externalId") or ""
        if key.startswith(f"permission/{dataset}/"):
            found[key.rpartition("/")[2]] = each
    return found


async def test_two_agents_and_the_producer_deliver_side_by_side(world: World, sides: Sides) -> None:
    """Three rights to one data set: three system accounts, three keys, none of them shared."""
    demo = sides.demo
    number = demo.entry.org_number
    parties = {number, sides.company.org_number, sides.trader.org_number}
    accounts = await _accounts(world, f"{number}/detaljplan")
    assert set(accounts) == parties
    assert len({each["loginName"] for each in accounts.values()}) == len(parties)
    assert all(each["active"] for each in accounts.values())
    assert (await demo.count("keys"))["production"] == len(parties)
    for key in sides.keys.values():
        assert await takes_token(demo, key)
    assert len({key["consumer_secret"] for key in sides.keys.values()}) == len(sides.keys)


async def test_a_sole_trader_has_a_number_of_ours(world: World, sides: Sides) -> None:
    """A personnummer is refused, and stands nowhere: not in ids, histories, views or mails."""
    demo, ref = sides.demo, sides.appointments["trader"]
    assert re.fullmatch(r"E\d{5}", sides.trader.org_number)
    wanted = {
        "organisation": {"org_number": demo.entry.org_number},
        "agent": {"org_number": TAX_NUMBER, "name": "Toves karta"},
    }
    with pytest.raises((CommandError, StepRefusedError)):
        await open_agent(demo.context, wanted, demo.contact)
    parts = [ref, demo.part("permission", sides.trader.org_number)]
    for each in parts:
        kept = await everything_readable(world, each)
        assert sides.trader.org_number in kept
        assert TAX_NUMBER not in kept
    said = json.dumps([await demo.view(each) for each in parts])
    said += "".join(await _mails(world, sides.trader.email))
    assert not A_PERSONS_NUMBER.search(said)


async def test_what_is_one_partys_never_reaches_the_other(world: World, sides: Sides) -> None:
    """Secrets stand in no mail and no view; codes and accounts only where they belong."""
    demo = sides.demo
    number = demo.entry.org_number
    accounts = await _accounts(world, f"{number}/detaljplan")
    to_producer = "".join(await _mails(world, demo.email))
    to_agent = "".join(await _mails(world, sides.company.email))
    assert "Hämtkod: " in to_agent
    views = {
        party: json.dumps(
            [
                await demo.view(demo.part("permission", party)),
                await demo.view(demo.part("credential", party, "production")),
            ]
        )
        for party in (number, sides.company.org_number)
    }
    for party, mails, theirs in (
        (number, to_agent, views[sides.company.org_number]),
        (sides.company.org_number, to_producer, views[number]),
    ):
        login = accounts[party]["loginName"]
        assert login in views[party]
        assert login not in mails + theirs
    for key in sides.keys.values():
        secret = key["consumer_secret"]
        assert secret not in to_agent + to_producer + "".join(views.values())


async def test_a_key_is_fetched_by_none_but_the_person_it_was_offered_to(
    world: World, sides: Sides
) -> None:
    """With the right code, the producer's contact cannot fetch the agent's key, nor act on it."""
    demo, agent = sides.demo, sides.company
    ref = demo.part("credential", agent.org_number, "verification")
    with pytest.raises(StepRefusedError) as refused:
        await demo.act(demo.contact, "rotate", {}, ref)
    assert refused.value.refusal["code"] == "not_allowed"
    codes = len(await _codes(world, agent.email))
    await demo.act(agent.actor, "rotate", {}, ref)
    view = await demo.stage("offered", ref=ref)
    while len(found := await _codes(world, agent.email)) == codes:
        await demo.view(ref)
    agreement = await demo.view(f"agreement/{demo.entry.org_number}")
    contact = agreement["details"]["contact"]["account_id"]
    with pytest.raises(CommandError, match="någon annan"):
        await fetch_key(world.context, found[-1], contact)
    key = await fetch_key(world.context, found[-1], view["details"]["holder"]["account_id"])
    assert key["consumer_secret"]
    await demo.stage("live", ref=ref)


async def _codes(world: World, to: str) -> list[str]:
    marked = [mail for mail in await _mails(world, to) if "Hämtkod: " in mail]
    return [mail.partition("Hämtkod: ")[2].split()[0] for mail in marked]


async def test_a_data_set_is_connected_by_its_agent_alone(world: World, sides: Sides) -> None:
    """The producer gets neither system account nor key for it; the data set is connected."""
    demo, agent = sides.alone, sides.company
    number = demo.entry.org_number
    assert (await demo.view())["stage"] == "connected"
    assert set(await _accounts(world, f"{number}/byggnad")) == {agent.org_number}
    assert set((await world.state(demo.ref))["parts"]) == {
        demo.part("permission", agent.org_number)
    }
    for environment in ("verification", "production"):
        held = (await world.outside(f"portal_{environment}"))["applications"]
        mine = [each["key"] for each in held if f"/{number}/byggnad/" in (each["key"] or "")]
        assert mine == [demo.part("credential", agent.org_number, environment)]


async def test_an_agent_of_two_producers_is_revoked_by_one(world: World, sides: Sides) -> None:
    """Its key there ends; the producer, the other agent and its own right elsewhere go on."""
    demo, ref = sides.demo, sides.appointments["company"]
    before = await demo.view(sides.appointments["alone"])
    person = before["details"]["agent_contact"]["account_id"]
    await demo.act(demo.contact, "revoke_agent", {"reason": "Uppdraget är slut."}, ref)
    assert (await demo.stage("ended", ref=ref))["outcome"] == "revoked"

    works = {name: await takes_token(demo, key) for name, key in sides.keys.items()}
    assert works == {"producer": True, "company": False, "trader": True, "alone": True}
    accounts = await _accounts(world, f"{demo.entry.org_number}/detaljplan")
    assert [party for party, each in accounts.items() if not each["active"]] == [
        sides.company.org_number
    ]
    assert (await demo.view(sides.appointments["alone"]))["stage"] == "active"
    enrolments = (await world.state(f"person/{person}"))["enrolments"].values()
    held = {each["ref"] for each in enrolments}
    assert sides.appointments["alone"] in held
    assert not [each for each in held if f"/{demo.entry.org_number}/" in each]


async def test_an_agents_person_leaves_and_is_succeeded(world: World, sides: Sides) -> None:
    """The successor speaks for the agent; the old key works until the new one is fetched."""
    demo, agent, ref = sides.alone, sides.company, sides.appointments["alone"]
    person = await _person_of(demo, ref)
    eva = {"name": "Eva Ombud", "email": "eva.ombud@ombud.example"}
    herself = agent.actor.model_copy(update={"subject": eva["email"], "name": eva["name"]})
    leaves = {
        "last_day": today().isoformat(),
        "successors": [{"role": "agent_contact", "person": eva}],
    }
    await demo.act(agent.actor, "schedule_departure", leaves, person)
    await activated(demo, await named(demo, person, "agent_contact", eva), herself)
    await demo.until(
        "an active successor",
        lambda v: v["details"]["successors"]["agent_contact"]["person"]["active"],
        person,
        whole=False,
    )
    await world.forward(person, days=1)
    assert (await demo.stage("ended", ref=person))["outcome"] == "left"
    view = await demo.view(ref)
    assert (view["stage"], view["details"]["agent_contact"]["email"]) == ("active", eva["email"])

    assert await takes_token(demo, sides.keys["alone"])
    await rehearsals.renew(demo, "production", Deliverer(agent.org_number, herself))
    key = demo.part("credential", agent.org_number, "production")
    await demo.until("the old key's end", lambda v: not v["details"].get("rotation"), key)
    works = [
        await takes_token(demo, each) for each in (sides.keys["alone"], demo.keys["production"])
    ]
    assert works == [False, True]


async def test_an_agents_person_leaves_without_a_successor(world: World, sides: Sides) -> None:
    """Every right that rested on the person ends: keys, system account, and what was offered."""
    demo, agent, ref = sides.demo, sides.trader, sides.appointments["trader"]
    person, codes = await _person_of(demo, ref), len(await _codes(world, agent.email))
    key = demo.part("credential", agent.org_number, "verification")
    await demo.act(agent.actor, "rotate", {}, key)
    await demo.stage("offered", ref=key)
    while len(found := await _codes(world, agent.email)) == codes:
        await demo.view(ref)
    leaves = {"last_day": today().isoformat()}
    await demo.act(agent.actor, "schedule_departure", leaves, person)
    await world.forward(person, days=1)
    assert (await demo.stage("ended", ref=person))["outcome"] == "left"
    assert (await demo.stage("ended", ref=ref))["outcome"] == "person_left"

    with pytest.raises(CommandError):
        await fetch_key(world.context, found[-1], person.partition("/")[2])
    assert not await takes_token(demo, sides.keys["trader"])
    assert await takes_token(demo, sides.keys["producer"])
    accounts = await _accounts(world, f"{demo.entry.org_number}/detaljplan")
    assert not accounts[agent.org_number]["active"]
    for environment in ("verification", "production"):
        held = (await world.outside(f"portal_{environment}"))["applications"]
        assert not [each for each in held if f"/{agent.org_number}/" in (each["key"] or "")]


async def test_notice_ends_the_agents_right_with_the_producers(world: World) -> None:
    """By the agreement's own word, while every clock below stands: the cascade alone does it."""
    demo, agent = await connected(world), _deliverer(AGENT, "Nils Ombud")
    number, keys = demo.entry.org_number, {"producer": demo.keys["production"]}
    appointment, agreement = await appointed(demo, agent), f"agreement/{demo.entry.org_number}"
    keys["agent"] = await _delivers(demo, agent)
    given = {"last_day": today().isoformat(), "reason": "Plattformen byter avtalsform."}
    await demo.act("decider", "give_notice", given, agreement)
    rights = [demo.part("permission", party) for party in (number, agent.org_number)]
    for right in rights:
        await demo.until(
            "the end to be known below",
            lambda v: v["details"].get("valid_until_source") == "agreement",
            right,
            whole=False,
        )
    assert [await takes_token(demo, key) for key in keys.values()] == [True, True]

    await world.forward(agreement, days=1)
    assert (await demo.stage("ended", ref=agreement))["outcome"] == "notice"
    for ref in (appointment, demo.part("dataset"), *rights):
        await demo.stage("ended", ref=ref)
    assert [await takes_token(demo, key) for key in keys.values()] == [False, False]
    assert await demo.count("applications") == {"verification": 0, "production": 0}
    accounts = await _accounts(world, f"{number}/{demo.dataset_id}")
    assert [each["active"] for each in accounts.values()] == [False, False]


async def _person_of(demo: Demo, appointment: str) -> str:
    """Return the workflow id of the access of an agent's contact."""
    view = await demo.view(appointment)
    return f"person/{view['details']['agent_contact']['account_id']}"
