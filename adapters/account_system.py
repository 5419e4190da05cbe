"""The account system: SCIM 2.0 (RFC 7643, 7644), with organisations and system accounts.

The two resource types beside the RFC's own are in `contracts/account-system.json`. Organisations
and personal accounts are used as found, since people make their own; a system account must carry
our key as `externalId` (RFC 7643 § 3.1).
"""

from collections.abc import Iterable
from typing import Final, Literal

import httpx
from pydantic import BaseModel, ConfigDict
from scim2_models import Email, EnterpriseUser, Name, PhoneNumber

from adapters.account_logins import personal_logins, system_logins
from adapters.outside import TIMEOUT_SECONDS, Busy, Conflict, Connection, Foreign, NotFound, Refused
from adapters.scim import Organization, Person, Scim, SystemLogin, equal

SYSTEM: Final = "account_system"


class OrganisationAccount(BaseModel):
    """An organisation's account, by the account system's own id."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    created: bool


class PersonAccount(BaseModel):
    """A person's account, by the account system's own id; `login_name` has no digits."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    login_name: str
    active: bool
    created: bool = False


class SystemAccount(BaseModel):
    """A system account; `login_name` is like `abcd1234`, `key` who made it."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    login_name: str
    active: bool
    created: bool = False
    key: str | None = None


class AccountSystem:
    """The account system over HTTP.

    Every method raises the errors of `adapters.outside`. A call whose answer was lost can be
    repeated: it finds what the first one made.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(
            SYSTEM,
            base_url,
            token,
            # Never `detail`: it repeats names and addresses.
            said_in=("scimType",),
            headers={"Content-Type": "application/scim+json", "Accept": "application/scim+json"},
            timeout_seconds=timeout_seconds,
            transport=transport,
        )
        self._scim = Scim(self._connection)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    # ---- organisations -------------------------------------------------------------------

    async def find_or_create_organisation(self, org_number: str, name: str) -> OrganisationAccount:
        """Find an organisation by its number, used as found, or create it, switched on."""
        by_number = equal("orgNumber", org_number)
        found = await self._scim.find(Organization, by_number)
        if not found:
            wanted = Organization(
                org_number=org_number, display_name=name or org_number, active=True
            )
            try:
                made = await self._scim.create(wanted)
            except Conflict:
                found = await self._scim.find(Organization, by_number)
                if not found:
                    raise
            else:
                return OrganisationAccount(account_id=made.id, created=True)
        return OrganisationAccount(account_id=found[0].id, created=False)

    # ---- people --------------------------------------------------------------------------

    async def find_or_create_person(
        self, *, email: str, name: str, phone: str, org_number: str
    ) -> PersonAccount:
        """Find a person by e-mail address, used as found, or create one that is off.

        Of several with the address one that is on is taken. A new login name is made from the
        name, and by more letters where that is taken.
        """
        if found := await self.person_by_email(email):
            return found
        for login in personal_logins(name, email):
            wanted = Person(
                user_name=login,
                display_name=name,
                name=Name(formatted=name),
                emails=[Email(value=email, primary=True)],
                phone_numbers=[PhoneNumber(value=phone)] if phone else None,
                active=False,
            )
            wanted[EnterpriseUser] = EnterpriseUser(organization=org_number)
            try:
                return _person(await self._scim.create(wanted), created=True)
            except Conflict:
                # Another attempt for the same person may have been quicker.
                if found := await self.person_by_email(email):
                    return found
        raise Refused(SYSTEM, "no login name is free", status=409)

    async def person_by_email(self, email: str) -> PersonAccount | None:
        """Return the account of a mail address: of several one that is on, else None."""
        found = await self._scim.find(Person, equal("emails.value", email))
        accounts = [_person(each) for each in found]
        return min(accounts, key=lambda each: (not each.active, each.account_id), default=None)

    async def person(self, account_id: str) -> PersonAccount | None:
        """Return a person's account, None when there is none."""
        try:
            return _person(await self._scim.get(Person, account_id))
        except NotFound:
            return None

    async def persons(self, account_ids: Iterable[str]) -> list[PersonAccount]:
        """Return those of the accounts that exist; only what is asked for is ever read."""
        found = [await self.person(account_id) for account_id in account_ids]
        return [each for each in found if each is not None]

    async def set_person_active(self, account_id: str, *, active: bool) -> None:
        """Switch a person's account on or off, confirmed by reading it back.

        Raises:
            NotFound: none is there to switch on; to switch off, that is as well.
            Busy: it is still as it was.
        """
        try:
            await self._switch(Person, account_id, active=active)
        except NotFound:
            if active:
                raise

    # ---- system accounts -----------------------------------------------------------------

    async def find_or_create_system_account(
        self, *, key: str, org_number: str, dataset_id: str
    ) -> SystemAccount:
        """Find the system account that carries our key and switch it on, or create it.

        Login names follow from the key; one that somebody else has is passed over.
        """
        if found := await self._of_key(key):
            return found
        for login in system_logins(key):
            wanted = SystemLogin(
                external_id=key,
                login_name=login,
                org_number=org_number,
                dataset_id=dataset_id,
                active=True,
            )
            try:
                return _system(await self._scim.create(wanted), created=True)
            except Conflict:
                if found := await self._of_key(key):
                    return found
        raise Refused(SYSTEM, "no login name is free", status=409)

    async def _of_key(self, key: str) -> SystemAccount | None:
        for each in await self._scim.find(SystemLogin, equal("externalId", key)):
            if not each.active:
                await self._switch(SystemLogin, str(each.id), active=True)
            return _system(each).model_copy(update={"active": True})
        return None

    async def claim_system_account(self, login_name: str, *, key: str) -> None:
        """Let a system account that was there before us carry our key.

        Raises:
            Refused: there is none of that name.
            Foreign: it carries another key.
        """
        found = await self._scim.find(SystemLogin, equal("loginName", login_name))
        if not found:
            raise Refused(SYSTEM, f"no system account is called {login_name}", status=404)
        if found[0].external_id == key:
            return
        if found[0].external_id:
            raise Foreign(SYSTEM, f"{login_name} carries another key", status=409)
        await self._scim.replace(SystemLogin, str(found[0].id), "externalId", key)

    async def disable_system_account(self, key: str) -> None:
        """Switch off what carries our key, confirmed by reading it back; none is as well.

        Raises:
            Busy: it is still on.
        """
        for each in await self._scim.find(SystemLogin, equal("externalId", key)):
            await self._switch(SystemLogin, str(each.id), active=False)

    async def system_accounts(self) -> list[SystemAccount]:
        """Return every system account, ours and others'."""
        return [_system(each) for each in await self._scim.find(SystemLogin)]

    # ---- both ----------------------------------------------------------------------------

    async def login_kind(self, name: str) -> Literal["personal", "system"] | None:
        """Tell which kind of account has a login name, None when none has."""
        if await self._scim.find(SystemLogin, equal("loginName", name)):
            return "system"
        if await self._scim.find(Person, equal("userName", name)):
            return "personal"
        return None

    async def _switch(
        self, kind: type[Person] | type[SystemLogin], account_id: str, *, active: bool
    ) -> None:
        await self._scim.replace(kind, account_id, "active", active)
        account = await self._scim.get(kind, account_id)
        if account.active is not active:
            raise Busy(SYSTEM, f"account {account_id} is still {'off' if active else 'on'}")


def _person(user: Person, *, created: bool = False) -> PersonAccount:
    return PersonAccount(
        account_id=user.id, login_name=user.user_name, active=bool(user.active), created=created
    )


def _system(account: SystemLogin, *, created: bool = False) -> SystemAccount:
    return SystemAccount(
        account_id=account.id,
        login_name=account.login_name,
        active=bool(account.active),
        created=created,
        key=account.external_id,
    )
