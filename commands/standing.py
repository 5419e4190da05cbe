"""How things stand, for whoever takes a step: by the records, or by the workflows without them."""

from typing import Any

from temporalio.service import RPCError

from commands.context import NO_RECORDS, Context
from domain.person_state import person_id
from records import cases
from runtime.asking import ask

View = dict[str, Any]


async def standing(context: Context, ref: str) -> View | None:
    """Return the view of a workflow; None when there is none."""
    try:
        row = await cases.find(context.pool, ref)
    except NO_RECORDS:
        return await _asked(context, ref)
    return row["view"] if row else None


async def open_below(context: Context, view: View) -> list[View]:
    """Return the views of what is open and belongs to a workflow, directly and below.

    The access of the people in a case is among them: it belongs to no case, but is shown in each.
    """
    try:
        parts = [row["view"] for row in await cases.parts_of(context.pool, view["ref"])]
    except NO_RECORDS:
        parts = await _asked_below(context, view)
    named = [view["details"].get(role) or {} for role in ("contact", "deputy")]
    refs = [person_id(person["account_id"]) for person in named if person.get("account_id")]
    people = [await standing(context, ref) for ref in refs]
    return [each for each in (*parts, *people) if each is not None and each["ended_at"] is None]


async def _asked(context: Context, ref: str) -> View | None:
    try:
        return await ask(context.client.get_workflow_handle(ref), "view")
    except RPCError:
        return None


async def _asked_below(context: Context, view: View) -> list[View]:
    refs = [part["ref"] for part in view["parts"] if not part["ended"]]
    parts = [part for ref in refs if (part := await _asked(context, ref)) is not None]
    return parts + [each for part in parts for each in await _asked_below(context, part)]
