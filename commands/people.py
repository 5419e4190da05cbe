"""Who a command acts as: `--as ROLE[:PERSON]`. In development each role has a ready-made person."""

import getpass
import os
from dataclasses import asdict
from typing import Any

from commands.context import CommandError, Context
from commands.options import ByPost
from commands.standing import standing
from domain.act import CONTACT, Actor, Role

READY_MADE = {
    Role.CASE_HANDLER: ("hanna.handlaggare", "Hanna Handläggare"),
    Role.DECIDER: ("david.beslut", "David Beslut"),
    Role.SIGNATORY: ("stina.underskrift", "Stina Underskrift"),
    Role.AUDITOR: ("alva.revisor", "Alva Revisor"),
    Role.OPERATOR: ("oskar.drift", "Oskar Drift"),
}
OUTSIDE = {*CONTACT, Role.AGENT_CONTACT, Role.PRODUCER_MEMBER}


def parse_as(text: str) -> tuple[Role, str | None]:
    """Read `ROLE[:PERSON]`."""
    role, _, person = text.partition(":")
    try:
        return Role(role), person or None
    except ValueError:
        roles = ", ".join(each for each in Role if each is not Role.SYSTEM)
        raise CommandError(f"Okänd roll / unknown role {role!r}. {roles}") from None


def refuse_outside_development(context: Context) -> None:
    """Refuse to act as whoever was typed where that is not a game.

    Raises:
        CommandError: it is not the development environment.
    """
    if context.settings.environment != "development":
        raise CommandError("--as finns bara i utveckling. / --as exists in development only.")


def staff_here(context: Context, role: Role) -> Actor:
    """Return who runs a command for many cases at once: one of ours, by the machine's login."""
    if context.settings.environment == "development":
        subject, name = READY_MADE[role]
        return Actor(subject=subject, name=name, role=role)
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        login = f"uid {os.getuid()}"
    return Actor(subject=login, name=login, role=role)


async def actor_of(
    context: Context, as_: str, ref: str | None, *, by_post: ByPost | None = None
) -> Actor:
    """Return the actor of `--as`; the producer's people are taken from the case.

    Raises:
        CommandError: outside development, or when it is not clear who is meant.
    """
    refuse_outside_development(context)
    role, person = parse_as(as_)
    if role not in OUTSIDE:
        subject, name = READY_MADE[role]
        subject, name = (person, person) if person else (subject, name)
        post = asdict(by_post) if by_post and role is Role.CASE_HANDLER else {}
        return Actor(subject=subject, name=name, role=role, **post)
    known = await _person_in(context, role, ref)
    if person is not None and (known is None or person not in known.values()):
        known = {"subject": person, "name": person} | _organisation(known)
    if known is None:
        raise CommandError(
            f"Ange vem, till exempel / say who, for example: --as {role}:anna@kommun.example"
        )
    return Actor(
        subject=known["subject"], name=known["name"], role=role, organisation=known["organisation"]
    )


def _organisation(known: dict[str, str] | None) -> dict[str, Any]:
    return {"organisation": known["organisation"] if known else None}


async def _person_in(context: Context, role: Role, ref: str | None) -> dict[str, Any] | None:
    view = await standing(context, ref) if ref else None
    if view is None:
        return None
    details = view["details"]
    names = ["deputy"] if role is Role.PRODUCER_DEPUTY else ["contact", "holder", "person"]
    for name in names:
        person = details.get(name)
        if person:
            return {
                "subject": person.get("account_id") or person["email"],
                "name": person["name"],
                "email": person["email"],
                "organisation": details.get("party") or view["organisation"]["org_number"],
            }
    return None
