"""What happens by itself, on the day it should, with time skipped on the real server."""

from datetime import timedelta

import httpx

from commands.demo import Demo
from commands.scenarios import standard
from tests.world import World


async def _mails(world: World, demo: Demo, containing: str) -> int:
    async with httpx.AsyncClient() as http:
        url = f"{world.addresses['mail']}/messages"
        mails = (await http.get(url, params={"to": demo.email})).json()
    return len([mail for mail in mails if containing in mail["subject"]])


async def test_reminders_go_out_after_7_and_14_days(world: World) -> None:
    """Nobody hands in the agreement: two reminders, then the handler is told at 30 days."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    await world.forward(demo.ref, days=8)
    await demo.until("one reminder", lambda v: len(v["upcoming"]) == 2, demo.ref)
    await world.forward(demo.ref, days=30)
    view = await demo.until("all told", lambda v: not v["upcoming"], demo.ref)

    assert "producer" == view["waiting"]["on"]
    assert "agreement" == view["stage"]
    for _ in range(100):
        if await _mails(world, demo, "påminnelse") == 2:
            break
        await demo.view()
    assert 2 == await _mails(world, demo, "påminnelse")


async def test_a_key_not_fetched_in_seven_days_is_offered_anew(world: World) -> None:
    """The offer is withdrawn after seven days, the key gets a new secret and is offered again."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    first = await demo.stage("offered", ref=ref)

    await world.forward(ref, days=7, minutes=1)
    second = await demo.until(
        "a new offer",
        lambda v: (
            v["stage"] == "offered" and v["details"]["offer_id"] != first["details"]["offer_id"]
        ),
        ref,
    )
    assert 2 == second["details"]["generation"]
    assert 1 == (await demo.count("keys"))["verification"]


async def test_a_right_ends_at_its_midnight_whatever_else(world: World) -> None:
    """An end set by a handler revokes the keys first, then the account, at that instant."""
    demo = world.demo()
    await standard(demo)
    ref = demo.part("permission", demo.entry.org_number)
    now = await world.skipper.get_current_time(world.handle(ref))
    at = (now + timedelta(days=3)).isoformat()
    payload = {"reason": "Uppdraget är slut.", "at": at}
    await demo.act("case_handler", "end_permission", payload, ref)

    await world.forward(ref, days=2)
    assert "active" == (await demo.view(ref))["stage"]
    await world.forward(ref, days=1, minutes=1)
    view = await demo.stage("ended", ref=ref)
    assert "expired" == view["outcome"]
    assert {"verification": 0, "production": 0} == await demo.count("keys")
