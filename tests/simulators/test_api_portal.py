"""The simulated portal, its every call held to WSO2's published contract."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio

from tests.adapters.contract import Contract
from tests.simulators.conftest import BEARER, PORTAL, Program, started
from tests.simulators.portal_use import KEYS, application, generate, subscribe, token

PATHS = f"POST {PORTAL}"


async def test_every_operation_answers_by_the_contract(
    portal: httpx.AsyncClient, portal_contract: Contract
) -> None:
    """From application to token and back: each request and answer is as WSO2 describes it."""
    before = portal_contract.calls
    one = await application(portal, attributes={"ngp_key": "key", "system_account": "abcd1234"})
    path = f"/applications/{one}"
    made = (await subscribe(portal, one)).json()
    key = (await generate(portal, one)).json()
    keys = f"{path}/oauth-keys"
    living = f"{keys}/{key['keyMappingId']}"
    secret = {"consumerSecret": key["consumerSecret"]}
    answers = [
        await portal.get("/key-managers"),
        await portal.get("/applications"),
        await portal.get(path),
        await portal.put(path, json={"name": "NGP 2", "throttlingPolicy": "Unlimited"}),
        await portal.get("/subscriptions", params={"applicationId": one}),
        await portal.get(f"/subscriptions/{made['subscriptionId']}"),
        await portal.get(keys),
        await portal.get(living),
        await portal.post(f"{living}/generate-token", json=secret),
        await portal.post(f"{living}/regenerate-secret"),
        await portal.post(f"{living}/clean-up"),
        await portal.delete(f"/subscriptions/{made['subscriptionId']}"),
        await portal.delete(path),
    ]

    assert [each.status_code for each in answers] == [200] * len(answers)
    assert portal_contract.calls - before == len(answers) + 4
    assert (await portal.get(path)).status_code == 404


async def test_search_is_like(portal: httpx.AsyncClient) -> None:
    """A search finds every name that holds the text, whatever the case, page by page."""
    for number in range(7):
        await application(portal, f"Kommun NGP {number}")
    await application(portal, "Other")

    pages = [
        (
            await portal.get("/applications", params={"query": "ngp", "limit": 3, "offset": at})
        ).json()
        for at in (0, 3, 6)
    ]

    assert [each["count"] for each in pages] == [3, 3, 1]
    assert {each["pagination"]["total"] for each in pages} == {7}
    names = {each["name"] for page in pages for each in page["list"]}
    assert names == {f"Kommun NGP {number}" for number in range(7)}
    assert pages[0]["pagination"]["next"].startswith("/applications?")
    assert pages[2]["pagination"]["next"] == ""


async def test_attributes_are_kept(portal: httpx.AsyncClient) -> None:
    """The attributes of an application are in the list and in the application."""
    attributes = {"ngp_key": "key", "system_account": "abcd1234"}
    one = await application(portal, attributes=attributes)

    listed = (await portal.get("/applications")).json()["list"]
    read = (await portal.get(f"/applications/{one}")).json()

    assert [each["attributes"] for each in (*listed, read)] == [attributes, attributes]


async def test_conflicts(portal: httpx.AsyncClient) -> None:
    """What is there already is refused, by codes that the published contract does not tell."""
    one = await application(portal)
    await subscribe(portal, one)
    await generate(portal, one)

    answers = [
        await portal.post("/applications", json={"name": "NGP", "throttlingPolicy": "Unlimited"}),
        await subscribe(portal, one),
        await generate(portal, one),
    ]

    assert [each.status_code for each in answers] == [409] * 3
    assert [each.json()["code"] for each in answers] == [900301, 900336, 901409]
    keys = (await portal.get(f"/applications/{one}/oauth-keys")).json()
    assert keys["count"] == 1


async def test_each_key_type_once(portal: httpx.AsyncClient) -> None:
    """An application may have a key of each type."""
    one = await application(portal)
    await generate(portal, one)

    sandbox = {**KEYS, "keyType": "SANDBOX"}
    answer = await portal.post(f"/applications/{one}/generate-keys", json=sandbox)

    assert answer.status_code == 200


async def test_a_secret_is_shown_once(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """A secret is masked when read back; every secret ever issued is known to control."""
    one = await application(portal)
    key = (await generate(portal, one)).json()
    path = f"/applications/{one}/oauth-keys"
    again = (await portal.post(f"{path}/{key['keyMappingId']}/regenerate-secret")).json()

    read = (await portal.get(path)).text + (await portal.get(f"{path}/{key['keyMappingId']}")).text

    secrets = [key["consumerSecret"], again["consumerSecret"]]
    assert not any(secret in read for secret in secrets)
    assert portal_server.http.get("/_control/secrets").json() == secrets
    assert not any(secret in str(portal_server.state()) for secret in secrets)
    assert len(portal_server.state()["secret_hashes"]) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/applications", {"throttlingPolicy": "Unlimited"}),
        ("/applications", {"name": "", "throttlingPolicy": "Unlimited"}),
        ("/applications", {"name": "x" * 101, "throttlingPolicy": "Unlimited"}),
        ("/applications", {"name": "x", "throttlingPolicy": "Unlimited", "attributes": {"a": 1}}),
        ("/applications", ["x"]),
        ("/subscriptions", {"throttlingPolicy": "Unlimited"}),
    ],
)
def test_a_wrong_body(portal_server: Program, path: str, body: object) -> None:
    """A body against the contract is refused with a code, and changes nothing."""
    answer = portal_server.http.post(f"{PORTAL}{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 900314)
    assert portal_server.state()["applications"] == []


@pytest.mark.parametrize("reject", [False, True])
async def test_an_application_that_waits(
    portal: httpx.AsyncClient, portal_server: Program, *, reject: bool
) -> None:
    """A creation may be accepted only; then the portal's people approve or reject it."""
    portal_server.fault(f"{PATHS}/applications", pending=True)
    body = {"name": "NGP", "throttlingPolicy": "Unlimited"}
    answer = await portal.post("/applications", json=body)
    (waiting,) = (await portal.get("/applications")).json()["list"]
    one = waiting["applicationId"]

    refused = await generate(portal, one)
    released = portal_server.http.post("/_control/release", json={"reject": reject}).json()

    assert (answer.status_code, answer.json()["workflowStatus"]) == (202, "CREATED")
    assert (waiting["status"], refused.status_code, released) == ("CREATED", 400, {"released": 1})
    decided = (await portal.get(f"/applications/{one}")).json()["status"]
    assert decided == ("REJECTED" if reject else "APPROVED")
    assert (await generate(portal, one)).status_code == (400 if reject else 200)


async def test_a_subscription_that_waits(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """A subscription on hold is listed as such, and approved when its time has come."""
    one = await application(portal)
    portal_server.fault(f"{PATHS}/subscriptions", pending=True, seconds=0)
    portal_server.fault(f"{PATHS}/subscriptions", pending=True, seconds=60, status=201)

    accepted, held = await subscribe(portal, one), await subscribe(portal, one, "NGP Uppladdning")
    listed = (await portal.get("/subscriptions", params={"applicationId": one})).json()["list"]

    assert (accepted.status_code, held.status_code) == (202, 201)
    assert held.json()["status"] == "ON_HOLD"
    assert [each["status"] for each in listed] == ["UNBLOCKED", "ON_HOLD"]


async def test_a_key_that_waits(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """A key not approved yet has no consumer key to show; approved, its secret was never seen."""
    one = await application(portal)
    portal_server.fault("POST */generate-keys", pending=True)

    key = (await generate(portal, one)).json()
    portal_server.http.post("/_control/release").raise_for_status()
    (listed,) = (await portal.get(f"/applications/{one}/oauth-keys")).json()["list"]

    assert key["keyState"] == "CREATED"
    assert not key.keys() & {"consumerKey", "consumerSecret"}
    assert (listed["keyState"], listed["consumerSecret"]) == ("APPROVED", "********")


async def test_a_key_generated_half_way(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """It is listed without a consumer key and stands in the way of another until cleaned up."""
    one = await application(portal)
    portal_server.fault("POST */generate-keys", partial=True)

    key = (await generate(portal, one)).json()
    path = f"/applications/{one}/oauth-keys"
    (listed,) = (await portal.get(path)).json()["list"]
    again = await generate(portal, one)
    await portal.post(f"{path}/{key['keyMappingId']}/clean-up")

    assert not (key.keys() | listed.keys()) & {"consumerKey", "consumerSecret"}
    assert again.status_code == 409
    assert (await generate(portal, one)).json()["consumerKey"]


async def test_a_removal_that_waits(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """A removal may be accepted only; rejected, all is as before, approved, all is gone."""
    one = await application(portal)
    await subscribe(portal, one)
    await generate(portal, one)
    portal_server.fault(f"DELETE {PORTAL}/applications/*", times=2, pending=True)
    path = f"/applications/{one}"

    for reject in (True, False):
        assert (await portal.delete(path)).status_code == 202
        assert (await portal.get(path)).json()["status"] == "DELETE_PENDING"
        portal_server.http.post("/_control/release", json={"reject": reject}).raise_for_status()
        assert (await portal.get(path)).status_code == (200 if reject else 404)

    assert (await portal.get("/subscriptions", params={"applicationId": one})).json()["list"] == []


@pytest.fixture(scope="module")
def several_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a portal that lets a key have several secrets."""
    yield from started("api_portal", tmp_path_factory.mktemp("several"), "--multiple-secrets")


@pytest_asyncio.fixture
async def several(
    several_program: Program, portal_contract: Contract
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of that portal, held to the contract."""
    url = f"{several_program.url}{PORTAL}"
    async with httpx.AsyncClient(base_url=url, headers=BEARER) as client:
        portal_contract.watch(client)
        yield client


async def test_several_secrets(several: httpx.AsyncClient, several_program: Program) -> None:
    """Two secrets of a key live side by side until one is revoked; none is regenerated."""
    one = await application(several)
    key = (await generate(several, one)).json()
    path = f"/applications/{one}/oauth-keys/{key['keyMappingId']}"
    new = await several.post(f"{path}/generate-secret", json={})
    second = {**key, "consumerSecret": new.json()["secretValue"]}
    listed = (await several.get(f"{path}/secrets")).json()["list"]
    http = several_program.http

    refused = await several.post(f"{path}/regenerate-secret")
    assert (refused.status_code, refused.json()["code"]) == (403, 900917)
    assert [token(http, each).status_code for each in (key, second)] == [200, 200]
    assert {each["secretValue"] for each in listed} == {"********"}

    first_id = next(e["secretId"] for e in listed if e["secretId"] != new.json()["secretId"])
    revoked = await several.post(f"{path}/revoke-secret", json={"secretId": first_id})
    assert revoked.status_code == 204
    assert [token(http, each).status_code for each in (key, second)] == [401, 200]


async def test_one_secret_only(portal: httpx.AsyncClient, portal_server: Program) -> None:
    """A portal where a key has one secret gives no second one, until control lets it."""
    one = await application(portal)
    key = (await generate(portal, one)).json()
    path = f"/applications/{one}/oauth-keys/{key['keyMappingId']}"

    assert (await portal.post(f"{path}/generate-secret", json={})).status_code == 403
    portal_server.http.post("/_control/secrets", json={"several": True})
    assert (await portal.post(f"{path}/generate-secret", json={})).status_code == 201
    portal_server.http.post("/_control/secrets", json={"several": False})
