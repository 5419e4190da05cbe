"""The agent's person does not handle the case, however the two would come together."""

from collections.abc import Iterable
from dataclasses import replace

from domain.act import Actor, Refusal, Role, refuse
from domain.appointment_state import AppointmentState
from domain.everyday import ASSIGN, Assign
from domain.machine import Moment, Step
from domain.state import Person


def handlers_of(state: AppointmentState, actor: Actor) -> set[str]:
    """Return who handles the case, an actor who is doing so among them."""
    acting = {actor.subject} if actor.role is Role.CASE_HANDLER else set()
    return acting | ({state.handler} if state.handler else set())


def handler_as_agent_refusal(
    person: Person | None, handlers: Iterable[str], *, field: str
) -> Refusal | None:
    """Refuse a handler of the case as the agent's person."""
    if person is None or not any(person.goes_by(each) for each in handlers):
        return None
    return refuse(
        "handler_as_agent",
        "Den som handlägger ärendet kan inte vara ombudets kontaktperson.",
        "Who handles the case cannot be the agent's contact.",
        field,
    )


def _assign_refusal(
    state: AppointmentState, payload: Assign, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return handler_as_agent_refusal(state.agent_contact, [payload.handler], field="handler")


_EVERYDAY_ASSIGN: Step[AppointmentState] = ASSIGN
ASSIGN_BUT_THE_AGENT: Step[AppointmentState] = replace(_EVERYDAY_ASSIGN, check=_assign_refusal)
