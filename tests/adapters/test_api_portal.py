"""The adapter of the API portal, against the simulated one and WSO2's published contract."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from adapters.api_portal import BASE, ApiPortal
from adapters.outside import Busy, Conflict, Foreign, NotAllowed, Refused, Unreachable
from adapters.portal_applications import (
    Application,
    ApplicationRecord,
    PortalApplications,
    portal_name,
    tag,
)
from adapters.portal_keys import IssuedKey, PendingKey
from tests.adapters.conftest import TIMEOUT_SECONDS, TOKEN, Simulator
from tests.adapters.contract import Contract

KEY = "credential/212000-0142/detaljplan/212000-0142/verification"
NAME = "NGP Detaljplan Göteborgs kommun (verification)"
APIS = ["NGP Uppdatering", "NGP Uppladdning"]
APPLICATIONS = f"{BASE}/applications"

# After either, what was asked may have been done.
LOST = (Unreachable, Busy)


async def ours(portal: ApiPortal, key: str = KEY, name: str = NAME) -> Application:
    """Find or create the application of a key."""
    return await portal.find_or_create_application(key=key, name=name, system_account="abcd1234")


async def issue(portal: ApiPortal, application: Application) -> IssuedKey:
    """Issue a key that the portal need not approve."""
    issued = await portal.issue_key(application.application_id)
    assert isinstance(issued, IssuedKey)
    return issued


def names(server: Simulator) -> list[str]:
    """Return the names of all applications."""
    return [each["name"] for each in server.state()["applications"]]


@contextmanager
def searches() -> Iterator[list[str]]:
    """Note what is searched for."""
    asked: list[str] = []
    search = PortalApplications.search

    async def noted(self: PortalApplications, name: str) -> list[ApplicationRecord]:
        asked.append(name)
        return await search(self, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PortalApplications, "search", noted)
        yield asked


def foreign(server: Simulator, name: str) -> None:
    """Let somebody else have an application of a name."""
    server.http.post(
        APPLICATIONS,
        json={"name": name, "throttlingPolicy": "Unlimited"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    ).raise_for_status()


async def test_an_application_is_made_once(portal: ApiPortal, portal_server: Simulator) -> None:
    """The same again finds what the first call made, with our key and the system account."""
    first = await ours(portal)

    assert first == await ours(portal) == await portal.application(KEY)
    assert first.approved
    assert len(names(portal_server)) == 1


def test_a_name_that_can_have_keys() -> None:
    """A portal generates no keys for a name with å, ä, ö or brackets, so none is used."""
    assert portal_name(NAME, KEY) == f"NGP Detaljplan Goteborgs kommun verification {tag(KEY)}"
    assert len(portal_name("Å" * 300, KEY)) < 100


async def test_two_with_one_name(portal: ApiPortal, portal_server: Simulator) -> None:
    """Two keys with the same name for people get an application each."""
    first, second = await ours(portal), await ours(portal, "another key")

    assert first.application_id != second.application_id


async def test_search_is_like_and_paged(portal: ApiPortal, portal_server: Simulator) -> None:
    """Ours is found among more than a page of others whose names hold the same text."""
    for number in range(120):
        foreign(portal_server, f"{tag(KEY)} {number}")
    made = await ours(portal)

    assert await portal.application(KEY) == made
    assert len(await portal.applications()) == 121


async def test_making_one_does_not_look_through_all(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """However many there are, and whatever else is made meanwhile; a lost answer, too."""
    portal_server.fault(f"POST {APPLICATIONS}", drop=True)
    with searches() as asked:
        with pytest.raises(LOST):
            await ours(portal)
        assert await ours(portal) == await portal.application(KEY)

    assert {tag(KEY)} == set(asked)
    assert len(names(portal_server)) == 1


async def test_what_exists_is_found_also_where_the_search_is_exact(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """As the published contract says that it is: our name is taken, by ours."""
    made = await ours(portal)
    search = PortalApplications.search

    async def exact(self: PortalApplications, name: str) -> list[ApplicationRecord]:
        return [each for each in await search(self, name) if each.name == name]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PortalApplications, "search", exact)
        assert await ours(portal) == made
    assert len(names(portal_server)) == 1


async def test_an_adopted_one_is_not_made_a_second_time(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """It is found where it was last, if it is there and carries our key; else one is made."""
    mine, others = adopted(portal_server), adopted(portal_server, "Annan", ngp_key="another")
    assert await portal.claim_application(mine, key=KEY, system_account="abcd1234")
    wanted = {"key": KEY, "name": NAME, "system_account": "abcd1234"}

    found = await portal.find_or_create_application(**wanted, application_id=mine)
    assert found == Application(application_id=mine, approved=True)
    assert len(names(portal_server)) == 2

    assert await portal.remove_application(KEY, mine)
    for last in (mine, others):
        made = await portal.find_or_create_application(**wanted, application_id=last)
        assert made.application_id not in {mine, others}
    assert len(names(portal_server)) == 2


@pytest.mark.parametrize("fault", ["drop", "half", "hang"])
async def test_a_lost_answer_makes_no_second_application(
    portal: ApiPortal, portal_server: Simulator, fault: str
) -> None:
    """A creation whose answer is lost is found by the next attempt."""
    portal_server.fault(f"POST {APPLICATIONS}", seconds=3, **{fault: True})

    with pytest.raises(LOST):
        await ours(portal)
    await ours(portal)

    assert len(names(portal_server)) == 1


async def test_a_conflict_is_looked_into(portal: ApiPortal, portal_server: Simulator) -> None:
    """A 409 without an application or subscription behind it is not taken for success."""
    portal_server.fault(f"POST {APPLICATIONS}", status=409)
    portal_server.fault(f"POST {BASE}/subscriptions", status=409)

    with pytest.raises(Busy):
        await ours(portal)
    application = await ours(portal)
    with pytest.raises(Busy):
        await portal.subscribe(application.application_id, APIS[:1])


async def test_anothers_application_is_never_touched(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """An application with our name but not our key stops for a person, and is not removed."""
    name = portal_name(NAME, KEY)
    foreign(portal_server, name)

    with pytest.raises(Foreign):
        await ours(portal)
    assert await portal.remove_application(KEY)
    assert names(portal_server) == [name]
    assert [each.key for each in await portal.applications()] == [None]


async def test_a_portal_that_wants_to_approve(portal: ApiPortal, portal_server: Simulator) -> None:
    """202 is an application not approved yet; it is found approved later."""
    portal_server.fault(f"POST {APPLICATIONS}", pending=True, seconds=0.3)

    assert not (await ours(portal)).approved
    await asyncio.sleep(0.4)

    found = await portal.application(KEY)
    assert found is not None
    assert found.approved


async def test_subscribing_twice(portal: ApiPortal, portal_server: Simulator) -> None:
    """Subscriptions that are there are left, also when the first answer was lost."""
    application = await ours(portal)
    portal_server.fault(f"POST {BASE}/subscriptions", drop=True)

    with pytest.raises(LOST):
        await portal.subscribe(application.application_id, APIS)
    assert await portal.subscribe(application.application_id, APIS)
    assert await portal.subscribe(application.application_id, APIS)

    assert sorted(portal_server.state()["applications"][0]["subscriptions"]) == APIS


async def test_a_subscription_on_hold(portal: ApiPortal, portal_server: Simulator) -> None:
    """A subscription that the portal has not approved is waited for."""
    application = await ours(portal)
    portal_server.fault(f"POST {BASE}/subscriptions", pending=True, seconds=0.3)

    assert not await portal.subscribe(application.application_id, APIS[:1])
    await asyncio.sleep(0.4)

    assert await portal.subscribe(application.application_id, APIS[:1])


async def test_an_interface_that_is_not_there(portal: ApiPortal) -> None:
    """An interface's name is compared whole: one that only resembles it will not do."""
    application = await ours(portal)

    with pytest.raises(Refused, match="no interface is called NGP Upp"):
        await portal.subscribe(application.application_id, ["NGP Upp"])


async def test_a_key_is_issued(portal: ApiPortal, portal_server: Simulator) -> None:
    """A key's secret is what the portal issued, and is not shown by printing it."""
    application = await ours(portal)

    issued = await issue(portal, application)

    secret = issued.consumer_secret.get_secret_value()
    assert portal_server.state()["secret_hashes"] == [hashlib.sha256(secret.encode()).hexdigest()]
    assert secret not in repr(issued)
    assert await portal.key_count(application.application_id) == 1


@pytest.mark.parametrize("fault", ["drop", "half"])
async def test_a_key_whose_answer_was_lost(
    portal: ApiPortal, portal_server: Simulator, fault: str
) -> None:
    """The key that a lost answer left gets a new secret: one key lives, and we know its secret."""
    application = await ours(portal)
    portal_server.fault("POST */generate-keys", **{fault: True})

    with pytest.raises(LOST):
        await portal.issue_key(application.application_id)
    issued = await issue(portal, application)

    assert portal_server.state()["applications"][0]["keys"] == 1
    assert token_status(portal_server, issued.consumer_key, issued.consumer_secret) == 200


def token_status(server: Simulator, key: str, secret: object) -> int:
    """Ask for a token with a key."""
    return server.http.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(key, secret.get_secret_value()),  # type: ignore[attr-defined]
    ).status_code


async def test_revoking_is_confirmed(portal: ApiPortal, portal_server: Simulator) -> None:
    """A revoked key gets no token; revoking again, or for an application that is gone, is fine."""
    application = await ours(portal)
    issued = await issue(portal, application)
    portal_server.fault("DELETE */oauth-keys/*", drop=True)

    with pytest.raises(LOST):
        await portal.revoke_keys(application.application_id)
    await portal.revoke_keys(application.application_id)
    await portal.revoke_keys("gone")

    assert token_status(portal_server, issued.consumer_key, issued.consumer_secret) == 401


class Answering(httpx.AsyncHTTPTransport):
    """The real portal, but for one request."""

    def __init__(self, request: str, status: int, body: object) -> None:
        super().__init__()
        self._request = request
        self._answer = (status, body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer the one request, pass the others on."""
        if f"{request.method} {request.url.path}".endswith(self._request):
            status, body = self._answer
            return httpx.Response(status, json=body)
        return await super().handle_async_request(request)


async def with_one_answer(
    server: Simulator, contract: Contract | None, request: str, status: int, body: object
) -> ApiPortal:
    """Return a portal that answers one request otherwise."""
    transport = Answering(request, status, body)
    portal = ApiPortal(
        server.url, TOKEN, system="portal", transport=transport, timeout_seconds=TIMEOUT_SECONDS
    )
    if contract is not None:  # else an answer that the contract does not describe
        contract.watch(portal._connection.client)
    return portal


async def test_another_403_revokes_nothing(portal: ApiPortal, portal_server: Simulator) -> None:
    """A 403 that only means that we are not allowed leaves the key as it is."""
    application = await ours(portal)
    await portal.issue_key(application.application_id)
    portal_server.fault("POST */regenerate-secret", status=403)

    with pytest.raises(NotAllowed):
        await portal.issue_key(application.application_id)

    assert portal_server.state()["applications"][0]["keys"] == 1


@pytest.mark.parametrize("status", [None, 202])
async def test_a_key_that_the_portal_approves_first(
    portal: ApiPortal, portal_server: Simulator, portal_contract: Contract, status: int | None
) -> None:
    """A key that is only accepted is pending, asked for again too; approved, it can be had."""
    application = await ours(portal)
    if status is not None:
        accepted = {"workflowStatus": "CREATED", "jsonPayload": "{}"}
        path = "generate-keys"
        pending = await with_one_answer(portal_server, None, path, status, accepted)
        assert await pending.issue_key(application.application_id) == PendingKey()
        await pending.close()
        return
    portal_server.fault("POST */generate-keys", pending=True)

    first = await portal.issue_key(application.application_id)
    assert isinstance(first, PendingKey)
    assert first == await portal.issue_key(application.application_id)
    assert await portal.is_key_pending(application.application_id)

    portal_server.http.post("/_control/release", json={})
    assert not await portal.is_key_pending(application.application_id)
    issued = await issue(portal, application)
    assert token_status(portal_server, issued.consumer_key, issued.consumer_secret) == 200


async def test_a_key_that_the_portal_rejects(portal: ApiPortal, portal_server: Simulator) -> None:
    """A rejected key is for a person to look at."""
    application = await ours(portal)
    portal_server.fault("POST */generate-keys", pending=True)
    await portal.issue_key(application.application_id)
    portal_server.http.post("/_control/release", json={"reject": True})

    with pytest.raises(Refused, match="rejected the key"):
        await portal.is_key_pending(application.application_id)
    with pytest.raises(Refused, match="rejected the key"):
        await portal.issue_key(application.application_id)


async def test_half_a_key_is_cleaned_up(portal: ApiPortal, portal_server: Simulator) -> None:
    """A generation that ended half-way is cleaned up before the next: one key lives."""
    application = await ours(portal)
    portal_server.fault("POST */generate-keys", partial=True)

    with pytest.raises(Busy, match="in part"):
        await portal.issue_key(application.application_id)
    assert portal_server.state()["applications"][0]["keys"] == 1
    issued = await issue(portal, application)

    assert portal_server.state()["applications"][0]["keys"] == 1
    assert token_status(portal_server, issued.consumer_key, issued.consumer_secret) == 200


# ---- secrets ---------------------------------------------------------------------------------


def secrets(server: Simulator) -> int:
    """Return how many secrets live."""
    return int(server.state()["applications"][0]["secrets"])


async def test_one_secret_ends_another(portal: ApiPortal, portal_server: Simulator) -> None:
    """Where a key has one secret, none is listed and none is added beside it."""
    application = await ours(portal)
    assert await portal.living_key(application.application_id) is None
    await issue(portal, application)

    living = await portal.living_key(application.application_id)
    assert living is not None
    assert living.secret_ids is None
    with pytest.raises(Refused, match="no key that can have several"):
        await portal.add_secret(application.application_id, keep=())
    assert secrets(portal_server) == 1


async def test_a_secret_is_added_and_the_old_one_ended(
    several: ApiPortal, several_server: Simulator
) -> None:
    """Both get tokens until the old one is ended; ending it again is fine."""
    application = await ours(several)
    old = await issue(several, application)
    living = await several.living_key(application.application_id)
    assert living is not None
    assert living.secret_ids is not None

    new = await several.add_secret(application.application_id, keep=living.secret_ids)
    for each in (old, new):
        assert token_status(several_server, each.consumer_key, each.consumer_secret) == 200

    several_server.fault("POST */revoke-secret", drop=True)
    with pytest.raises(LOST):
        await several.end_secrets(application.application_id, living.secret_ids)
    await several.end_secrets(application.application_id, living.secret_ids)
    assert token_status(several_server, old.consumer_key, old.consumer_secret) == 401
    assert token_status(several_server, new.consumer_key, new.consumer_secret) == 200


@pytest.mark.parametrize("fault", ["drop", "half"])
async def test_an_added_secret_whose_answer_was_lost(
    several: ApiPortal, several_server: Simulator, fault: str
) -> None:
    """The next attempt revokes what nobody saw, keeps the old, and adds another."""
    application = await ours(several)
    old = await issue(several, application)
    living = await several.living_key(application.application_id)
    assert living is not None
    keep = living.secret_ids or ()
    several_server.fault("POST */generate-secret", **{fault: True})

    with pytest.raises(LOST):
        await several.add_secret(application.application_id, keep=keep)
    assert secrets(several_server) == 2
    new = await several.add_secret(application.application_id, keep=keep)

    assert secrets(several_server) == 2
    for each in (old, new):
        assert token_status(several_server, each.consumer_key, each.consumer_secret) == 200


async def test_issuing_anew_leaves_one_secret(
    several: ApiPortal, several_server: Simulator
) -> None:
    """Where none is regenerated (900917) the key stays, and all its secrets make way for one."""
    application = await ours(several)
    first = await issue(several, application)

    second = await issue(several, application)

    assert first.consumer_key == second.consumer_key
    assert secrets(several_server) == 1
    assert token_status(several_server, second.consumer_key, second.consumer_secret) == 200


async def test_a_403_is_not_taken_for_one_secret(
    several: ApiPortal, several_server: Simulator
) -> None:
    """Only the portal's own code says that a key has one secret: else the old would be ended."""
    application = await ours(several)
    await issue(several, application)
    several_server.fault("GET */secrets", status=403)

    with pytest.raises(NotAllowed):
        await several.living_key(application.application_id)


# ---- adoption --------------------------------------------------------------------------------


def adopted(server: Simulator, name: str = "Kommunens gamla", **attributes: str) -> str:
    """Let there be an application from before us; returns its id."""
    body = {"name": name, "throttlingPolicy": "Unlimited", "description": "GIS"}
    answer = server.http.post(
        APPLICATIONS,
        json=body | {"attributes": attributes},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    return str(answer.raise_for_status().json()["applicationId"])


async def test_an_application_is_claimed(portal: ApiPortal, portal_server: Simulator) -> None:
    """Our key is added to its attributes, all else is kept, and it is found by our key."""
    application_id = adopted(portal_server, contact="gis")

    for _ in range(2):
        assert await portal.claim_application(application_id, key=KEY, system_account="abcd1234")

    found = await portal.application(KEY, application_id)
    assert found is not None
    assert found.application_id == application_id
    (held,) = portal_server.state()["applications"]
    expected = {"contact": "gis", "ngp_key": KEY, "system_account": "abcd1234"}
    assert (held["name"], held["attributes"]) == ("Kommunens gamla", expected)


async def test_a_claim_takes_nobody_elses(portal: ApiPortal, portal_server: Simulator) -> None:
    """Another key of ours, or another application with this key, stops for a person."""
    application_id = adopted(portal_server, ngp_key="another")
    with pytest.raises(Foreign, match="another key"):
        await portal.claim_application(application_id, key=KEY, system_account="x")
    with pytest.raises(Foreign, match="another key"):
        await portal.remove_application(KEY, application_id)

    await ours(portal)
    with pytest.raises(Foreign, match="same key"):
        await portal.claim_application(application_id, key=KEY, system_account="x")
    assert not await portal.claim_application("gone", key="third", system_account="x")


async def test_an_adopted_application_is_removed_before_it_is_claimed(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """The end does not wait for the claim: it is removed by the portal's id."""
    application_id = adopted(portal_server)

    assert await portal.remove_application(KEY, application_id)
    assert await portal.remove_application(KEY, application_id)
    assert names(portal_server) == []


async def test_a_portal_that_drops_our_key(
    portal_server: Simulator, portal_contract: Contract
) -> None:
    """A portal that does not keep our attribute is found out at the first application."""
    made = {"applicationId": "1", "name": "x", "throttlingPolicy": "Unlimited"}
    portal = await with_one_answer(
        portal_server, portal_contract, f"POST {APPLICATIONS}", 201, made
    )

    with pytest.raises(Foreign, match="does not keep the attribute ngp_key"):
        await ours(portal)
    await portal.close()


async def test_removing_whole(portal: ApiPortal, portal_server: Simulator) -> None:
    """Keys, subscriptions and application go; a lost answer and a second time are fine."""
    application = await ours(portal)
    await portal.subscribe(application.application_id, APIS)
    await portal.issue_key(application.application_id)
    portal_server.fault("DELETE */applications/*", drop=True)

    with pytest.raises(LOST):
        await portal.remove_application(KEY)

    assert await portal.remove_application(KEY)
    assert names(portal_server) == []


async def test_removing_what_is_known_does_not_look_through_all(
    portal: ApiPortal, portal_server: Simulator
) -> None:
    """A listing of all is not needed, whatever the name of the application is by now."""
    mine = adopted(portal_server)
    assert await portal.claim_application(mine, key=KEY, system_account="abcd1234")
    foreign(portal_server, "Another")
    with searches() as asked:
        assert await portal.remove_application(KEY, mine)
        assert await portal.remove_application(KEY, mine)

    assert {tag(KEY)} == set(asked)
    assert ["Another"] == names(portal_server)


async def test_removing_may_be_pending(portal: ApiPortal, portal_server: Simulator) -> None:
    """202 on removal is not gone yet, but no key lives meanwhile."""
    application = await ours(portal)
    await portal.issue_key(application.application_id)
    portal_server.fault(f"DELETE {APPLICATIONS}/*", pending=True, seconds=0.3, times=10)

    assert not await portal.remove_application(KEY)
    assert portal_server.state()["applications"][0]["keys"] == 0

    await asyncio.sleep(0.4)
    assert await portal.remove_application(KEY)


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Refused), (401, NotAllowed), (403, NotAllowed), (409, Conflict), (429, Busy),
     (500, Busy), (503, Busy)],
)  # fmt: skip
async def test_what_a_status_means(
    portal: ApiPortal, portal_server: Simulator, status: int, error: type[Exception]
) -> None:
    """Each status is one kind of error, which tells the status, the system and what it said."""
    portal_server.fault(f"GET {APPLICATIONS}", status=status, headers={"Retry-After": "7"})

    with pytest.raises(error) as raised:
        await portal.application(KEY)

    assert raised.type is error
    assert raised.value.status == status  # type: ignore[attr-defined]
    assert raised.value.system == "portal_verification"  # type: ignore[attr-defined]
    assert raised.value.retry_after_seconds == 7  # type: ignore[attr-defined]
    assert "by the simulator" in raised.value.said  # type: ignore[attr-defined]
