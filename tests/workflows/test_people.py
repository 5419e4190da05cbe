"""People who leave, on the real server: the day rules, and nothing is left with their accounts."""

import asyncio
import csv
import io
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from commands import by_hand, rehearsals
from commands.context import CommandError
from commands.demo import Deliverer, Demo
from commands.departures import departures
from commands.opening import open_dataset
from domain.act import Actor, Role
from tests.workflows.families import (
    PATIENCE_SECONDS,
    account,
    activated,
    appointed,
    as_contact,
    connected,
    hours_to_midnight,
    named,
    person,
    today,
)
from tests.world import World


async def _leaves(demo: Demo, ref: str, last_day: str, **to: dict[str, str]) -> None:
    """Schedule a departure as the contact, with who takes over which role."""
    successors = [{"role": role, "person": who} for role, who in to.items()]
    wanted = {"last_day": last_day, "successors": successors}
    await demo.act(demo.contact, "schedule_departure", wanted, ref)


async def _contact_is(demo: Demo, ref: str, who: dict[str, str] | None) -> dict[str, Any]:
    email = who["email"] if who else None
    return await demo.until(
        f"the contact {email}",
        lambda v: (v["details"].get("contact") or {}).get("email") == email,
        ref,
        whole=False,
    )


async def _everything_with(world: World, account_id: str) -> list[str]:
    """Return what is open and names an account among those who may act or fetch there now."""
    roles = ["contact", "deputy", "agent_contact", "holder", "offered_to"]
    rows = await world.context.pool.fetch(
        "select workflow_id from cases where stage not in ('ending', 'ended') and exists"
        " (select from unnest($2::text[]) as role"
        " where view->'details'->role->>'account_id' = $1)",
        account_id,
        roles,
    )
    return [row["workflow_id"] for row in rows]


async def _nothing_with(world: World, account_id: str) -> None:
    """Wait until nothing that is open names an account: words to parts take their time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := await _everything_with(world, account_id):
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.1)


async def test_two_leave_the_same_day_of_whom_one_was_to_succeed(world: World) -> None:
    """Neither takes over from the other: both are off, and a handler is to name a contact."""
    demo = await connected(world)
    anna, eva = await rehearsals.person_of(demo), person(demo, "Eva Ek")
    await _leaves(demo, anna, today().isoformat(), contact=eva)
    evas = await named(demo, anna, "contact", eva)
    await activated(demo, evas, as_contact(demo, eva))
    await _leaves(demo, evas, today().isoformat())
    await demo.until("nobody", lambda v: not v["details"]["successors"], anna, whole=False)

    for ref in (anna, evas):
        await world.forward(ref, days=1)
        assert (await demo.stage("ended", ref=ref))["outcome"] == "left"
        assert not (await account(world, ref))["active"]
        await _nothing_with(world, ref.partition("/")[2])
    view = await _contact_is(demo, f"agreement/{demo.entry.org_number}", None)
    assert ("case_handler", "name_contact") in [(w["on"], w["rule"]) for w in view["waits"]]
    assert (await demo.view())["stage"] == "connected"


async def test_everything_is_handed_over_although_the_first_successor_left_before(
    world: World,
) -> None:
    """Contact in three cases and agent's contact in two appointments: all with who was named last.

    The first to be named leaves before the day; the handler hears of it and another is named.
    """
    demo, *neighbours = [await connected(world) for _ in range(3)]
    anna, number = await rehearsals.person_of(demo), demo.entry.org_number
    assert f"agreement/{number}" in await _everything_with(world, anna.partition("/")[2])
    cases = [await _adds(demo, name) for name in ("byggnad", "oversiktsplan")]
    agent = Deliverer(number, _agents(demo, demo.email))
    appointments = [await appointed(each, agent) for each in neighbours]
    eva, bo = person(demo, "Eva Ek"), person(demo, "Bo Berg")
    await _leaves(demo, anna, today().isoformat(), contact=eva, agent_contact=eva)
    evas = await named(demo, anna, "agent_contact", eva)
    await named(demo, anna, "contact", eva)
    yesterday = (today() - timedelta(days=1)).isoformat()
    await _leaves(demo, evas, yesterday)
    await demo.until("nobody", lambda v: not v["details"]["successors"], anna, whole=False)
    for role in ("contact", "agent_contact"):
        await demo.act(demo.contact, "name_successor", {"role": role, "person": bo}, anna)
        bos = await named(demo, anna, role, bo)
    await activated(demo, bos, as_contact(demo, bo))
    await demo.until(
        "an active successor",
        lambda v: all(each["person"]["active"] for each in v["details"]["successors"].values()),
        anna,
        whole=False,
    )

    await world.forward(anna, days=1)
    assert (await demo.stage("ended", ref=anna))["outcome"] == "left"
    assert not (await account(world, anna))["active"]
    for ref in (f"agreement/{number}", *cases):
        await _contact_is(demo, ref, bo)
    for ref in appointments:
        view = await demo.view(ref)
        assert (view["stage"], view["details"]["agent_contact"]["email"]) == ("active", bo["email"])
    await _nothing_with(world, anna.partition("/")[2])
    assert (await account(world, bos))["active"]


async def _adds(demo: Demo, dataset_id: str) -> str:
    """Open a further data set and let it come to the handler; returns its ref."""
    ref, _ = await open_dataset(
        demo.context,
        {
            "organisation": {"org_number": demo.entry.org_number},
            "datasets": [demo.declaration(dataset_id)],
        },
        demo.contact,
    )
    await demo.stage("assessment", ref=ref)
    return ref


def _agents(demo: Demo, email: str) -> Actor:
    return Actor(
        subject=email,
        name="Anna Lind",
        role=Role.AGENT_CONTACT,
        organisation=demo.entry.org_number,
    )


async def test_a_departure_is_called_off_an_hour_before(world: World) -> None:
    """The account stays on, and so do contact and keys, when the day has passed."""
    demo = await connected(world)
    anna, eva = await rehearsals.person_of(demo), person(demo, "Eva Ek")
    await _leaves(demo, anna, today().isoformat(), contact=eva)
    evas = await named(demo, anna, "contact", eva)
    await world.forward(anna, hours=hours_to_midnight() - 1)
    await demo.act(demo.contact, "cancel_departure", {}, anna)
    await world.forward(anna, days=3)

    assert (await demo.stage("active", ref=anna))["details"].get("last_day") is None
    assert (await account(world, anna))["active"]
    await _contact_is(demo, f"agreement/{demo.entry.org_number}", {"email": demo.email})
    assert (await demo.stage("ended", ref=evas))["outcome"] == "lapsed"
    assert await by_hand.takes_token(demo, demo.keys["production"])


async def test_a_contact_gives_the_role_up_and_stays(world: World) -> None:
    """The successor has role and key, the old key ends; the account and its other duties stay."""
    demo = await connected(world)
    anna, eva = await rehearsals.person_of(demo), person(demo, "Eva Ek")
    old, key = demo.keys["production"], demo.part("credential", demo.entry.org_number, "production")
    tomorrow = (today() + timedelta(days=1)).isoformat()
    await demo.act(demo.contact, "change_duties", {"roles": ["contact"], "from": tomorrow}, anna)
    await demo.act(demo.contact, "name_successor", {"role": "contact", "person": eva}, anna)
    await activated(demo, await named(demo, anna, "contact", eva), as_contact(demo, eva))
    await world.forward(anna, hours=hours_to_midnight() + 0.1)

    await _contact_is(demo, f"agreement/{demo.entry.org_number}", eva)
    await _nothing_with(world, anna.partition("/")[2])
    await demo.until("a rotation", lambda v: bool(v["details"].get("rotation")), key, whole=False)
    assert await by_hand.takes_token(demo, old)
    await rehearsals.renew(
        demo, "production", Deliverer(demo.entry.org_number, as_contact(demo, eva))
    )
    await demo.until("the old key's end", lambda v: not v["details"].get("rotation"), key)
    works = [await by_hand.takes_token(demo, each) for each in (old, demo.keys["production"])]
    assert works == [False, True]
    left = [f"dataset/{demo.entry.org_number}/{demo.dataset_id}/information_owner"]
    await demo.until(
        "what is left", lambda v: list(v["details"]["enrolments"]) == left, anna, whole=False
    )
    assert (await demo.view(anna))["stage"] == "active"
    assert (await account(world, anna))["active"]


async def test_a_last_day_in_the_past_ends_the_access_now(world: World) -> None:
    """No time passes: off, and everything let go of."""
    demo = await connected(world)
    anna = await rehearsals.person_of(demo)
    await _leaves(demo, anna, (today() - timedelta(days=30)).isoformat())
    assert (await demo.stage("ended", ref=anna))["outcome"] == "left"
    assert not (await account(world, anna))["active"]
    await _contact_is(demo, f"agreement/{demo.entry.org_number}", None)


async def test_an_account_that_was_off_already_is_no_error(world: World) -> None:
    """Whoever shut it off before us: the departure is confirmed, and nobody is troubled."""
    demo = await connected(world)
    anna = await rehearsals.person_of(demo)
    await world.adapters.accounts.set_person_active(anna.partition("/")[2], active=False)
    await _leaves(demo, anna, today().isoformat())
    await world.forward(anna, days=1)
    view = await demo.stage("ended", ref=anna)
    assert (view["outcome"], view["incidents"]) == ("left", [])
    assert not (await account(world, anna))["active"]


async def test_an_account_system_down_at_midnight(world: World) -> None:
    """Roles go over on time; the account goes off as soon as the system is back, by itself."""
    demo = await connected(world)
    anna, eva = await rehearsals.person_of(demo), person(demo, "Eva Ek")
    await _leaves(demo, anna, today().isoformat(), contact=eva)
    await activated(demo, await named(demo, anna, "contact", eva), as_contact(demo, eva))
    await world.fault("account_system", match="*", status=503)
    await world.forward(anna, hours=hours_to_midnight() + 0.1)
    await _contact_is(demo, f"agreement/{demo.entry.org_number}", eva)
    view = await demo.until("an incident", lambda v: bool(v["incidents"]), anna)
    assert (view["stage"], view["incidents"][0]["operation"]) == ("ending", "disable_person")
    assert (await account(world, anna))["active"]

    await world.heal("account_system")
    await world.forward(anna, seconds=31)
    view = await demo.stage("ended", ref=anna)
    assert view["incidents"] == []
    assert not (await account(world, anna))["active"]


def _report(path: Path) -> list[tuple[str, str]]:
    with path.with_suffix(".report.csv").open(encoding="utf-8", newline="") as file:
        return [(row["line"], row["result"]) for row in csv.DictReader(file)]


async def test_a_leaver_list_is_taken_once(world: World, tmp_path: Path) -> None:
    """Each line has a row in the report; a second run schedules nothing again."""
    demo, gone = [await connected(world) for _ in range(2)]
    anna, left = await rehearsals.person_of(demo), await rehearsals.person_of(gone)
    await _leaves(gone, left, (today() - timedelta(days=1)).isoformat())
    await gone.stage("ended", ref=left)
    day, eva = (today() + timedelta(days=20)).isoformat(), person(demo, "Eva Ek")
    path = tmp_path / "leavers.csv"
    lines = [
        "person,last_day,role,successor_name,successor_email",
        f"{demo.email},{day},contact,{eva['name']},{eva['email']}",
        f"{left.partition('/')[2]},{day},,,",
        f"nobody@org-{demo.entry.org_number}.example,{day},,,",
        f"{demo.email},nästa fredag,,,",
        f"{demo.email},{day[:-2]}01,king,{eva['name']},{eva['email']}",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")

    counts = await departures(world.context, path)
    assert counts == {"scheduled": 1, "already": 1, "unknown": 1, "refused": 2}
    rows = ["scheduled", "already", "unknown", "refused", "refused"]
    assert _report(path) == [(str(line), row) for line, row in enumerate(rows, start=2)]
    await named(demo, anna, "contact", eva)
    before = await world.state(anna)

    rows[0] = "already"
    await departures(world.context, path)
    assert _report(path) == [(str(line), row) for line, row in enumerate(rows, start=2)]
    assert before["last_day"] == day
    assert (await world.state(anna))["messages"] == before["messages"]


async def test_a_leaver_list_is_the_last_word(world: World, tmp_path: Path) -> None:
    """Handed in again after a change of plans, a line is taken again: `scheduled` is true."""
    demo = await connected(world)
    anna, eva = await rehearsals.person_of(demo), person(demo, "Eva Ek")
    first, second = ((today() + timedelta(days=days)).isoformat() for days in (20, 40))

    async def hands_in(day: str, result: str, to: dict[str, str] | None = None) -> None:
        path = tmp_path / "leavers.csv"
        who = f"contact,{to['name']},{to['email']}" if to else ",,"
        heading = "person,last_day,role,successor_name,successor_email"
        path.write_text(f"{heading}\n{demo.email},{day},{who}\n", "utf-8")
        assert await departures(world.context, path) == {result: 1}
        await demo.until(
            f"the last day {day}",
            lambda v: v["details"].get("last_day") == day,
            anna,
            whole=False,
        )

    await hands_in(first, "scheduled")
    await demo.act(demo.contact, "cancel_departure", {}, anna)
    await demo.until(
        "nothing scheduled", lambda v: not v["details"].get("last_day"), anna, whole=False
    )
    await hands_in(first, "scheduled")
    await hands_in(second, "scheduled")
    await hands_in(first, "scheduled")
    await hands_in(first, "already")
    await hands_in(first, "scheduled", eva)
    await named(demo, anna, "contact", eva)
    await hands_in(first, "already", eva | {"email": eva["email"].upper()})
    await hands_in(first, "already")
    assert list((await world.state(anna))["successors"]) == ["contact"]


async def test_a_list_that_lacks_a_column_is_refused_whole(world: World, tmp_path: Path) -> None:
    """Before any line is taken: the refusal names the column."""
    path = tmp_path / "wrong.csv"
    path.write_text("person,day\n", "utf-8")
    with pytest.raises(CommandError, match="last_day"):
        await departures(world.context, path)


async def test_a_leaver_list_shows_how_far_it_has_come(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, by line, beside what is written to the report."""
    path, shown = tmp_path / "leavers.csv", io.StringIO()
    path.write_text("person,last_day\n" + "nobody@kommun.example,2030-01-01\n" * 3, "utf-8")
    monkeypatch.setattr("commands.departures.STDERR", Console(file=shown, force_terminal=True))
    assert await departures(world.context, path) == {"unknown": 3}
    assert "departures" in shown.getvalue()
    assert "100%" in shown.getvalue()
