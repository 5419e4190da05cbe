"""The account system: SCIM 2.0 (RFC 7643, 7644).

Organisations and system accounts are resource types of their own (`contracts/account-system.json`).

Organisations and personal accounts are used as they are found, since people make their own.
A system account must carry our key in `externalId` (RFC 7643 3.1).
"""

import hashlib
import unicodedata
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from adapters.http_client import Http
from adapters.outside import Foreign, Refused, Unreachable

SYSTEM: Final = "account_system"
USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ORGANISATION: Final = "urn:ngp:params:scim:schemas:Organization"
ACCOUNT: Final = "urn:ngp:params:scim:schemas:SystemAccount"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CONFLICT, NOT_FOUND, CREATED = 409, 404, 201
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
MOST_CANDIDATES: Final = 50


class OrganisationAccount(BaseModel):
    """An organisation's account."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    created: bool


class PersonAccount(BaseModel):
    """A person's personal account; its login name has no digits."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    login_name: str
    active: bool
    created: bool = False


class SystemAccount(BaseModel):
    """A system account, `abcd1234`."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    login_name: str
    active: bool
    created: bool = False


class AccountSystem:
    """The account system."""

    def __init__(self, base_url: str, token: str, *, limit_seconds: float = 20) -> None:
        self._http = Http(SYSTEM, base_url, token, limit_seconds=limit_seconds)
        self._http.client.headers["Content-Type"] = "application/scim+json"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _find(self, path: str, attribute: str, value: str) -> dict[str, Any] | None:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        response = await self._http.send(
            "GET", path, params={"filter": f'{attribute} eq "{quoted}"'}
        )
        listed = self._http.json(response).get("Resources") or []
        found: dict[str, Any] | None = listed[0] if listed else None
        return found

    async def _create(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Create a resource; None when a unique value is taken."""
        response = await self._http.send(
            "POST", path, json=body, expect=frozenset({CREATED, CONFLICT})
        )
        if response.status_code == CONFLICT:
            return None
        created: dict[str, Any] = self._http.json(response)
        return created

    # ---- organisations -------------------------------------------------------------------

    async def find_or_create_organisation(self, org_number: str, name: str) -> OrganisationAccount:
        """Find an organisation by its number, or create its account."""
        found = await self._find("/Organizations", "orgNumber", org_number)
        if found is not None:
            return OrganisationAccount(account_id=found["id"], created=False)
        body = {
            "schemas": [ORGANISATION],
            "orgNumber": org_number,
            "displayName": name or org_number,
            "active": True,
        }
        made = await self._create("/Organizations", body)
        if made is None:
            raise Unreachable(SYSTEM, "the organisation was made by another meanwhile")
        return OrganisationAccount(account_id=made["id"], created=True)

    # ---- people --------------------------------------------------------------------------

    async def find_or_create_person(
        self, *, email: str, name: str, phone: str, org_number: str
    ) -> PersonAccount:
        """Find a personal account by e-mail address, or create one, not yet active."""
        found = await self._find("/Users", "emails.value", email)
        if found is not None:
            return _person(found)
        for login in _login_candidates(name, email):
            body: dict[str, Any] = {
                "schemas": [USER, ENTERPRISE],
                "userName": login,
                "displayName": name,
                "active": False,
                "emails": [{"value": email, "primary": True}],
                ENTERPRISE: {"organization": org_number},
            }
            if phone:
                body["phoneNumbers"] = [{"value": phone}]
            made = await self._create("/Users", body)
            if made is not None:
                return _person(made, created=True)
        raise Refused(SYSTEM, status=CONFLICT, said="no login name is free")

    async def person(self, account_id: str) -> PersonAccount | None:
        """Return a personal account by the account system's id."""
        response = await self._http.send(
            "GET", f"/Users/{account_id}", expect=frozenset({200, NOT_FOUND})
        )
        if response.status_code == NOT_FOUND:
            return None
        return _person(self._http.json(response))

    async def set_person_active(self, account_id: str, *, active: bool) -> None:
        """Switch a personal account on or off, confirmed by reading it back.

        Raises:
            Unreachable: it is still as it was.
        """
        await self._set_active(f"/Users/{account_id}", active=active)

    async def _set_active(self, path: str, *, active: bool) -> None:
        change = {"op": "replace", "path": "active", "value": active}
        body = {"schemas": [PATCH], "Operations": [change]}
        await self._http.send("PATCH", path, json=body, expect=frozenset({200, 204}))
        after = self._http.json(await self._http.send("GET", path))
        if bool(after.get("active")) is not active:
            raise Unreachable(SYSTEM, "the account has not changed")

    # ---- system accounts -----------------------------------------------------------------

    async def find_or_create_system_account(
        self, *, key: str, org_number: str, dataset_id: str
    ) -> SystemAccount:
        """Find the system account that carries our key, or create it.

        Raises:
            Foreign: every name derived from the key is another's.
        """
        found = await self._find("/SystemAccounts", "externalId", key)
        if found is not None:
            return _system_account(found)
        for login in _account_candidates(key):
            body = {
                "schemas": [ACCOUNT],
                "externalId": key,
                "loginName": login,
                "orgNumber": org_number,
                "datasetId": dataset_id,
                "active": True,
            }
            made = await self._create("/SystemAccounts", body)
            if made is not None:
                return _system_account(made, created=True)
            taken = await self._find("/SystemAccounts", "loginName", login)
            if taken is not None and taken.get("externalId") == key:
                return _system_account(taken)
        raise Foreign(SYSTEM, status=CONFLICT, said="no system account name is free")

    async def disable_system_account(self, key: str) -> None:
        """Switch the account that carries our key off, confirmed; none found is fine."""
        found = await self._find("/SystemAccounts", "externalId", key)
        if found is not None:
            await self._set_active(f"/SystemAccounts/{found['id']}", active=False)

    async def login_kind(self, name: str) -> Literal["personal", "system"] | None:
        """Return which kind of account a login name belongs to, None when there is none."""
        if await self._find("/SystemAccounts", "loginName", name):
            return "system"
        if await self._find("/Users", "userName", name):
            return "personal"
        return None


def _person(record: dict[str, Any], *, created: bool = False) -> PersonAccount:
    return PersonAccount(
        account_id=record["id"],
        login_name=record["userName"],
        active=bool(record.get("active", True)),
        created=created,
    )


def _system_account(record: dict[str, Any], *, created: bool = False) -> SystemAccount:
    return SystemAccount(
        account_id=record["id"],
        login_name=record["loginName"],
        active=bool(record.get("active", True)),
        created=created,
    )


def _login_candidates(name: str, email: str) -> list[str]:
    """Return login names without digits: from the name, then with letters from the address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    base = "".join(letter for letter in plain if letter in LETTERS)[:20] or "person"
    digest = hashlib.sha256(email.casefold().encode()).digest()
    letters = "".join(LETTERS[byte % len(LETTERS)] for byte in digest)
    return [base, *(f"{base}.{letters[start : start + 4]}" for start in range(0, 24, 4))]


def _account_candidates(key: str) -> list[str]:
    """Return names of the form `abcd1234`, always the same ones for a key."""
    names = []
    for attempt in range(MOST_CANDIDATES):
        digest = hashlib.sha256(f"{key}#{attempt}".encode()).digest()
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:4])
        digits = int.from_bytes(digest[4:8]) % 10_000
        names.append(f"{letters}{digits:04d}")
    return names
