"""Life after the onboarding, on the real server, against the simulated outside world."""

from typing import Any

from commands import rehearsals
from commands.demo import Demo
from tests.world import World

NONE = {"verification": 0, "production": 0}
ONE_EACH = {"verification": 1, "production": 1}


async def account(world: World, account_id: str) -> dict[str, Any]:
    """Return an account as the account system holds it."""
    for each in await world.outside("account_system"):
        if each["id"] == account_id:
            found: dict[str, Any] = each
            return found
    raise AssertionError(account_id)


async def system_accounts_on(world: World, demo: Demo) -> list[str]:
    """Return whose system accounts are on, of those under a producer."""
    return sorted(
        each["externalId"].rpartition("/")[2]
        for each in await world.outside("account_system")
        if f"/{demo.entry.org_number}/" in (each.get("externalId") or "") and each["active"]
    )


async def test_a_further_data_set_asks_only_for_what_is_lacking(world: World) -> None:
    """Supplement by the difference, decision, signature, register, own keys; a case of its own."""
    demo = world.demo()
    assert await rehearsals.adding_dataset(demo)
    view = await demo.view()
    assert view["stage"] == "connected"
    assert view["number"] != view["details"].get("case_number")
    agreement = await demo.view(f"agreement/{demo.entry.org_number}")
    assert set(agreement["details"]["granted"]) == {"detaljplan", "byggnad"}
    registered = [
        each
        for each in await world.outside("agreement_register")
        if each["org_number"] == demo.entry.org_number
    ]
    assert {each["kind"] for each in registered} == {"producer", "processing"}


async def test_an_agent_has_its_own_right_beside_the_producers(world: World) -> None:
    """Own account and keys, on for as long as the appointment; the producer's stay as they are."""
    demo = world.demo()
    assert await rehearsals.agent(demo)
    assert await system_accounts_on(world, demo) == [demo.entry.org_number]
    assert await demo.count("keys") == ONE_EACH
    dataset = await demo.view(f"dataset/{demo.entry.org_number}/detaljplan")
    assert dataset["stage"] == "connected"


async def test_a_contact_leaves_and_delivery_is_never_cut(world: World) -> None:
    """The account is off at midnight; the successor has the role and new keys, one of each."""
    demo = world.demo()
    assert await rehearsals.departure(demo)
    view = await demo.view()
    gone = view["details"]["contact"]["account_id"]
    assert (await account(world, gone))["active"] is False
    assert await demo.count("keys") == ONE_EACH
    assert await demo.count("applications") == ONE_EACH


async def test_keys_are_changed_after_a_year(world: World) -> None:
    """One application and one living key each, before and after; the old key is refused."""
    demo = world.demo()
    assert await rehearsals.rotation(demo)
    assert await demo.count("keys") == ONE_EACH


async def test_notice_ends_everything_under_the_agreement(world: World) -> None:
    """Keys first, then accounts, then the register; the key gets no token any more."""
    demo = world.demo()
    assert await rehearsals.notice(demo)
    assert await demo.count("applications") == NONE
    assert await system_accounts_on(world, demo) == []
    registered = [
        each
        for each in await world.outside("agreement_register")
        if each["org_number"] == demo.entry.org_number
    ]
    assert [each["status"] for each in registered] == ["ended"]


async def test_an_appeal_changes_a_denial(world: World) -> None:
    """In time, reconsidered, countersigned and connected."""
    assert await rehearsals.appeal(world.demo())


async def test_an_outage_costs_nothing_but_time(world: World) -> None:
    """The cause shows, people are served, and the key is made once when the portal is well."""
    demo = world.demo()
    assert await rehearsals.outage(demo)
    assert await demo.count("keys") == ONE_EACH


async def test_reconciliation_revokes_what_nobody_is_entitled_to(world: World) -> None:
    """A stray key of ours ends after two looks; a foreign one is left alone."""
    demo = world.demo()
    assert await rehearsals.reconciliation(demo)
    assert await demo.count("keys") == ONE_EACH


async def test_a_producer_connected_before_keeps_its_key(world: World) -> None:
    """Agreement, data set, permission and live key are here; the key is the one it had."""
    demo = world.demo()
    assert await rehearsals.adopted(demo)
    assert (await demo.count("keys"))["production"] == 1
    view = await demo.view(demo.part("permission", demo.entry.org_number))
    assert view["stage"] == "active"
