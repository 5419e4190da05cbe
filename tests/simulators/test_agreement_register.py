"""The simulated agreement register, held to its contract."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.adapters.contract import Contract
from tests.simulators.conftest import BEARER, Program
from tests.simulators.test_programs import AGREEMENT

OTHER = {**AGREEMENT, "document_sha256": "f" * 64}
PROCESSING = {**AGREEMENT, "kind": "processing"}
LAST = {"last_day": "2027-01-31"}


@pytest_asyncio.fixture
async def register(register_server: Program) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the register whose every call is held to the contract."""
    async with httpx.AsyncClient(base_url=register_server.url, headers=BEARER) as client:
        Contract("agreement-register.yaml").watch(client)
        yield client


async def keys(register: httpx.AsyncClient, **wanted: str) -> list[str]:
    """Find agreements and return their keys."""
    found = (await register.get("/agreements", params=wanted)).json()["agreements"]
    return [each["key"] for each in found]


async def test_registered_once(register: httpx.AsyncClient) -> None:
    """The same content under the same key changes nothing, another content is refused."""
    first, same = [await register.put("/agreements/1", json=AGREEMENT) for _ in range(2)]
    other = await register.put("/agreements/1", json=OTHER)

    assert (first.status_code, same.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == same.json() == {"key": "1", "status": "in_force", **AGREEMENT}
    assert other.json() == {"code": "other_content", "existing": "1"}
    assert (await register.get("/agreements/1")).json() == first.json()


async def test_one_in_force(register: httpx.AsyncClient) -> None:
    """An organisation has one agreement of a kind in force; the refusal says which."""
    await register.put("/agreements/1", json=AGREEMENT)

    second = await register.put("/agreements/2", json=OTHER)
    processing = await register.put("/agreements/3", json=PROCESSING)
    elsewhere = await register.put("/agreements/4", json={**OTHER, "org_number": "212000-0001"})

    assert (second.status_code, second.json()) == (409, {"code": "in_force", "existing": "1"})
    assert (processing.status_code, elsewhere.status_code) == (201, 201)


async def test_ended(register: httpx.AsyncClient) -> None:
    """An agreement ends once, with its first last day; then another may be in force."""
    await register.put("/agreements/1", json=AGREEMENT)
    ended = await register.post("/agreements/1/end", json=LAST)
    again = await register.post("/agreements/1/end", json={"last_day": "2030-01-01"})

    assert ended.json() == again.json() == {"key": "1", "status": "ended", **AGREEMENT, **LAST}
    assert (await register.put("/agreements/1", json=AGREEMENT)).json()["status"] == "ended"
    assert (await register.put("/agreements/2", json=OTHER)).status_code == 201


async def test_found(register: httpx.AsyncClient) -> None:
    """Agreements are found by organisation, kind and status."""
    await register.put("/agreements/1", json=AGREEMENT)
    await register.put("/agreements/2", json=PROCESSING)
    await register.put("/agreements/3", json={**AGREEMENT, "org_number": "212000-0001"})
    await register.post("/agreements/1/end", json=LAST)

    assert await keys(register) == ["1", "2", "3"]
    assert await keys(register, org_number="212000-0142") == ["1", "2"]
    assert await keys(register, kind="producer", status="in_force") == ["3"]
    assert await keys(register, org_number="000000-0000") == []


async def test_a_key_of_any_letters(register_server: Program) -> None:
    """A key may hold a slash."""
    http, path = register_server.http, "/agreements/a%2Fb%20%C3%A5"
    assert http.put(path, json=AGREEMENT).status_code == 201
    assert http.get(path).json()["key"] == "a/b å"
    assert http.post(f"{path}/end", json=LAST).json()["status"] == "ended"


async def test_not_there(register: httpx.AsyncClient) -> None:
    """What was never registered can be neither read nor ended."""
    assert (await register.get("/agreements/1")).json() == {"code": "not_found"}
    assert (await register.post("/agreements/1/end", json=LAST)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("org_number", "2120000142"),
        ("kind", "other"),
        ("template", ""),
        ("document_sha256", "x"),
        ("valid_from", "2026-02-30"),
        ("valid_from", None),
    ],
)
def test_a_wrong_field(register_server: Program, field: str, value: object) -> None:
    """A field that is missing or wrong is told by name, and nothing is registered."""
    refused = register_server.http.put("/agreements/1", json={**AGREEMENT, field: value})

    assert (refused.status_code, refused.json()) == (422, {"code": "invalid", "fields": [field]})
    assert register_server.state() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null"])
def test_no_body(register_server: Program, body: bytes) -> None:
    """A body that is no object is refused."""
    assert register_server.http.put("/agreements/1", content=body).status_code == 422


def test_a_wrong_question(register_server: Program) -> None:
    """A filter that can match nothing is refused, so that a misspelling is not an empty list."""
    answer = register_server.http.get("/agreements", params={"status": "inforce"})

    assert (answer.status_code, answer.json()["fields"]) == (422, ["status"])
