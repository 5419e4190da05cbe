"""Outages from beginning to end: what they leave behind, and how many are well again at once."""

import asyncio

import pytest
from rich.console import Console

from commands import retrying
from commands.demo import Demo, plain_http
from commands.retrying import retry_failing
from domain.state import System
from records import cases, incidents
from records.journal import journal_of
from tests.workflows.outages import settled_events_of
from tests.world import World

CREATE = "POST /api/am/devportal/v3/applications"
MANY = 25
KINDS = {"onboarding", "agreement", "dataset", "permission", "credential", "person"}


async def _until_credential(world: World, demo: Demo, **fault: object) -> str:
    """Onboard until a key is wanted from a portal that fails; returns the credential."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await world.fault("portal_verification", match=CREATE, **fault)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    await demo.until("an incident", lambda v: bool(v["incidents"]), ref)
    return ref


async def _attempts(world: World, ref: str) -> int:
    described = await world.handle(ref).describe()
    return max(each.attempt for each in described.raw_description.pending_activities)


async def test_an_outage_of_a_day_adds_no_event(world: World) -> None:
    """Hundreds of attempts fail in the day that is skipped; every history stays as it was.

    Of the key as of all that it belongs to: case, agreement, data set, permission and person.
    """
    demo = world.demo()
    ref = await _until_credential(world, demo, status=503)
    rows = await cases.of_organisation(world.context.pool, demo.entry.org_number)
    refs = [row["workflow_id"] for row in rows]
    assert {each.partition("/")[0] for each in refs} == KINDS
    before = {each: await settled_events_of(world, each) for each in refs}

    await world.forward(ref, hours=24)

    assert await _attempts(world, ref) > 200
    assert before == {each: await settled_events_of(world, each) for each in refs}
    await world.heal("portal_verification")
    await demo.act("operator", "retry_step", {}, ref)
    await demo.stage("offered", ref=ref)
    assert [] == await incidents.shown(world.context.pool, [ref])


async def test_an_operation_cancelled_in_its_pause_clears(world: World) -> None:
    """The producer withdraws while the portal refuses: nothing fails any more, nothing is left."""
    demo = world.demo()
    ref = await _until_credential(world, demo, status=403)

    await demo.act(demo.contact, "withdraw", {})
    view = await demo.stage("ended")

    assert "withdrawn" == view["outcome"]
    assert [] == view["incidents"]
    failing = await incidents.failing(world.context.pool, "portal_verification")
    assert ref not in [each.workflow_id for each in failing]
    await world.heal("portal_verification")
    assert {"verification": 0, "production": 0} == await demo.count("applications")


async def _mails_to(world: World, demo: Demo, wanted: int) -> int:
    """Return how many mails the contact has got, once there are some or after a few seconds."""
    found = 0
    for _ in range(50):
        async with plain_http() as http:
            where = f"{world.addresses['mail']}/messages"
            found = len((await http.get(where, params={"to": demo.email})).json())
        if found >= wanted:
            break
        await asyncio.sleep(0.1)
    return found


async def test_mails_that_wait_are_tried_at_once(world: World) -> None:
    """By hand, also those of a case that has ended; the journal says by whom."""
    demo = world.demo()
    await demo.apply()
    await demo.until("acknowledged", lambda v: bool(v["number"]), demo.ref)
    await _mails_to(world, demo, 1)
    await world.fault("mail", match="DATA *", status=451)
    await demo.act("producer_contact", "withdraw", {})
    await demo.stage("ended")
    await world.forward(demo.ref, minutes=30)  # the next attempt is minutes away
    assert await _mails_to(world, demo, 1) == 1

    await world.heal("mail")
    counted = await retry_failing(world.context, System.MAIL)

    assert counted["retried"] >= 1
    assert await _mails_to(world, demo, 2) >= 2
    (line,) = [each for each in await journal_of(world.context.pool, demo.ref)
               if each["name"] == "retry_notice"]  # fmt: skip
    assert line["what"]["by"]


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A terminal that keeps what progress was shown."""
    console = Console(record=True, force_terminal=True, width=80, stderr=True)
    monkeypatch.setattr(retrying, "STDERR", console)
    return console


async def test_many_are_retried_at_once_and_counted(world: World, progress: Console) -> None:
    """After an outage one command sees to all of a system; each is counted, and all are well."""
    await world.fault("account_system", match="*", status=403)
    demos = [world.demo() for _ in range(MANY)]
    await asyncio.gather(*(demo.apply() for demo in demos))
    for demo in demos:
        await demo.until("an incident", lambda v: bool(v["incidents"]), demo.ref)

    await world.heal("account_system")
    counted = await retry_failing(world.context, System.ACCOUNT_SYSTEM)

    assert MANY <= counted["failing"]  # other cases of this world may fail there too
    assert counted["retried"] >= 1
    assert counted["failing"] == counted["retried"] + counted["passed_over"]
    assert 0 == counted["unanswered"]
    assert "100%" in progress.export_text()
    for demo in demos:
        await demo.until("no incident", lambda v: not v["incidents"], demo.ref)
    ours = {demo.ref for demo in demos}
    failing = await incidents.failing(world.context.pool, "account_system")
    assert [] == [each for each in failing if each.workflow_id in ours]
