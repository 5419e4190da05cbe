"""The producer's interface behind the simulated portal, held to its contract."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.adapters.contract import Contract
from tests.simulators.conftest import BEARER, Program
from tests.simulators.portal_use import application, generate, subscribe, token

OPEN = {"leveransinfo": {"informationstyp": "detaljplan", "provider": "2180"}}


async def bearer(
    portal: httpx.AsyncClient, server: Program, account: str | None = "abcd1234", **how: Any
) -> dict[str, str]:
    """Return the headers of a producer with a key of a new application."""
    attributes = {} if account is None else {"system_account": account}
    one = await application(portal, f"NGP {uuid.uuid4()}", attributes=attributes)
    if how.get("subscribed", True):
        await subscribe(portal, one)
    key = (await generate(portal, one)).json()
    access_token = token(server.http, key).json()["access_token"]
    return {"Authorization": f"Bearer {access_token}"}


@pytest_asyncio.fixture
async def deliveries(
    portal_server: Program, delivery_contract: Contract
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the interface whose every call is held to the contract."""
    async with httpx.AsyncClient(base_url=f"{portal_server.url}/producent") as client:
        delivery_contract.watch(client)
        yield client


@pytest_asyncio.fixture
async def producer(
    portal: httpx.AsyncClient, portal_server: Program, deliveries: httpx.AsyncClient
) -> httpx.AsyncClient:
    """Return the same client as a producer with a key that may deliver."""
    deliveries.headers.update(await bearer(portal, portal_server))
    return deliveries


async def opened(producer: httpx.AsyncClient, objects: int = 1) -> tuple[str, list[str]]:
    """Open a delivery of so many objects; return its path and theirs."""
    answer = await producer.post("/mottagning", json=OPEN)
    path = f"/mottagning/{answer.raise_for_status().json()['id']}"
    items = [str(uuid.uuid4()) for _ in range(objects)]
    changes = [{"objektidentitet": each, "typ": "leverans"} for each in items]
    if changes:
        (await producer.post(f"{path}/forandringar", json=changes)).raise_for_status()
    return path, [f"{path}/forandringar/{each}/leverans" for each in items]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("OK", "validerad"),
        ("WARNING", "validerad"),
        ("FAILURE", "valideringsfel"),
        ("ERROR", "valideringsfel"),
    ],
)
async def test_a_delivery(producer: httpx.AsyncClient, outcome: str, status: str) -> None:
    """A delivery says who delivered what; its report is as the data asked for."""
    path, (item,) = await opened(producer)
    assert (await producer.get(f"{path}/leverans")).status_code == 204

    plan = {"properties": {"simulate": outcome}}
    answer = await producer.post(item, json=plan)
    delivery = (await producer.get(path, headers=BEARER)).json()
    report = (await producer.get(f"{path}/leverans", headers=BEARER)).json()

    assert (answer.status_code, answer.headers["location"]) == (303, f"/producent{path}")
    assert delivery == {
        "id": path.removeprefix("/mottagning/"),
        "login": "abcd1234",
        "informationstyp": "detaljplan",
        "provider": "2180",
        "status": status,
    }
    assert (report["status"], report["tests"]) == (outcome, 1)
    named = {"FAILURE": "failures", "WARNING": "warnings", "ERROR": "errors"}
    assert {name: report[name] for name in named.values()} == {
        name: int(named.get(outcome) == name) for name in named.values()
    }


async def test_several_objects(producer: httpx.AsyncClient) -> None:
    """All must be there before a delivery is validated; any error is the delivery's."""
    path, (first, second) = await opened(producer, 2)

    async def status() -> str:
        return str((await producer.get(path)).json()["status"])

    await producer.post(first, json={})
    assert await status() == "registrerad"
    await producer.post(second, json={"simulate": "FAILURE"})
    assert await status() == "valideringsfel"
    await producer.post(second, json={"simulate": "WARNING"})
    assert await status() == "validerad"
    assert (await producer.get(f"{path}/leverans")).json()["status"] == "WARNING"
    late = await producer.post(second, json={})
    assert (late.status_code, late.json()["code"]) == (400, "wrong_status")


async def test_a_removal(producer: httpx.AsyncClient) -> None:
    """An object that goes needs no data."""
    path, _ = await opened(producer, 0)
    gone = [{"objektidentitet": str(uuid.uuid4()), "typ": "radering"}]
    await producer.post(f"{path}/forandringar", json=gone)

    assert (await producer.get(path)).json()["status"] == "validerad"


async def test_a_report_that_takes_its_time(
    producer: httpx.AsyncClient, portal_server: Program
) -> None:
    """A report may be kept back; until then the delivery is received only."""
    path, (item,) = await opened(producer)
    portal_server.fault("POST /producent/*/leverans", pending=True)
    await producer.post(item, json={})

    assert (await producer.get(path)).json()["status"] == "mottagen"
    assert (await producer.get(f"{path}/leverans")).status_code == 204
    portal_server.http.post("/_control/release").raise_for_status()
    assert (await producer.get(f"{path}/leverans")).json()["status"] == "OK"


@pytest.mark.parametrize("account", [None, "", "anna.berg", "abcd12345", "ABCD1234"])
async def test_the_wrong_kind_of_account(
    portal: httpx.AsyncClient,
    portal_server: Program,
    deliveries: httpx.AsyncClient,
    account: str | None,
) -> None:
    """Only a system account delivers; the refusal says which one to use."""
    headers = await bearer(portal, portal_server, account)

    refused = await deliveries.post("/mottagning", json=OPEN, headers=headers)

    assert refused.status_code == 403
    assert refused.json() == {
        "code": "wrong_account",
        "reason": "use the system account, not the Geotorget account",
        "errors": [],
    }


@pytest.mark.parametrize("name", [None, "NGP Uppladdning"])
async def test_not_subscribed(
    portal: httpx.AsyncClient,
    portal_server: Program,
    deliveries: httpx.AsyncClient,
    name: str | None,
) -> None:
    """A key whose application does not subscribe to this interface is refused."""
    headers = await bearer(portal, portal_server, subscribed=False)
    if name:
        one = portal_server.state()["applications"][0]["id"]
        (await subscribe(portal, one, name)).raise_for_status()

    refused = await deliveries.post("/mottagning", json=OPEN, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_subscribed")


async def test_who_may_read(
    portal: httpx.AsyncClient, portal_server: Program, producer: httpx.AsyncClient
) -> None:
    """A delivery is its producer's and ours to read; we deliver nothing."""
    path, _ = await opened(producer)
    others = await bearer(portal, portal_server, "efgh5678")

    for each, status in ((BEARER, 200), (others, 404), ({"Authorization": "Bearer x"}, 401)):
        assert (await producer.get(path, headers=each)).status_code == status
    assert (await producer.get("/mottagning/unknown", headers=BEARER)).status_code == 404
    assert (await producer.post("/mottagning", json=OPEN, headers=BEARER)).status_code == 401


async def test_is_it_up(deliveries: httpx.AsyncClient) -> None:
    """Whether the interface is up is told to anybody."""
    assert (await deliveries.get("/health")).json() == {"status": "UP"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {}, 400),
        ("", {"leveransinfo": {"informationstyp": "detaljplan", "provider": 2180}}, 400),
        ("/forandringar", [], 400),
        ("/forandringar", [{"objektidentitet": "1", "typ": "leverans"}], 400),
        ("/forandringar", [{"objektidentitet": str(uuid.uuid4()), "typ": "other"}], 400),
        (
            "/forandringar",
            [{"objektidentitet": str(uuid.uuid4()), "typ": "leverans", "href": "http://x.se"}],
            400,
        ),
        ("/forandringar/unknown/leverans", {}, 404),
        ("/forandringar/{item}/leverans", [], 400),
        ("/forandringar/{item}/leverans", {"simulate": "FINE"}, 400),
    ],
)
async def test_a_wrong_body(
    producer: httpx.AsyncClient, portal_server: Program, path: str, body: object, status: int
) -> None:
    """A body against the contract is refused with code, reason and errors."""
    delivery, (item,) = await opened(producer)
    where = f"{delivery}{path}" if path else "/mottagning"
    where = where.replace("{item}", item.split("/")[-2])

    async with httpx.AsyncClient(headers=producer.headers) as unchecked:
        refused = await unchecked.post(f"{portal_server.url}/producent{where}", json=body)

    assert refused.status_code == status
    assert refused.json().keys() == {"code", "reason", "errors"}


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/vnd.lm.detaljplan.v4+json", 303),
        ("application/vnd.lm.byggnad.v1+json; charset=utf-8", 303),
        ("text/xml", 415),
    ],
)
async def test_media_types(
    producer: httpx.AsyncClient, portal_server: Program, media_type: str, status: int
) -> None:
    """JSON is taken under Lantmäteriet's own media types too, nothing else is."""
    _, (item,) = await opened(producer)
    headers = {**producer.headers, "Content-Type": media_type}

    # The checker reads no such media types.
    async with httpx.AsyncClient(headers=headers) as unchecked:
        answer = await unchecked.post(f"{portal_server.url}/producent{item}", content="{}")

    assert answer.status_code == status
