"""Taking steps and opening cases, for the command line and the demo."""

import uuid
from typing import Any

from commands.context import CommandError, Context
from commands.options import ByPost
from commands.people import actor_of
from commands.standing import open_below, standing
from domain.act import Actor
from domain.machines import MACHINES
from records import views
from runtime.acting import send_step


async def target_of(context: Context, ref: str, step: str) -> str:
    """Return the workflow that a step is meant for: the ref itself, or the one part that knows it.

    Raises:
        CommandError: nothing or more than one thing knows the step.
    """
    workflow_id = await context.workflow_id(ref)
    view = await standing(context, workflow_id)
    if view is None or MACHINES[view["type"]].step(step) is not None:
        return workflow_id
    below = await open_below(context, view)
    fitting = [
        part["ref"] for part in below if any(each["name"] == step for each in part["open_steps"])
    ]
    if len(fitting) == 1:
        return str(fitting[0])
    if fitting:
        found = ", ".join(map(str, fitting))
        raise CommandError(
            f"Steget {step} är öppet på flera ställen. Ange vilket: {found} / "
            f"The step {step} is open in several places. Say in which: {found}"
        )
    names = dict.fromkeys(each["name"] for one in (view, *below) for each in one["open_steps"])
    found = ", ".join(names) or "–"
    raise CommandError(
        f"Steget {step} finns inte i {ref}, eller är inte öppet nu. Öppet nu: {found} / "
        f"There is no step {step} in {ref}, or it is not open now. Open now: {found}"
    )


async def take_step(
    context: Context,
    ref: str,
    step: str,
    payload: dict[str, Any],
    *,
    as_: str | Actor,
    request_id: str | None = None,
    by_post: ByPost | None = None,
) -> dict[str, Any]:
    """Take a step as somebody and return its receipt; the records are not needed for it."""
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
