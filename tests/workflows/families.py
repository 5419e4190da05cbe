"""Producers with everything under them, taken over from a file: sooner there than onboarded."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from commands import rehearsals
from commands.demo import Deliverer, Demo
from commands.opening import open_agent
from domain.act import Actor, Role
from domain.dates import STOCKHOLM, local_date
from tests.world import World

PATIENCE_SECONDS = 60.0


def today() -> date:
    """Return the day in Sweden."""
    return local_date(datetime.now(UTC))


def hours_to_midnight() -> float:
    """Return how long it is until the day has ended in Sweden, in hours of 60 minutes."""
    now = datetime.now(STOCKHOLM)
    end = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), STOCKHOLM)
    return (end.astimezone(UTC) - now.astimezone(UTC)).total_seconds() / 3600


async def connected(world: World) -> Demo:
    """Return a producer whose data set is connected and whose contact's account is on."""
    demo = world.demo()
    assert await rehearsals.adopted(demo)
    await activated(demo, await rehearsals.person_of(demo), demo.contact)
    return demo


async def activated(demo: Demo, ref: str, actor: Actor) -> None:
    """Let a person activate the own account, unless it is on."""
    view = await demo.until("the person", lambda v: bool(v["stage"]), ref, whole=False)
    if view["stage"] == "invited":
        await demo.act(actor, "activate_account", {}, ref)
        await demo.until("an active person", lambda v: v["stage"] != "invited", ref, whole=False)


def person(demo: Demo, name: str) -> dict[str, str]:
    """Return a person of a producer, by name and address."""
    local = name.lower().replace(" ", ".")
    return {"name": name, "email": f"{local}@org-{demo.entry.org_number}.example"}


def as_contact(demo: Demo, who: dict[str, str]) -> Actor:
    """Return a person as the producer's contact who is logged in."""
    return Actor(
        subject=who["email"],
        name=who["name"],
        role=Role.PRODUCER_CONTACT,
        organisation=demo.entry.org_number,
    )


async def named(demo: Demo, ref: str, role: str, who: dict[str, str]) -> str:
    """Wait until a successor's account is known to the person who leaves; returns its ref."""

    def found(view: dict[str, Any]) -> bool:
        given = view["details"]["successors"].get(role, {}).get("person", {})
        return bool(given.get("account_id")) and given["email"] == who["email"]

    view = await demo.until("the successor's account", found, ref, whole=False)
    account_id = view["details"]["successors"][role]["person"]["account_id"]
    return f"person/{account_id}"


async def appointed(demo: Demo, deliverer: Deliverer, **changes: Any) -> str:
    """Appoint an agent and let it be active; returns the appointment's id."""
    application: dict[str, Any] = {
        "organisation": {"org_number": demo.entry.org_number},
        "agent": {"org_number": deliverer.org_number, "name": "Konsult AB"},
        "contact": {"name": deliverer.actor.name, "email": deliverer.email},
        "datasets": [{"dataset_id": demo.dataset_id}],
        "valid_from": today().isoformat(),
        "valid_to": (today() + timedelta(days=364)).isoformat(),
        "agreement_exists": True,
        "acknowledgement": True,
    } | changes
    ref, _ = await open_agent(demo.context, application, demo.contact)
    await rehearsals.activate(demo, ref, deliverer)
    await demo.open_step("accept_appointment", ref)
    number = ref.rpartition("/")[2]
    actor = deliverer.actor.model_copy(update={"organisation": number})
    await demo.act(actor, "accept_appointment", {}, ref)

    def is_answered(view: dict[str, Any]) -> bool:
        names = [step["name"] for step in view["open_steps"]]
        return view["stage"] == "active" or "approve_agent" in names

    view = await demo.until("the approval", is_answered, ref, whole=False)
    if view["stage"] != "active":
        await demo.act("case_handler", "approve_agent", {}, ref)
        await demo.stage("active", ref=ref)
    return ref


async def account(world: World, ref: str) -> dict[str, Any]:
    """Return the account of a person's access, as the account system holds it."""
    account_id = ref.rpartition("/")[2]
    (found,) = [each for each in await world.outside("account_system") if each["id"] == account_id]
    return dict(found)
