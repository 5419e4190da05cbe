"""Accounts of organisations, people and permissions in the account system."""

from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside
from adapters.account_system import AccountSystem
from domain.case import OrganisationAccountFound
from domain.information_owner import OwnerLookedUp
from domain.machine import Content
from domain.people import PersonFound
from domain.permission import SystemAccountFound


class OrganisationInput(BaseModel):
    """The organisation whose account is wanted."""

    org_number: str
    name: str


class PersonInput(BaseModel):
    """The person whose personal account is wanted, and the person's role in the case."""

    role: str
    org_number: str
    name: str
    email: str
    phone: str = ""


class OwnerInput(BaseModel):
    """The mail address of somebody who may have an account."""

    email: str


class AccountInput(BaseModel):
    """An account by the account system's own id."""

    account_id: str


class SystemAccountInput(BaseModel):
    """The permission whose system account is meant; the workflow's id is the key."""

    key: str
    org_number: str
    dataset_id: str


class ClaimInput(BaseModel):
    """A system account that was there before us, and the permission that takes it over."""

    key: str
    login_name: str


class Accounts:
    """What is done in the account system."""

    def __init__(self, system: AccountSystem) -> None:
        self._system = system

    @activity.defn
    @calls_outside()
    async def find_or_create_organisation(
        self, wanted: OrganisationInput
    ) -> OrganisationAccountFound:
        """Find the organisation's account, or create it; one that is found is used as it is."""
        found = await self._system.find_or_create_organisation(wanted.org_number, wanted.name)
        return OrganisationAccountFound(account_id=found.account_id)

    @activity.defn
    @calls_outside()
    async def find_or_create_person(self, wanted: PersonInput) -> PersonFound:
        """Find a person's personal account by e-mail address, or create it, not yet active."""
        found = await self._system.find_or_create_person(
            email=wanted.email,
            name=wanted.name,
            phone=wanted.phone,
            org_number=wanted.org_number,
        )
        return PersonFound(
            role=wanted.role,
            email=wanted.email,
            account_id=found.account_id,
            login_name=found.login_name,
            active=found.active,
        )

    @activity.defn
    @calls_outside()
    async def look_up_owner(self, wanted: OwnerInput) -> OwnerLookedUp:
        """Look whether a mail address is an account's; nothing is made."""
        found = await self._system.person_by_email(wanted.email)
        if found is None:
            return OwnerLookedUp(email=wanted.email)
        return OwnerLookedUp(
            email=wanted.email,
            account_id=found.account_id,
            login_name=found.login_name,
            active=found.active,
        )

    @activity.defn
    @calls_outside()
    async def activate_person(self, wanted: AccountInput) -> Content:
        """Switch a personal account on."""
        await self._system.set_person_active(wanted.account_id, active=True)
        return Content()

    @activity.defn
    @calls_outside(shuts_off=True)
    async def disable_person(self, wanted: AccountInput) -> Content:
        """Switch a personal account off, confirmed by reading it back."""
        await self._system.set_person_active(wanted.account_id, active=False)
        return Content()

    @activity.defn
    @calls_outside()
    async def create_system_account(self, wanted: SystemAccountInput) -> SystemAccountFound:
        """Find the permission's system account by our key, or create it."""
        found = await self._system.find_or_create_system_account(
            key=wanted.key, org_number=wanted.org_number, dataset_id=wanted.dataset_id
        )
        return SystemAccountFound(login_name=found.login_name)

    @activity.defn
    @calls_outside()
    async def claim_system_account(self, wanted: ClaimInput) -> Content:
        """Let a system account that was there before us carry our key."""
        await self._system.claim_system_account(wanted.login_name, key=wanted.key)
        return Content()

    @activity.defn
    @calls_outside(shuts_off=True)
    async def disable_system_account(self, wanted: SystemAccountInput) -> Content:
        """Switch the permission's system account off, confirmed by reading it back."""
        await self._system.disable_system_account(wanted.key)
        return Content()
