"""The adapter of the account system, against scim2-server."""

import asyncio
from typing import Any

import pytest

from adapters.account_system import AccountSystem, PersonAccount
from adapters.outside import Busy, Conflict, NotAllowed, NotFound, Unreachable
from domain.logins import kind_of_login
from tests.adapters.conftest import TIMEOUT_SECONDS, Simulator

NUMBER = "212000-0142"
KEY = "permission/212000-0142/detaljplan/212000-0142"
LOST = (Unreachable, Busy)


async def anna(accounts: AccountSystem, email: str = "anna@example.se") -> PersonAccount:
    """Find or create Anna."""
    return await accounts.find_or_create_person(
        email=email, name="Anna Åkesson-Öman 3", phone="070-174 06 05", org_number=NUMBER
    )


def held(server: Simulator, kind: str) -> list[Any]:
    """Return the resources of a type."""
    return [each for each in server.state() if each["meta"]["resourceType"] == kind]


async def test_an_organisation_is_made_once(
    accounts: AccountSystem, account_server: Simulator
) -> None:
    """An organisation is found by its number, whatever it is called there."""
    first = await accounts.find_or_create_organisation(NUMBER, "Danderyds kommun")
    again = await accounts.find_or_create_organisation(NUMBER, "Danderyd")

    assert first.created
    assert not again.created
    assert first.account_id == again.account_id
    assert len(held(account_server, "Organization")) == 1


@pytest.mark.parametrize("fault", ["drop", "half", "hang"])
async def test_lost_answers_make_nothing_twice(
    accounts: AccountSystem, account_server: Simulator, fault: str
) -> None:
    """Whatever a lost answer made is found by the next attempt."""
    account_server.fault("POST /Organizations", seconds=3, **{fault: True})
    account_server.fault("POST /Users", seconds=3, **{fault: True})
    account_server.fault("POST /SystemAccounts", seconds=3, **{fault: True})

    for attempt in range(2):
        for make in (
            lambda: accounts.find_or_create_organisation(NUMBER, "Danderyds kommun"),
            lambda: anna(accounts),
            lambda: accounts.find_or_create_system_account(
                key=KEY, org_number=NUMBER, dataset_id="detaljplan"
            ),
        ):
            if attempt == 0:
                with pytest.raises(LOST):
                    await make()
            else:
                await make()

    assert [len(held(account_server, kind)) for kind in ("Organization", "User")] == [1, 1]
    assert len(held(account_server, "SystemAccount")) == 1


async def test_a_new_person_is_off(accounts: AccountSystem, account_server: Simulator) -> None:
    """A new personal account is off, with a login name without digits, and all that was given."""
    made = await anna(accounts)

    user = held(account_server, "User")[0]
    assert (made.created, made.active) == (True, False)
    assert made.login_name == "anna.akesson-oman"
    assert kind_of_login(made.login_name) == "personal"
    assert user["emails"][0]["value"] == "anna@example.se"
    assert user["phoneNumbers"][0]["value"] == "070-174 06 05"
    assert NUMBER in str(user)


async def test_a_person_is_used_as_found(accounts: AccountSystem) -> None:
    """Whoever has the address is used as found, however it is capitalised."""
    made = await anna(accounts)

    found = await anna(accounts, "Anna@example.se")

    assert found == made.model_copy(update={"created": False})


async def test_namesakes(accounts: AccountSystem) -> None:
    """People with one name get login names of their own, by more letters."""
    made = [await anna(accounts, f"anna{number}@example.se") for number in range(3)]

    assert [each.login_name.removeprefix("anna.akesson-oman") for each in made] == ["", ".a", ".b"]


async def test_two_attempts_at_once_make_one_person(accounts: AccountSystem) -> None:
    """Two cases that name the same new person end with the same account."""
    first, second = await asyncio.gather(anna(accounts), anna(accounts))

    assert first.account_id == second.account_id


async def test_switching_a_person(accounts: AccountSystem) -> None:
    """A person's account is switched on and off, again as well, and read back."""
    made = await anna(accounts)
    for active in (True, True, False, False):
        await accounts.set_person_active(made.account_id, active=active)
        found = await accounts.person(made.account_id)
        assert found is not None
        assert found.active is active


async def test_somebody_who_is_not_there(accounts: AccountSystem) -> None:
    """An account that is gone is off as well; it cannot be switched on."""
    await accounts.set_person_active("gone", active=False)

    assert await accounts.person("gone") is None
    assert await accounts.persons(["gone"]) == []
    with pytest.raises(NotFound):
        await accounts.set_person_active("gone", active=True)


async def test_a_system_account_carries_our_key(
    accounts: AccountSystem, account_server: Simulator
) -> None:
    """A system account is like abcd1234, the same for the same key, and carries it."""
    wanted = {"key": KEY, "org_number": NUMBER, "dataset_id": "detaljplan"}
    made = await accounts.find_or_create_system_account(**wanted)
    again = await accounts.find_or_create_system_account(**wanted)

    assert (made.created, again.created, made.active) == (True, False, True)
    assert made.account_id == again.account_id
    assert kind_of_login(made.login_name) == "system"
    assert held(account_server, "SystemAccount")[0]["externalId"] == KEY
    assert [each.key for each in await accounts.system_accounts()] == [KEY]


async def test_a_taken_login_name_is_passed_over(
    accounts: AccountSystem, account_server: Simulator
) -> None:
    """An account of another that has the first name is left alone; ours gets the next."""
    account_server.fault("POST /SystemAccounts", status=409)

    made = await accounts.find_or_create_system_account(
        key=KEY, org_number=NUMBER, dataset_id="detaljplan"
    )

    account_server.reset()
    first = await accounts.find_or_create_system_account(
        key=KEY, org_number=NUMBER, dataset_id="detaljplan"
    )
    assert made.login_name != first.login_name


async def test_disabling(accounts: AccountSystem) -> None:
    """Ours goes off, again and by an unknown key as well; wanted again, it goes on."""
    wanted = {"key": KEY, "org_number": NUMBER, "dataset_id": "detaljplan"}
    await accounts.find_or_create_system_account(**wanted)
    for key in (KEY, KEY, "unknown"):
        await accounts.disable_system_account(key)

    assert [each.active for each in await accounts.system_accounts()] == [False]
    assert (await accounts.find_or_create_system_account(**wanted)).active
    assert [each.active for each in await accounts.system_accounts()] == [True]


async def test_many_are_listed(accounts: AccountSystem) -> None:
    """More than a page of system accounts is listed whole."""
    for number in range(105):
        await accounts.find_or_create_system_account(
            key=str(number), org_number=NUMBER, dataset_id="detaljplan"
        )

    assert len({each.account_id for each in await accounts.system_accounts()}) == 105


async def test_which_kind_a_login_is(accounts: AccountSystem) -> None:
    """A login name is personal, a system's, or nobody's; quotes in it do no harm."""
    person = await anna(accounts)
    system = await accounts.find_or_create_system_account(
        key=KEY, org_number=NUMBER, dataset_id="detaljplan"
    )

    assert await accounts.login_kind(person.login_name) == "personal"
    assert await accounts.login_kind(system.login_name) == "system"
    assert await accounts.login_kind('" or userName pr or userName eq "') is None


async def test_errors_name_nobody(accounts: AccountSystem, account_server: Simulator) -> None:
    """What the system says about people is not repeated."""
    account_server.fault("POST /Organizations", status=409, times=2)

    with pytest.raises(Conflict) as raised:
        await accounts.find_or_create_organisation(NUMBER, "Danderyds kommun")

    assert raised.value.said == "409 Conflict"


async def test_a_wrong_token(account_server: Simulator) -> None:
    """A token that does not count is told as such."""
    accounts = AccountSystem(account_server.url, "wrong", timeout_seconds=TIMEOUT_SECONDS)

    with pytest.raises(NotAllowed):
        await accounts.person("1")
    await accounts.close()


async def test_no_address_is_in_an_url(
    accounts: AccountSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """People are searched for by POST, so that no address ends up in a log (RFC 7644 § 7.5.2)."""
    with caplog.at_level("DEBUG"):
        await anna(accounts)

    assert "anna@example.se" not in caplog.text.casefold()
