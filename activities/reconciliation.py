"""Looking at what outside systems hold: whole listings go to the records, counts to the history.

Listings are read in pages. What must be asked one by one (keys, people) is asked unhurriedly and
kept some at a time: an attempt that is cut goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import asyncpg
from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside
from adapters.account_system import AccountSystem
from adapters.agreement_register import AgreementRegister
from adapters.api_portal import ApiPortal
from domain.reconciliation_run import Looked
from domain.state import System
from records import reconciliations
from records.reconciliations import Observation, Place

T = TypeVar("T")

CHUNK: Final = 50
BREATH_SECONDS: Final = 0.02
"""Between two questions: a run may take minutes, and people are served by the same worker."""
ENOUGH_SECONDS: Final = 15.0
"""When an attempt stops asking and leaves the rest: well within an attempt's 30 s."""


class LookInput(BaseModel):
    """Which look of which run, at which system."""

    run: str
    workflow_id: str
    started_at: datetime
    look: int
    system: System

    @property
    def place(self) -> Place:
        """Where its observations belong."""
        return Place(self.run, self.look, self.system)

    def looked(self, operation: str, left: int = 0) -> Looked:
        """Return the answer of one operation."""
        return Looked(look=self.look, system=self.system, operation=operation, left=left)


async def _keep(
    pool: asyncpg.Pool, wanted: LookInput, kind: str, seen: Sequence[Observation]
) -> None:
    await reconciliations.begin(pool, wanted.run, wanted.workflow_id, wanted.started_at)
    await reconciliations.write_listing(pool, wanted.place, kind, seen)


async def _each(ask: Callable[[str], Awaitable[T]], items: Sequence[str]) -> list[T]:
    """Ask about some things, one after the other with a breath between."""
    answers = []
    for item in items:
        answers.append(await ask(item))
        await asyncio.sleep(BREATH_SECONDS)
    return answers


async def _until_enough(
    following: Callable[[], Awaitable[list[str]]],
    look_at: Callable[[list[str]], Awaitable[None]],
) -> int:
    """Look at one chunk after the other for a while; returns how many are known to be left."""
    stop = asyncio.get_running_loop().time() + ENOUGH_SECONDS
    while items := await following():
        if asyncio.get_running_loop().time() > stop:
            return len(items)
        await look_at(items)
    return 0


class PortalLooks:
    """What one portal holds."""

    def __init__(self, portal: ApiPortal, pool: asyncpg.Pool) -> None:
        self._portal = portal
        self._pool = pool

    @activity.defn
    @calls_outside()
    async def list_applications(self, wanted: LookInput) -> Looked:
        """Keep every application, ours and others'."""
        seen = [
            Observation(item=each.application_id, key=each.key, facts={"name": each.name})
            for each in await self._portal.applications()
        ]
        await _keep(self._pool, wanted, "application", seen)
        return wanted.looked("list_applications")

    @activity.defn
    @calls_outside()
    async def count_keys(self, wanted: LookInput) -> Looked:
        """Count the living keys of the applications that may be ours, some at a time."""

        async def following() -> list[str]:
            return await reconciliations.uncounted(self._pool, wanted.place, CHUNK)

        async def look_at(items: list[str]) -> None:
            counts = await _each(self._portal.key_count, items)
            counted = dict(zip(items, counts, strict=True))
            await reconciliations.write_key_counts(self._pool, wanted.place, counted)

        return wanted.looked("count_keys", await _until_enough(following, look_at))


class AccountLooks:
    """What the account system holds."""

    def __init__(self, accounts: AccountSystem, pool: asyncpg.Pool) -> None:
        self._accounts = accounts
        self._pool = pool

    @activity.defn
    @calls_outside()
    async def list_system_accounts(self, wanted: LookInput) -> Looked:
        """Keep every system account that carries a key of somebody's."""
        seen = [
            Observation(
                item=each.account_id,
                key=each.key,
                is_on=each.active,
                facts={"login_name": each.login_name},
            )
            for each in await self._accounts.system_accounts()
            if each.key
        ]
        await _keep(self._pool, wanted, "system_account", seen)
        return wanted.looked("list_system_accounts")

    @activity.defn
    @calls_outside()
    async def look_at_people(self, wanted: LookInput) -> Looked:
        """Look at the accounts of people who have or had an access, some at a time.

        Nobody else's account is read. One that is gone is off.
        """

        async def following() -> list[str]:
            return await reconciliations.people_to_look_at(self._pool, wanted.place, CHUNK)

        async def look_at(account_ids: list[str]) -> None:
            found = await _each(self._accounts.person, account_ids)
            seen = [
                Observation(item=account_id, is_on=account is not None and account.active)
                for account_id, account in zip(account_ids, found, strict=True)
            ]
            await reconciliations.add_observations(self._pool, wanted.place, "person", seen)

        return wanted.looked("look_at_people", await _until_enough(following, look_at))


class RegisterLooks:
    """What the agreement register holds."""

    def __init__(self, register: AgreementRegister, pool: asyncpg.Pool) -> None:
        self._register = register
        self._pool = pool

    @activity.defn
    @calls_outside()
    async def list_agreements(self, wanted: LookInput) -> Looked:
        """Keep every agreement in force."""
        seen = [
            Observation(
                item=each.key,
                facts={
                    "org_number": each.org_number,
                    "kind": each.kind,
                    "valid_from": each.valid_from.isoformat(),
                },
            )
            for each in await self._register.in_force()
        ]
        await _keep(self._pool, wanted, "agreement", seen)
        return wanted.looked("list_agreements")
