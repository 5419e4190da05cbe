"""Applications, subscriptions and keys at the API portals.

A secret lives in this file from the portal's answer until it is sealed, within one attempt.
"""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import asyncpg
from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside, not_yet
from adapters.api_portal import ApiPortal
from adapters.portal_keys import IssuedKey, PendingKey
from domain.credential_state import (
    ApplicationClaimed,
    ApplicationCreated,
    KeyIssued,
    OfferCancelled,
    SecretsListed,
    Subscribed,
)
from domain.machine import Content
from records import secrets
from records.keys import KeyRing

T = TypeVar("T")


class ApplicationInput(BaseModel):
    """The application of a credential: our key, a name for people, and the account it is for.

    `application_id` is the portal's id of it, once that is known. One that was there before us is
    known before it carries our key. `former_id` is where it was last, when it may be gone.
    """

    key: str
    name: str
    system_account: str
    application_id: str | None = None
    former_id: str | None = None


class SubscriptionInput(BaseModel):
    """The interfaces an application is to be subscribed to."""

    key: str
    application_id: str
    apis: tuple[str, ...]


class KeyInput(BaseModel):
    """The key to issue, and to whom it is offered for how many days from `wanted_since` on.

    `old_secrets` live on beside a secret that is added.
    """

    key: str
    application_id: str
    generation: int
    environment: str
    offered_to: str
    system_account: str
    wanted_since: datetime
    offer_days: int
    old_secrets: tuple[str, ...] = ()


class SecretsInput(BaseModel):
    """The key of an application, and secrets of it that are to end."""

    application_id: str
    secrets: tuple[str, ...] = ()


class OfferInput(BaseModel):
    """An offer that has run out, or whose person has left."""

    offer_id: str


class Portal:
    """What is done at one portal."""

    def __init__(self, portal: ApiPortal, pool: asyncpg.Pool, keys: KeyRing) -> None:
        self._portal = portal
        self._pool = pool
        self._keys = keys

    @activity.defn
    @calls_outside()
    async def create_application(self, wanted: ApplicationInput) -> ApplicationCreated:
        """Find our application at the portal, or create it."""
        found = await self._portal.find_or_create_application(
            key=wanted.key,
            name=wanted.name,
            system_account=wanted.system_account,
            application_id=wanted.former_id,
        )
        return ApplicationCreated(application_id=found.application_id, approved=found.approved)

    @activity.defn
    @calls_outside()
    async def claim_application(self, wanted: ApplicationInput) -> ApplicationClaimed:
        """Write our key into an application that was there before us."""
        is_there = await self._portal.claim_application(
            wanted.application_id or "", key=wanted.key, system_account=wanted.system_account
        )
        return ApplicationClaimed(is_there=is_there)

    @activity.defn
    @calls_outside()
    async def await_application(self, wanted: ApplicationInput) -> ApplicationCreated:
        """Look whether the portal has approved the application."""
        found = await self._portal.application(wanted.key, wanted.application_id)
        if found is None or not found.approved:
            raise not_yet("the portal has not approved the application yet")
        return ApplicationCreated(application_id=found.application_id, approved=True)

    @activity.defn
    @calls_outside()
    async def subscribe(self, wanted: SubscriptionInput) -> Subscribed:
        """Subscribe the application to the producer's interfaces."""
        approved = await self._portal.subscribe(wanted.application_id, list(wanted.apis))
        return Subscribed(approved=approved)

    @activity.defn
    @calls_outside()
    async def await_subscription(self, wanted: SubscriptionInput) -> Subscribed:
        """Look whether the portal has approved the subscription."""
        if not await self._portal.subscribe(wanted.application_id, list(wanted.apis)):
            raise not_yet("the portal has not approved the subscription yet")
        return Subscribed(approved=True)

    @activity.defn
    @calls_outside()
    async def issue_key(self, wanted: KeyInput) -> KeyIssued:
        """Generate the key, seal its secret and offer it; a repeated attempt rotates the key.

        The secret is seen once: when an earlier attempt's answer was lost, the key that it made
        is ours by its application, and gets a new secret here.
        """
        issued = await self._portal.issue_key(wanted.application_id)
        if isinstance(issued, PendingKey):
            return KeyIssued(key_mapping_id=issued.key_mapping_id, generation=wanted.generation)
        return await self._seal(wanted, issued)

    @activity.defn
    @calls_outside()
    async def await_key(self, wanted: SecretsInput) -> Content:
        """Look whether the portal has approved the key."""
        if await self._portal.is_key_pending(wanted.application_id):
            raise not_yet("the portal has not approved the key yet")
        return Content()

    @activity.defn
    @calls_outside()
    async def list_secrets(self, wanted: SecretsInput) -> SecretsListed:
        """Look what lives before a rotation, and whether the portal lets a key have several."""
        living = await self._portal.living_key(wanted.application_id)
        if living is None:
            return SecretsListed(is_there=False, several=False)
        several = living.secret_ids is not None
        return SecretsListed(several=several, secrets=living.secret_ids or ())

    @activity.defn
    @calls_outside()
    async def add_secret(self, wanted: KeyInput) -> KeyIssued:
        """Give the key one more secret, seal and offer it; the old ones live on.

        A secret that an earlier attempt added without our seeing it is revoked.
        """
        issued = await self._portal.add_secret(wanted.application_id, keep=wanted.old_secrets)
        return await self._seal(wanted, issued)

    @activity.defn
    @calls_outside(shuts_off=True)
    async def end_old_secrets(self, wanted: SecretsInput) -> Content:
        """Revoke the old secrets of a key, confirmed by the portal."""
        await self._portal.end_secrets(wanted.application_id, wanted.secrets)
        return Content()

    async def _seal(self, wanted: KeyInput, issued: IssuedKey) -> KeyIssued:
        """Seal a secret and offer it, for the whole time also when the portal was long down."""
        payload = {
            "consumer_key": issued.consumer_key,
            "consumer_secret": issued.consumer_secret.get_secret_value(),
            "system_account": wanted.system_account,
            "environment": wanted.environment,
        }
        # A day more than the workflow lets it be open, which is what ends it.
        lasts = timedelta(days=wanted.offer_days + 1)
        offer_id = await secrets.seal_and_offer(
            self._pool,
            self._keys,
            ref=wanted.key,
            generation=wanted.generation,
            payload=payload,
            offered_to=wanted.offered_to,
            expires_at=max(wanted.wanted_since, datetime.now(UTC)) + lasts,
        )
        return KeyIssued(
            key_mapping_id=issued.key_mapping_id, offer_id=offer_id, generation=wanted.generation
        )

    @activity.defn
    @calls_outside(shuts_off=True)
    async def revoke_keys(self, wanted: SubscriptionInput) -> Content:
        """Revoke every key of the application, confirmed by the portal; offers die with it."""
        _, destroyed = await self._with_its_secrets(
            wanted.key, self._portal.revoke_keys(wanted.application_id)
        )
        if destroyed is not None:
            raise destroyed
        return Content()

    @activity.defn
    @calls_outside(shuts_off=True)
    async def remove_application(self, wanted: ApplicationInput) -> Content:
        """Remove the application whole, keys first, until the portal no longer lists it.

        What could not be destroyed now goes when the end is recorded (`records/cases.py`).
        """
        is_gone, destroyed = await self._with_its_secrets(
            wanted.key, self._portal.remove_application(wanted.key, wanted.application_id)
        )
        if destroyed is not None:
            activity.logger.warning("what was sealed is destroyed when the end is recorded")
        if not is_gone:
            raise not_yet("the portal has not removed the application yet")
        return Content()

    async def _with_its_secrets(
        self, ref: str, ending: Awaitable[T]
    ) -> tuple[T, BaseException | None]:
        """End something at the portal and destroy what is sealed: neither waits for the other.

        So a portal that is down keeps no offer open, and records that are down keep no key alive.
        Returns what the portal answered, and why nothing could be destroyed.
        """
        ended, destroyed = await asyncio.gather(
            ending, secrets.destroy(self._pool, ref), return_exceptions=True
        )
        if isinstance(ended, BaseException):
            raise ended
        return ended, destroyed


class Offers:
    """Offers of sealed keys, kept in our own records."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @activity.defn
    async def cancel_offer(self, wanted: OfferInput) -> OfferCancelled:
        """Withdraw an offer, unless it was fetched just before."""
        already = await secrets.cancel_offer(self._pool, wanted.offer_id)
        return OfferCancelled(already_fetched=already)
