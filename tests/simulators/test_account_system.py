"""The simulated account system: SCIM 2.0 by the book, and on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.simulators.conftest import BEARER, Program, started

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ORGANISATION = "urn:ngp:params:scim:schemas:Organization"
SYSTEM = "urn:ngp:params:scim:schemas:SystemAccount"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCIM = {"Content-Type": "application/scim+json"}


@pytest.fixture(scope="module")
def accounts_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run the account system for all tests here."""
    yield from started("account_system", tmp_path_factory.mktemp("accounts"))


@pytest.fixture
def accounts(accounts_program: Program) -> Program:
    """Return the account system, empty."""
    accounts_program.reset()
    return accounts_program


def user(name: str = "anna") -> dict[str, Any]:
    """Return a person's account."""
    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": name,
        "externalId": f"key-{name}",
        "name": {"formatted": "Anna Åkesson"},
        "emails": [{"value": f"{name}@example.se", "primary": True}],
        "phoneNumbers": [{"value": "070-174 06 05"}],
        "active": False,
        ENTERPRISE: {"organization": "212000-0142"},
    }


def create(accounts: Program, path: str, body: dict[str, Any]) -> Any:
    """Create a resource."""
    answer = accounts.http.post(path, json=body, headers=SCIM)
    assert answer.status_code == 201, answer.text
    return answer.json()


def find(accounts: Program, path: str, matching: str) -> list[Any]:
    """Find resources."""
    answer = accounts.http.get(path, params={"filter": matching}).raise_for_status().json()
    return answer["Resources"] if answer["totalResults"] else []


def test_by_the_book(accounts: Program) -> None:
    """The conformance tester finds nothing against the RFCs, our own resource types included."""
    with httpx2.Client(base_url=accounts.url, headers=BEARER, timeout=30) as http:
        client = SyncSCIMClient(http)
        client.discover()
        results = check_server(client)

    wrong = [each for each in results if each.status in {Status.ERROR, Status.CRITICAL}]
    assert [f"{each.title}: {each.reason}" for each in wrong] == []
    assert sum(each.status == Status.SUCCESS for each in results) > 100


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/Users", user()),
        (
            "/Organizations",
            {"schemas": [ORGANISATION], "orgNumber": "212000-0142", "displayName": "Danderyd"},
        ),
        (
            "/SystemAccounts",
            {
                "schemas": [SYSTEM],
                "loginName": "abcd1234",
                "orgNumber": "212000-0142",
                "datasetId": "detaljplan",
                "displayName": "Detaljplan",
            },
        ),
    ],
)
def test_a_name_is_given_once(accounts: Program, path: str, body: dict[str, Any]) -> None:
    """The identifying attribute of each type is unique; every type keeps our key."""
    create(accounts, path, {**body, "externalId": "key", "active": True})

    again = accounts.http.post(path, json=body, headers=SCIM)

    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    (found,) = find(accounts, path, 'externalId eq "key"')
    assert found.items() >= {**body, "externalId": "key", "active": True}.items()


def test_found_by_address(accounts: Program) -> None:
    """A person is found by mail address whatever its case, until it is changed or gone."""
    made = [create(accounts, "/Users", user(name)) for name in ("anna", "bo")]
    assert [each["id"] for each in find(accounts, "/Users", 'emails.value eq "BO@example.se"')] == [
        made[1]["id"]
    ]

    other = [{"value": "other@example.se"}]
    changed = {**user("bo"), "emails": other}
    accounts.http.put(f"/Users/{made[1]['id']}", json=changed, headers=SCIM).raise_for_status()
    accounts.http.delete(f"/Users/{made[0]['id']}").raise_for_status()

    assert find(accounts, "/Users", 'emails.value eq "bo@example.se"') == []
    assert find(accounts, "/Users", 'emails.value eq "anna@example.se"') == []
    (found,) = find(accounts, "/Users", 'emails.value eq "other@example.se"')
    assert found["id"] == made[1]["id"]


def test_after_a_kill(tmp_path: Path) -> None:
    """Accounts come back whole, changes and removals too, and no version is given twice."""
    program = Program("account_system", tmp_path)
    try:
        program.start()
        anna, bo, eva = (create(program, "/Users", user(each)) for each in ("anna", "bo", "eva"))
        on = {"op": "replace", "path": "active", "value": True}
        change = {"schemas": [PATCH], "Operations": [on]}
        program.http.patch(f"/Users/{anna['id']}", json=change, headers=SCIM).raise_for_status()
        program.http.delete(f"/Users/{eva['id']}").raise_for_status()
        before = [program.http.get(f"/Users/{each['id']}").json() for each in (anna, bo)]

        program.kill()
        program.start()

        after = [program.http.get(f"/Users/{each['id']}").json() for each in (anna, bo)]
        assert after == before
        assert (after[0]["active"], after[0][ENTERPRISE]) == (True, {"organization": "212000-0142"})
        assert program.http.get(f"/Users/{eva['id']}").status_code == 404
        assert program.http.post("/Users", json=user("bo"), headers=SCIM).status_code == 409
        assert len(find(program, "/Users", 'emails.value eq "anna@example.se"')) == 1
        later = create(program, "/Users", user("eva"))
        assert later["meta"]["version"] not in {each["meta"]["version"] for each in before}
    finally:
        program.close()
