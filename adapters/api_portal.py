"""An API portal: WSO2 Developer Portal REST API v3 (`contracts/wso2-devportal-v3.yaml`).

What the contract does not say, read in WSO2's source and issues: the search for applications is
LIKE; a second subscription or key answers 409 (900336, 901409); a key is generated only when the
application's name is of plain letters (product-apim issue 3515).
"""

from collections.abc import Collection, Sequence
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict

from adapters.outside import TIMEOUT_SECONDS, Busy, Conflict, Connection, NotFound, Refused
from adapters.portal_applications import Application, PortalApplications
from adapters.portal_keys import IssuedKey, LivingKey, PendingKey, PortalKeys

BASE: Final = "/api/am/devportal/v3"
PAGE: Final = 100


class ListedApplication(BaseModel):
    """Any application: `key` is None where it is not ours."""

    model_config = ConfigDict(frozen=True)

    application_id: str
    name: str
    key: str | None


class _Api(BaseModel):
    id: str
    name: str


class _Apis(BaseModel):
    list: list[_Api]


class _Subscription(BaseModel):
    subscriptionId: str  # noqa: N815 - as on the wire
    apiId: str  # noqa: N815
    status: str


class _Subscriptions(BaseModel):
    list: list[_Subscription]


class ApiPortal:
    """One portal over HTTP.

    Every method raises the errors of `adapters.outside`. A call whose answer was lost can be
    repeated: it finds what the first one made by our key, which every application carries.

    Args:
        base_url: the portal's address, without the path of the interface.
        token: bearer token with the scope `apim:subscribe`.
        system: its name in errors.
        key_type: PRODUCTION, or SANDBOX where one portal serves both environments.
        throttling_policy: of applications and subscriptions.
        timeout_seconds: for each exchange.
        transport: another one than the network, or one around it.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        system: str,
        key_type: str = "PRODUCTION",
        throttling_policy: str = "Unlimited",
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._system = system
        self._throttling_policy = throttling_policy
        self._connection = Connection(
            system,
            f"{base_url.rstrip('/')}{BASE}",
            token,
            said_in=("code", "message", "description"),
            timeout_seconds=timeout_seconds,
            transport=transport,
        )
        self._applications = PortalApplications(self._connection, throttling_policy)
        self._keys = PortalKeys(self._connection, key_type)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    # ---- applications --------------------------------------------------------------------

    async def find_or_create_application(
        self, *, key: str, name: str, system_account: str, application_id: str | None = None
    ) -> Application:
        """Find the application that carries our key, or create it.

        Args:
            key: our key.
            name: what it is, for people.
            system_account: the account that it is for.
            application_id: where one that was adopted, under a name of its own, was last.

        Raises:
            Foreign: an application with our name does not carry our key.
            Refused: the portal's people have rejected it.
        """
        return await self._applications.find_or_create(
            key=key, name=name, system_account=system_account, application_id=application_id
        )

    async def application(self, key: str, application_id: str | None = None) -> Application | None:
        """Return the application that carries our key; `application_id` is the portal's id of it.

        Raises:
            Refused: the portal's people have rejected it.
        """
        return await self._applications.find(key, application_id)

    async def applications(self) -> list[ListedApplication]:
        """Return every application, ours and others'."""
        return [
            ListedApplication(application_id=each.applicationId, name=each.name, key=each.key)
            for each in await self._applications.search("")
        ]

    async def claim_application(
        self, application_id: str, *, key: str, system_account: str
    ) -> bool:
        """Write our key into an application that was there before us; the rest of it is kept.

        Returns:
            Whether it is there.

        Raises:
            Foreign: it carries another key of ours, or another application carries this one.
        """
        return await self._applications.claim(
            application_id, key=key, system_account=system_account
        )

    async def remove_application(self, key: str, application_id: str | None = None) -> bool:
        """Remove the application that carries our key: keys first, then subscriptions, then it.

        Args:
            key: our key.
            application_id: the portal's id of it, where that is known.

        Returns:
            Whether the portal no longer lists it; False while its people have yet to look.
        """
        found = await self._applications.to_remove(key, application_id)
        if found is None:
            return True
        await self._keys.revoke(found.applicationId)
        if found.status == "DELETE_PENDING":
            return False
        for subscription in await self._subscriptions(found.applicationId):
            await self._delete(f"/subscriptions/{subscription.subscriptionId}")
        await self._delete(f"/applications/{found.applicationId}")
        return await self._applications.to_remove(key, application_id) is None

    async def _delete(self, path: str) -> None:
        try:
            await self._connection.send("DELETE", path)
        except NotFound:
            return

    # ---- subscriptions -------------------------------------------------------------------

    async def subscribe(self, application_id: str, api_names: Sequence[str]) -> bool:
        """Subscribe an application to interfaces, those it has already left as they are.

        Returns:
            Whether all are approved.

        Raises:
            Busy: the portal says that one is there, and does not list it.
            Refused: no interface of a name, or the portal's people have rejected or blocked one.
        """
        wanted = {await self._api_id(name): name for name in api_names}
        held = {each.apiId for each in await self._subscriptions(application_id)}
        taken: Conflict | None = None
        for api_id in wanted.keys() - held:
            body = {
                "applicationId": application_id,
                "apiId": api_id,
                "throttlingPolicy": self._throttling_policy,
            }
            try:
                await self._connection.send("POST", "/subscriptions", json=body)
            except Conflict as error:
                taken = error  # an attempt whose answer was lost, or so the portal says
        listed = {each.apiId: each.status for each in await self._subscriptions(application_id)}
        if taken is not None and wanted.keys() - listed.keys():
            raise Busy(self._system, taken.said, status=taken.status)
        for api_id, name in wanted.items():
            if listed.get(api_id) in {"REJECTED", "BLOCKED", "PROD_ONLY_BLOCKED"}:
                raise Refused(self._system, f"the subscription to {name} is {listed[api_id]}")
        return all(listed.get(each) in {"UNBLOCKED", "TIER_UPDATE_PENDING"} for each in wanted)

    async def _api_id(self, name: str) -> str:
        wanted = {"query": f"name:{name}", "limit": PAGE}
        answer = await self._connection.send("GET", "/apis", params=wanted)
        for each in self._connection.read(answer, _Apis).list:
            if each.name == name:
                return each.id
        raise Refused(self._system, f"no interface is called {name}")

    async def _subscriptions(self, application_id: str) -> list[_Subscription]:
        wanted = {"applicationId": application_id, "limit": PAGE}
        answer = await self._connection.send("GET", "/subscriptions", params=wanted)
        return self._connection.read(answer, _Subscriptions).list

    # ---- keys ----------------------------------------------------------------------------

    async def issue_key(self, application_id: str) -> IssuedKey | PendingKey:
        """Issue the application's one key; one that exists gets a new secret, which ends the old.

        Raises:
            Refused: the portal's people have rejected the key.
        """
        return await self._keys.issue(application_id)

    async def is_key_pending(self, application_id: str) -> bool:
        """Tell whether the portal's people have yet to approve the key.

        Raises:
            Refused: they have rejected it.
        """
        return await self._keys.is_pending(application_id)

    async def living_key(self, application_id: str) -> LivingKey | None:
        """Return the key that lives, and its secrets where the portal lets it have several."""
        return await self._keys.living(application_id)

    async def add_secret(self, application_id: str, *, keep: Collection[str]) -> IssuedKey:
        """Give the living key one more secret; all but those to keep are revoked before.

        Raises:
            Refused: no key lives, or the portal lets it have one secret only.
        """
        return await self._keys.add_secret(application_id, keep=keep)

    async def end_secrets(self, application_id: str, secret_ids: Collection[str]) -> None:
        """Revoke some secrets of the living key, confirmed by listing them.

        Raises:
            Busy: one is still listed.
        """
        await self._keys.end_secrets(application_id, secret_ids)

    async def key_count(self, application_id: str) -> int:
        """Return how many keys of an application live; one that is gone has none."""
        return await self._keys.count(application_id)

    async def revoke_keys(self, application_id: str) -> None:
        """Revoke all keys of an application, confirmed by listing them; none is as well.

        Raises:
            Busy: one is still listed.
        """
        await self._keys.revoke(application_id)
