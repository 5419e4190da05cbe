"""Keys are changed without cutting delivery: on the real server, at both kinds of portal."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.portal import KeyInput, Portal
from adapters.api_portal import ApiPortal
from adapters.portal_keys import IssuedKey
from commands.demo import plain_http
from tests.workflows.alone import ANNA, EVA, HANDLER, Alone, holder
from tests.world import World

PORTAL = "portal_production"


@pytest.fixture
async def several(world: World) -> AsyncIterator[None]:
    """Let the production portal give a key several secrets, for one test."""
    async with plain_http() as http:
        where = f"{world.addresses[PORTAL]}/_control/secrets"
        await http.post(where, json={"several": True})
        yield
        await http.post(where, json={"several": False})


async def _counted(credential: Alone) -> tuple[int, int]:
    """Return how many keys and secrets live in its one application."""
    (application,) = await credential.applications()
    return application["keys"], application["secrets"]


@pytest.mark.usefixtures("several")
async def test_the_old_key_works_until_the_new_one_is_fetched(world: World) -> None:
    """A leaver's key and the successor's work side by side; fetched, only the new one does."""
    credential = await Alone.begin(world, "production")
    old = await credential.unsealed()
    await credential.say("rotate_to", holder=EVA, reason="person_left")
    await credential.stage("offered")
    assert await credential.token_status(old) == 200
    assert await _counted(credential) == (1, 2)

    new = await credential.unsealed(EVA)
    assert old["consumer_key"] == new["consumer_key"]
    assert [await credential.token_status(each) for each in (old, new)] == [401, 200]
    assert await _counted(credential) == (1, 1)


@pytest.mark.usefixtures("several")
async def test_the_old_key_lives_fourteen_days_at_most(world: World) -> None:
    """Nobody fetches: offers are renewed with two secrets at most, and on day 14 the old ends."""
    credential = await Alone.begin(world, "production")
    old = await credential.unsealed()
    await credential.step("rotate", HANDLER)
    first = await credential.stage("offered")
    await world.forward(credential.ref, days=7, minutes=1)
    await credential.until(lambda s: s["generation"] > first["generation"], "offered anew")
    state = await credential.stage("offered")
    assert state["rotation"]["is_handler_told"]
    assert await credential.token_status(old) == 200
    assert await _counted(credential) == (1, 2)

    await world.forward(credential.ref, days=7)
    await credential.until(lambda s: s["rotation"] is None, "the end of the overlap")
    await credential.stage("offered")
    assert await credential.token_status(old) == 401
    new = await credential.unsealed()
    assert await credential.token_status(new) == 200
    assert await _counted(credential) == (1, 1)


async def test_without_overlap_nothing_ends_before_the_holder_is_there(world: World) -> None:
    """The key works while its change waits for the successor, who then gets another."""
    credential = await Alone.begin(world)
    old = await credential.unsealed()
    await credential.say("rotate_to", holder=EVA, reason="person_left")
    await credential.until(lambda s: s["rotation"]["several"] is False, "the portal's word")
    state = await credential.stage("live")
    assert [each["rule"] for each in state["waiting"]] == ["replace_key"]
    assert await credential.token_status(old) == 200

    await credential.step("rotate", holder(EVA))
    new = await credential.unsealed(EVA)
    assert [await credential.token_status(each) for each in (old, new)] == [401, 200]
    assert await _counted(credential) == (1, 1)


async def test_a_key_is_revoked_while_its_rotation_fails(world: World) -> None:
    """The portal cannot say what lives; the old key is revoked all the same, and stays so."""
    credential = await Alone.begin(world)
    old = await credential.unsealed()
    await world.fault("portal_verification", match="GET */secrets", status=500)
    await credential.step("rotate", holder(ANNA))
    await credential.wants("list_secrets")
    await credential.step("revoke_key", holder(ANNA), {"reason": "Läckt"})
    await credential.until(lambda s: s["is_revoked_once"], "revocation")
    assert await credential.token_status(old) == 401
    await world.heal("portal_verification")
    await world.forward(credential.ref, minutes=1)
    await credential.until(lambda s: s["is_key_revoked"], "the second look")
    assert await _counted(credential) == (0, 0)


async def test_a_key_that_somebody_deleted_is_issued_again(world: World) -> None:
    """The application was deleted at the portal: told, the credential makes and offers all anew."""
    credential = await Alone.begin(world)
    await credential.unsealed()
    (application,) = await credential.applications()
    await _call(world, "DELETE", f"/applications/{application['id']}")

    await credential.say("key_missing")
    new = await credential.unsealed()
    assert await credential.token_status(new) == 200
    assert await _counted(credential) == (1, 1)


async def test_a_producers_own_application_is_adopted(world: World) -> None:
    """It starts live, our key is written into the application, and its end removes it."""
    body = {"name": "Kommunens gamla", "throttlingPolicy": "Unlimited"}
    made = await _call(world, "POST", "/applications", json=body)
    application_id = made.json()["applicationId"]
    credential = await Alone.begin(world, application_id=application_id)
    await credential.stage("live")
    (application,) = await credential.applications()
    assert (application["id"], application["name"]) == (application_id, "Kommunens gamla")

    await credential.say("end")
    await world.handle(credential.ref).result()
    assert await credential.applications() == []


class Issuing:
    """A portal that has just come back and issues a key."""

    async def issue_key(self, application_id: str) -> IssuedKey:
        """Issue a key."""
        del application_id
        return IssuedKey(key_mapping_id="k", consumer_key="c", consumer_secret=SecretStr("s"))


async def test_a_key_made_after_a_long_outage_is_offered_for_its_whole_time(world: World) -> None:
    """Wanted thirty days ago and made now: it can be fetched for a week from now."""
    pool, now = world.context.pool, datetime.now(UTC)
    activities = Portal(cast("ApiPortal", Issuing()), pool, world.context.keys)
    wanted = KeyInput(
        key="credential/long-outage",
        application_id="a",
        generation=1,
        environment="verification",
        offered_to=ANNA["account_id"],
        system_account="abcd1234",
        wanted_since=now - timedelta(days=30),
        offer_days=7,
    )
    issued = await ActivityEnvironment().run(activities.issue_key, wanted)
    ends = await pool.fetchval("select expires_at from offers where offer_id = $1", issued.offer_id)
    assert ends >= now + timedelta(days=7)


async def test_an_offer_to_somebody_who_left_cannot_be_fetched(world: World) -> None:
    """Cancelled at once; it waits for a new holder, who gets an offer of their own."""
    credential = await Alone.begin(world)
    await credential.stage("offered")
    await credential.say("cancel_offers_to", account_id=ANNA["account_id"])
    state = await credential.until(lambda s: s["offer_id"] is None, "the cancellation")
    assert [each["rule"] for each in state["waiting"]] == ["name_holder"]
    left = await world.context.pool.fetchval(
        "select count(*) from offers where ref = $1 and sealed is not null", credential.ref
    )
    assert left == 0

    await credential.say("holder", holder=EVA)
    assert await credential.token_status(await credential.unsealed(EVA)) == 200


async def _call(world: World, method: str, path: str, **request: object) -> httpx.Response:
    token = world.context.settings.portal_verification_token.get_secret_value()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        url = f"{world.addresses['portal_verification']}/api/am/devportal/v3{path}"
        answer = await http.request(method, url, **request)  # type: ignore[arg-type]
    return answer.raise_for_status()
