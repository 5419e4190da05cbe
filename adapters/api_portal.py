"""An API portal: WSO2 Developer Portal REST v3 (`contracts/wso2-devportal-v3.yaml`).

Every application carries our key in its attributes. Its search is LIKE, so names are compared
here; 409 on creation means that an earlier answer was lost; a secret is seen once, so a key of
ours whose answer was lost gets a new secret.
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, SecretStr

from adapters.http_client import Http
from adapters.outside import Foreign, NotAllowed, Refused, Unreachable

BASE: Final = "/api/am/devportal/v3"
POLICY: Final = "Unlimited"
PAGE: Final = 100
KEY: Final = "ngp_key"
CREATED: Final = frozenset({200, 201, 202, 409})
GONE: Final = frozenset({200, 202, 204, 404})
CONFLICT, ACCEPTED = 409, 202
LONGEST_NAME: Final = 70


class Application(BaseModel):
    """An application of ours; without approval nothing can be done with it yet."""

    model_config = ConfigDict(frozen=True)

    application_id: str
    approved: bool


class IssuedKey(BaseModel):
    """A living key and its secret, seen this once."""

    model_config = ConfigDict(frozen=True)

    key_mapping_id: str
    consumer_key: str
    consumer_secret: SecretStr


class ListedApplication(BaseModel):
    """An application as the portal lists it; `key` is ours, None for a foreign one."""

    model_config = ConfigDict(frozen=True)

    application_id: str
    name: str
    key: str | None


class ApiPortal:
    """One portal (verification or production)."""

    def __init__(
        self, base_url: str, token: str, *, system: str, limit_seconds: float = 20
    ) -> None:
        self._system = system
        self._http = Http(system, base_url, token, limit_seconds=limit_seconds)
        self._api_ids: dict[str, str] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _get(self, path: str, **params: Any) -> Any:
        return self._http.json(await self._http.send("GET", f"{BASE}{path}", params=params))

    # ---- applications --------------------------------------------------------------------

    async def find_or_create_application(
        self, *, key: str, name: str, system_account: str
    ) -> Application:
        """Find the application that carries our key, or create it.

        Raises:
            Foreign: another's application has the name.
        """
        name = name[:LONGEST_NAME]
        found = await self._named(name, key)
        if found is not None:
            return found
        body = {
            "name": name,
            "throttlingPolicy": POLICY,
            "description": f"NGP {key}",
            "tokenType": "JWT",
            "attributes": {KEY: key, "system_account": system_account},
        }
        response = await self._http.send("POST", f"{BASE}/applications", json=body, expect=CREATED)
        if response.status_code in {CONFLICT, ACCEPTED}:
            found = await self._named(name, key)
            if found is None:
                raise Unreachable(self._system, "the new application is not listed yet")
            return found
        return _application(self._http.json(response))

    async def _named(self, name: str, key: str) -> Application | None:
        async for each in self._pages(name):
            if each["name"] == name:
                if (each.get("attributes") or {}).get(KEY) != key:
                    raise Foreign(self._system, f"an application named {name!r} is not ours")
                return _application(each)
        return None

    async def _pages(self, name: str | None = None) -> Any:
        offset = 0
        while True:
            query = {"query": name} if name else {}
            page = await self._get("/applications", limit=PAGE, offset=offset, **query)
            for each in page["list"]:
                whole = "attributes" in each
                yield each if whole else await self._get(f"/applications/{each['applicationId']}")
            offset += PAGE
            if offset >= page["pagination"]["total"]:
                return

    async def _ours(self, key: str) -> dict[str, Any] | None:
        async for each in self._pages():
            if (each.get("attributes") or {}).get(KEY) == key:
                found: dict[str, Any] = each
                return found
        return None

    async def application(self, key: str) -> Application | None:
        """Return the application that carries our key."""
        found = await self._ours(key)
        return _application(found) if found else None

    async def applications(self) -> list[ListedApplication]:
        """Return all applications, ours and foreign."""
        return [
            ListedApplication(
                application_id=each["applicationId"],
                name=each["name"],
                key=(each.get("attributes") or {}).get(KEY),
            )
            async for each in self._pages()
        ]

    async def remove_application(self, key: str) -> bool:
        """Remove our application whole: keys, subscriptions, then itself.

        Returns False while the portal still lists it (it may want to approve the deletion).
        """
        found = await self._ours(key)
        if found is None:
            return True
        application_id = found["applicationId"]
        await self.revoke_keys(application_id)
        for each in await self._subscriptions(application_id):
            path = f"{BASE}/subscriptions/{each['subscriptionId']}"
            await self._http.send("DELETE", path, expect=GONE)
        await self._http.send("DELETE", f"{BASE}/applications/{application_id}", expect=GONE)
        return await self._ours(key) is None

    # ---- subscriptions -------------------------------------------------------------------

    async def _api_id(self, name: str) -> str:
        if name not in self._api_ids:
            listed = await self._get("/apis", query=f"name:{name}")
            found = [each for each in listed["list"] if each["name"] == name]
            if not found:
                raise Refused(self._system, status=404, said=f"no interface named {name!r}")
            self._api_ids[name] = found[0]["id"]
        return self._api_ids[name]

    async def _subscriptions(self, application_id: str) -> list[dict[str, Any]]:
        listed = await self._get("/subscriptions", applicationId=application_id)
        found: list[dict[str, Any]] = listed["list"]
        return found

    async def subscribe(self, application_id: str, api_names: list[str]) -> bool:
        """Subscribe to every interface not subscribed to yet; True when all are approved."""
        wanted = [await self._api_id(name) for name in api_names]
        held = {each["apiId"] for each in await self._subscriptions(application_id)}
        for api_id in wanted:
            if api_id not in held:
                body = {
                    "applicationId": application_id,
                    "apiId": api_id,
                    "throttlingPolicy": POLICY,
                }
                await self._http.send("POST", f"{BASE}/subscriptions", json=body, expect=CREATED)
        now = {each["apiId"]: each["status"] for each in await self._subscriptions(application_id)}
        return all(now.get(api_id) == "UNBLOCKED" for api_id in wanted)

    # ---- keys ----------------------------------------------------------------------------

    async def _keys(self, application_id: str) -> list[dict[str, Any]]:
        path = f"{BASE}/applications/{application_id}/oauth-keys"
        response = await self._http.send("GET", path, expect=frozenset({200, 404}))
        listed = self._http.json(response).get("list", []) if response.status_code == 200 else []  # noqa: PLR2004 - OK
        return [each for each in listed if each.get("consumerKey")]

    async def issue_key(self, application_id: str) -> IssuedKey:
        """Generate the key; one that exists gets a new secret, since the old was seen once."""
        held = await self._keys(application_id)
        if not held:
            body = {
                "keyType": "PRODUCTION",
                "keyManager": "Resident Key Manager",
                "grantTypesToBeSupported": ["client_credentials"],
            }
            path = f"{BASE}/applications/{application_id}/generate-keys"
            response = await self._http.send(
                "POST", path, json=body, expect=frozenset({200, CONFLICT})
            )
            if response.status_code != CONFLICT:
                key = self._http.json(response)
                return _issued(key["keyMappingId"], key)
            held = await self._keys(application_id)
        return await self._rotate(application_id, held)

    async def _rotate(self, application_id: str, held: list[dict[str, Any]]) -> IssuedKey:
        if not held:
            raise Unreachable(self._system, "a key exists that is not listed")
        for surplus in held[1:]:
            await self._revoke(application_id, surplus["keyMappingId"])
        mapping = held[0]["keyMappingId"]
        path = f"{BASE}/applications/{application_id}/oauth-keys/{mapping}/regenerate-secret"
        try:
            response = await self._http.send("POST", path)
        except NotAllowed:
            await self._revoke(application_id, mapping)
            return await self.issue_key(application_id)
        return _issued(mapping, self._http.json(response))

    async def _revoke(self, application_id: str, mapping: str) -> None:
        path = f"{BASE}/applications/{application_id}/oauth-keys/{mapping}"
        await self._http.send("DELETE", path, expect=GONE)

    async def revoke_keys(self, application_id: str) -> None:
        """Revoke every key of an application; returns when the portal lists none.

        Raises:
            Unreachable: one is still listed.
        """
        for each in await self._keys(application_id):
            await self._revoke(application_id, each["keyMappingId"])
        if await self._keys(application_id):
            raise Unreachable(self._system, "a revoked key is still listed")


def _application(record: dict[str, Any]) -> Application:
    approved = record.get("status", "APPROVED") == "APPROVED"
    return Application(application_id=record["applicationId"], approved=approved)


def _issued(mapping: str, key: dict[str, Any]) -> IssuedKey:
    return IssuedKey(
        key_mapping_id=mapping,
        consumer_key=key["consumerKey"],
        consumer_secret=SecretStr(key["consumerSecret"]),
    )
