"""Taking steps and opening cases, for the command line and the demo."""

import uuid
from typing import Any

from commands.context import CommandError, Context
from commands.people import actor_of
from domain.act import Actor
from domain.machines import MACHINES
from domain.people import person_id
from records import cases, views
from runtime.acting import send_step


async def target_of(context: Context, ref: str, step: str) -> str:
    """Return the workflow that a step is meant for: the ref itself, or the one part that knows it.

    Raises:
        CommandError: nothing or more than one thing knows the step.
    """
    workflow_id = await context.workflow_id(ref)
    row = await cases.find(context.pool, workflow_id)
    if row is None or MACHINES[row["type"]].step(step) is not None:
        return workflow_id
    parts = await cases.parts_of(context.pool, workflow_id) + await _people_of(context, row)
    fitting = [
        part["workflow_id"]
        for part in parts
        if part["ended_at"] is None
        and any(each["name"] == step for each in part["view"]["open_steps"])
    ]
    if len(fitting) == 1:
        return str(fitting[0])
    if fitting:
        found = ", ".join(map(str, fitting))
        raise CommandError(
            f"Steget {step} är öppet på flera ställen. Ange vilket: {found} / "
            f"The step {step} is open in several places. Say in which: {found}"
        )
    views = [row["view"], *(part["view"] for part in parts if part["ended_at"] is None)]
    names = dict.fromkeys(each["name"] for view in views for each in view["open_steps"])
    found = ", ".join(names) or "–"
    raise CommandError(
        f"Steget {step} finns inte i {ref}, eller är inte öppet nu. Öppet nu: {found} / "
        f"There is no step {step} in {ref}, or it is not open now. Open now: {found}"
    )


async def _people_of(context: Context, row: cases.Row) -> list[cases.Row]:
    """Return the access of the people in a case: it belongs to no case, but is shown in each."""
    named = [row["view"]["details"].get(role) or {} for role in ("contact", "deputy")]
    refs = [person_id(person["account_id"]) for person in named if person.get("account_id")]
    found = [await cases.find(context.pool, ref) for ref in refs]
    return [each for each in found if each is not None]


async def take_step(
    context: Context,
    ref: str,
    step: str,
    payload: dict[str, Any],
    *,
    as_: str | Actor,
    request_id: str | None = None,
    by_post: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Take a step as somebody and return its receipt."""
    workflow_id = await target_of(context, ref, step)
    actor = (
        as_
        if isinstance(as_, Actor)
        else await actor_of(context, as_, workflow_id, by_post=by_post)
    )
    request = {
        "request_id": request_id or str(uuid.uuid4()),
        "actor": actor.model_dump(mode="json"),
        "payload": payload,
    }
    return await send_step(context.client, workflow_id, step, request)


async def view_of(context: Context, ref: str) -> dict[str, Any]:
    """Return the whole view of a case.

    Raises:
        CommandError: there is none.
    """
    view = await views.view(context.pool, ref)
    if view is None:
        raise CommandError(f"Det finns inget {ref}. / There is no {ref}.")
    return view
