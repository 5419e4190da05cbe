"""Life after the onboarding, on the real server, against the simulated outside world."""

import json
from datetime import datetime
from typing import Any

from commands.demo import Demo
from commands.playing import run_demo
from tests.world import World

NONE = {"verification": 0, "production": 0}
ONE_EACH = {"verification": 1, "production": 1}
ONE_RIGHT = ["credential", "credential", "permission"]
OLD_SECRETS = ["credential", "credential"]
HOUR = 3600
STRAY = "credential/212000-0001/detaljplan/212000-0001/production"


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


async def played(world: World, scenario: str) -> tuple[Demo, dict[str, Any]]:
    """Play a scenario as the command line does; returns the producer and the last line."""
    demo = world.demo()
    number = demo.entry.org_number
    result = await run_demo(world.context, world.addresses, scenario, number)
    assert result["passed"], result
    assert result["organisation"] == number
    line: dict[str, Any] = json.loads(json.dumps(result))
    for each in line["shut_offs"]:
        assert each["seconds"] is not None, each
        assert 0 <= each["seconds"] < HOUR, each  # not the time that was skipped
        assert datetime.fromisoformat(each["due"]).tzinfo is not None
    return demo, line


def shut(line: dict[str, Any]) -> list[str]:
    """Return what was shut off: the type of each, in order of type."""
    return sorted(each["ref"].partition("/")[0] for each in line["shut_offs"])


async def test_a_further_data_set_asks_only_for_what_is_lacking(world: World) -> None:
    """Supplement by the difference, decision, signature, register, own keys; a case of its own."""
    demo, line = await played(world, "adding-dataset")
    assert (line["outcome"], line["token"]) == ("connected", True)
    assert line["keys"] == line["applications"] == {"verification": 2, "production": 2}
    assert (line["accounts"], shut(line)) == ({"on": 3, "off": 0}, [])
    view = await demo.view(f"dataset/{demo.entry.org_number}/byggnad")
    assert (view["number"], view["stage"]) == (line["case"], "connected")
    assert line["case"] != (await demo.view())["number"]
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
    demo, line = await played(world, "agent")
    assert (line["outcome"], line["token"]) == ("expired", False)  # the agent's key
    assert line["keys"] == line["applications"] == ONE_EACH
    assert (line["accounts"], shut(line)) == ({"on": 2, "off": 1}, ONE_RIGHT)
    assert await system_accounts_on(world, demo) == [demo.entry.org_number]
    dataset = await demo.view(f"dataset/{demo.entry.org_number}/detaljplan")
    assert dataset["stage"] == "connected"


async def test_a_contact_leaves_and_delivery_is_never_cut(world: World) -> None:
    """The account is off at midnight; the successor has the role and new keys, one of each."""
    demo, line = await played(world, "departure")
    assert (line["outcome"], line["token"]) == ("left", True)
    assert line["keys"] == line["applications"] == ONE_EACH
    assert (line["accounts"], shut(line)) == ({"on": 2, "off": 1}, [*OLD_SECRETS, "person"])
    view = await demo.view()
    gone = view["details"]["contact"]["account_id"]
    assert (await account(world, gone))["active"] is False


async def test_keys_are_changed_after_a_year(world: World) -> None:
    """One application and one living key each, before and after; the old key is refused."""
    _, line = await played(world, "rotation")
    assert (line["outcome"], line["token"]) == ("live", True)
    assert line["keys"] == line["applications"] == ONE_EACH
    assert (line["accounts"], shut(line)) == ({"on": 2, "off": 0}, OLD_SECRETS)


async def test_notice_ends_everything_under_the_agreement(world: World) -> None:
    """Keys first, then accounts, then the register; the key gets no token any more."""
    demo, line = await played(world, "notice")
    assert (line["outcome"], line["token"]) == ("notice", False)
    assert line["keys"] == line["applications"] == NONE
    assert (line["accounts"], shut(line)) == ({"on": 1, "off": 1}, ONE_RIGHT)
    assert await system_accounts_on(world, demo) == []
    registered = [
        each
        for each in await world.outside("agreement_register")
        if each["org_number"] == demo.entry.org_number
    ]
    assert [each["status"] for each in registered] == ["ended"]


async def test_an_appeal_changes_a_denial(world: World) -> None:
    """In time, reconsidered, countersigned and connected."""
    _, line = await played(world, "appeal")
    assert (line["outcome"], line["token"]) == ("connected", True)
    assert line["keys"] == line["applications"] == ONE_EACH
    assert (line["accounts"], shut(line)) == ({"on": 2, "off": 0}, [])


async def test_an_outage_costs_nothing_but_time(world: World) -> None:
    """The cause shows, people are served, and the key is made once when the portal is well."""
    _, line = await played(world, "outage")
    assert (line["outcome"], line["token"]) == ("connected", True)
    assert line["keys"] == line["applications"] == ONE_EACH
    assert (line["accounts"], shut(line)) == ({"on": 2, "off": 0}, [])


async def test_reconciliation_revokes_what_nobody_is_entitled_to(world: World) -> None:
    """A stray key of ours ends after two looks; a foreign one is left alone."""
    _, line = await played(world, "reconciliation")
    assert (line["outcome"], line["token"]) == ("dealt_with", True)
    assert line["keys"] == line["applications"] == ONE_EACH
    assert line["accounts"] == {"on": 2, "off": 0}
    assert [each["ref"] for each in line["shut_offs"]] == [STRAY]


async def test_a_producer_connected_before_keeps_its_key(world: World) -> None:
    """Agreement, data set, permission and live key are here; the key is the one it had."""
    demo, line = await played(world, "adopted")
    assert (line["outcome"], line["token"]) == ("connected", True)
    assert (line["keys"]["production"], line["applications"]["production"]) == (1, 1)
    assert (line["accounts"], shut(line)) == ({"on": 1, "off": 1}, [])  # the contact is invited
    view = await demo.view(demo.part("permission", demo.entry.org_number))
    assert view["stage"] == "active"
