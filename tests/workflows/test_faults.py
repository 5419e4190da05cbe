"""What breaks outside costs nothing but time: one application, one key, and people are served."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from activities import outside
from commands.demo import Demo, plain_http
from domain.state import System
from records import incidents
from tests.workflows.alone import HANDLER, Alone
from tests.workflows.outages import SETTLED_SECONDS, is_in_pause, settled_events_of
from tests.world import World

ONE_EACH = {"verification": 1, "production": 1}
CREATE = "POST /api/am/devportal/v3/applications"
SUBSCRIBE = "POST /api/am/devportal/v3/subscriptions"
GENERATE = "POST /api/am/devportal/v3/applications/*/generate-keys"
REMOVE = "DELETE /api/am/devportal/v3/applications/*"
ANY_KEY = "POST /api/am/devportal/v3/applications/*"
DAYS = 3


async def _until_decided(demo: Demo) -> None:
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()


async def _connect(demo: Demo) -> None:
    await demo.fetch("verification")
    await demo.report_delivery()
    await demo.fetch("production")
    await demo.stage("ended")


@pytest.mark.parametrize("match", [CREATE, SUBSCRIBE, GENERATE])
@pytest.mark.parametrize("how", ["drop", "half"])
async def test_a_lost_answer_doubles_nothing(world: World, match: str, how: str) -> None:
    """The portal does the work and its answer is lost: still one application and one key."""
    demo = world.demo()
    await _until_decided(demo)
    await world.fault("portal_verification", match=match, times=1, **{how: True})
    await demo.countersign()
    await _connect(demo)

    assert ONE_EACH == await demo.count("applications")
    assert ONE_EACH == await demo.count("keys")
    assert await demo.production_works()


async def test_an_outage_blocks_no_person_and_shows_its_cause(world: World) -> None:
    """While the portal is down a step is answered; the incident says what, and clears by retry."""
    demo = world.demo()
    await _until_decided(demo)
    await world.fault("portal_verification", match=CREATE, status=503)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")

    view = await demo.until("an incident", lambda v: bool(v["incidents"]), ref)
    incident = view["incidents"][0]
    assert "portal_verification" == incident["system"]
    assert "create_application" == incident["operation"]
    assert 503 == incident["status"]
    assert incident["attempts"] >= 3
    assert (await demo.view())["incidents"]  # the case shows its parts' incidents

    note = {"text": "Vi vet om felet.", "visibility": "internal"}
    await demo.act("case_handler", "note", note)

    await world.heal("portal_verification")
    await demo.act("operator", "retry_step", {}, ref)
    await demo.until("no incident", lambda v: not v["incidents"], ref)
    await _connect(demo)
    assert ONE_EACH == await demo.count("keys")


async def test_what_a_retry_cannot_mend_is_an_incident_at_once(world: World) -> None:
    """A 403 shows at the first attempt and asks for a long pause; a retry by hand mends it."""
    demo = world.demo()
    await _until_decided(demo)
    await world.fault("portal_verification", match=CREATE, status=403)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")

    view = await demo.until("an incident", lambda v: bool(v["incidents"]), ref)
    assert (1, True) == (view["incidents"][0]["attempts"], view["incidents"][0]["unmendable"])

    await world.heal("portal_verification")
    await demo.act("operator", "retry_step", {}, ref)
    await demo.stage("offered", ref=ref)


async def test_the_first_success_wakes_the_rest(world: World) -> None:
    """After an outage one retry at a system starts everything else that waits on it."""
    demos = [world.demo(), world.demo()]
    for demo in demos:
        await _until_decided(demo)
    await world.fault("portal_verification", match=CREATE, status=403)
    refs = [demo.part("credential", demo.entry.org_number, "verification") for demo in demos]
    for demo, ref in zip(demos, refs, strict=True):
        await demo.countersign()
        await demo.until("an incident", lambda v: bool(v["incidents"]), ref)

    await world.heal("portal_verification")
    await demos[0].act("operator", "retry_step", {}, refs[0])
    await demos[1].stage("offered", ref=refs[1])
    assert [] == await incidents.failing(world.context.pool, "portal_verification")


async def test_an_outage_adds_nothing_to_the_history(world: World) -> None:
    """Attempts that fail leave no events, however many they are."""
    demo = world.demo()
    await _until_decided(demo)
    await world.fault("portal_verification", match=CREATE, status=500)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    await demo.until("attempts", lambda v: any(i["attempts"] >= 3 for i in v["incidents"]), ref)
    before = len((await world.handle(ref).fetch_history()).events)
    await demo.until("attempts", lambda v: any(i["attempts"] >= 4 for i in v["incidents"]), ref)

    assert before == len((await world.handle(ref).fetch_history()).events)
    await world.heal("portal_verification")
    await demo.act("operator", "retry_step", {}, ref)
    await demo.stage("offered", ref=ref)


async def test_withdrawing_in_the_middle_of_key_generation_leaves_nothing(world: World) -> None:
    """The portal made the key and its answer was lost when the producer withdraws: it is removed.

    A secret nobody has seen got a token until then; afterwards none does.
    """
    demo = world.demo()
    await _until_decided(demo)
    known = await _secrets(world)
    await world.fault("portal_verification", match=GENERATE, drop=True, times=1)
    await world.fault("portal_verification", match=ANY_KEY, status=503)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    view = await demo.until("an incident", lambda v: bool(v["incidents"]), ref)
    assert "issue_key" == view["incidents"][0]["operation"]
    assert {"verification": 1, "production": 0} == await demo.count("keys")
    (held,) = [a for a in await _applications(world) if a["key"] == ref]
    portal = world.adapters.portals[System.PORTAL_VERIFICATION]
    key = await portal.living_key(held["id"])
    assert key is not None
    made = await _secrets(world) - known
    assert 200 in await _token_answers(world, key.consumer_key, made)

    await demo.act(demo.contact, "withdraw", {})
    await demo.until("nothing under way", lambda v: not v["pending"], ref, whole=False)
    await world.heal("portal_verification")
    await world.forward(ref, seconds=31)  # what was called off is looked for once more
    view = await demo.stage("ended")

    assert "withdrawn" == view["outcome"]
    assert {"verification": 0, "production": 0} == await demo.count("applications")
    assert {"verification": 0, "production": 0} == await demo.count("keys")
    assert {401} == await _token_answers(world, key.consumer_key, made)


async def _applications(world: World) -> list[dict[str, Any]]:
    applications: list[dict[str, Any]] = (await world.outside("portal_verification"))[
        "applications"
    ]
    return applications


async def _secrets(world: World) -> set[str]:
    """Return every secret that the portal has ever made."""
    async with plain_http() as http:
        where = f"{world.addresses['portal_verification']}/_control/secrets"
        return set((await http.get(where)).json())


async def _token_answers(world: World, consumer_key: str, secrets: set[str]) -> set[int]:
    """Ask for a token with a key and each of some secrets; returns the statuses."""
    async with plain_http() as http:
        where = f"{world.addresses['portal_verification']}/oauth2/token"
        asked = {"grant_type": "client_credentials"}
        return {
            (await http.post(where, data=asked, auth=(consumer_key, secret))).status_code
            for secret in secrets
        }


async def test_the_portals_own_approval_is_a_state_not_an_incident(world: World) -> None:
    """A 202 lets the credential wait for the portal's approval, without an incident."""
    demo = world.demo()
    await _until_decided(demo)
    await world.fault("portal_verification", match=CREATE, pending=True, seconds=2, times=1)
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    view = await demo.stage("awaiting_approval", ref=ref)
    assert "portal_approval" == view["waiting"]["rule"]
    assert [] == view["incidents"]

    await asyncio.sleep(2.1)  # the simulated portal's own time, which cannot be skipped
    await demo.act("operator", "retry_step", {}, ref)
    await demo.stage("offered", ref=ref)


async def _is_left_alone_for_days(world: World, credential: Alone) -> None:
    """Three days pass while the portal's people think: no event, no incident, nothing done."""
    pool, before = world.context.pool, await settled_events_of(world, credential.ref)
    await world.forward(credential.ref, days=DAYS)
    assert before == await settled_events_of(world, credential.ref)
    failing = await incidents.failing(pool, credential.portal)
    assert credential.ref not in [each.workflow_id for each in failing]
    while not await is_in_pause(world, credential.ref):  # noqa: ASYNC110 - it may be asking now
        await asyncio.sleep(SETTLED_SECONDS)


@pytest.fixture
def _seldom_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the portal be asked every hour only: thousands of half minutes take their time."""
    monkeypatch.setattr(outside, "POLL_PAUSE", timedelta(hours=1))


@pytest.mark.usefixtures("_seldom_asked")
@pytest.mark.parametrize("match", [CREATE, SUBSCRIBE, GENERATE])
async def test_an_approval_that_takes_days_is_found_by_itself(world: World, match: str) -> None:
    """The portal is asked again and again, as long as it takes; then the key is offered."""
    await world.fault("portal_verification", match=match, pending=True, times=1)
    credential = await Alone.begin(world)
    await credential.until(lambda state: state["stage"] == "awaiting_approval", "pending")
    await _is_left_alone_for_days(world, credential)

    await world.release("portal_verification")
    await world.forward(credential.ref, hours=1, seconds=1)
    await credential.stage("offered")
    (application,) = await credential.applications()
    assert (application["keys"], application["secrets"]) == (1, 1)


@pytest.mark.usefixtures("_seldom_asked")
async def test_a_removal_that_takes_days_is_found_by_itself(world: World) -> None:
    """The portal's people are to approve that an application goes: no key lives meanwhile."""
    credential = await Alone.begin(world)
    key = await credential.unsealed()
    await credential.step("revoke_key", HANDLER, {"reason": "Läckt"})
    await credential.until(lambda state: state["is_key_revoked"], "revoked")
    await world.fault("portal_verification", match=REMOVE, pending=True, times=1)
    await credential.say("end")
    await credential.until(lambda state: state["stage"] == "ending", "ending")
    await _is_left_alone_for_days(world, credential)
    assert await credential.token_status(key) == 401

    await world.release("portal_verification")
    await world.forward(credential.ref, hours=1, seconds=1)
    await world.handle(credential.ref).result()
    assert await credential.applications() == []


async def test_a_mail_outage_delays_nothing_but_mails(world: World) -> None:
    """While mails cannot be sent the case goes on and is recorded; the mails come afterwards."""
    await world.fault("mail", match="DATA *", status=451)
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    assert "agreement" == (await demo.view())["stage"]
    number = (await demo.view())["number"]
    assert [] == await _mails(world, demo.email)

    await world.heal("mail")
    await world.forward(demo.ref, minutes=6)  # the longest pause between two tries
    for _ in range(300):
        if any(number in mail["subject"] for mail in await _mails(world, demo.email)):
            return
        await asyncio.sleep(0.1)
    pytest.fail("the acknowledgement did not come")


async def _mails(world: World, to: str) -> list[dict[str, Any]]:
    async with plain_http() as http:
        where = f"{world.addresses['mail']}/messages"
        found: list[dict[str, Any]] = (await http.get(where, params={"to": to})).json()
    return found


async def test_a_bounced_mail_is_shown(world: World) -> None:
    """An address that is refused for good shows as contact unreachable."""
    demo = world.demo()
    demo.local_part = "bounce.anna"
    await demo.apply()
    await demo.until("unreachable", lambda v: v["unreachable"], demo.ref)
