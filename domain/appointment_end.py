"""The end of an appointment by either party: at once, or on a last day that is told before."""

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Refusal, refuse
from domain.appointment_state import AGENT, AppointmentState, is_active
from domain.fields import Day, FreeText
from domain.machine import Moment, Payload, Step
from domain.text import Text


class EndAppointment(Payload):
    """Why an appointment ends, and its last day; at once when none is given."""

    reason: FreeText = Field(min_length=1)
    last_day: Day | None = None


def _end_on(state: AppointmentState, payload: EndAppointment, outcome: str, moment: Moment) -> None:
    state.last_day_outcome = outcome
    if payload.last_day is not None and payload.last_day >= moment.today:
        state.last_day = payload.last_day
        return
    state.end(outcome)
    what = {"reason": payload.reason}
    state.notify("appointment_ended", state.agent_contact, state.acting, what=what)


def _end_refusal(state: AppointmentState, payload: EndAppointment, outcome: str) -> Refusal | None:
    """Each may end it sooner; a day that the other has set is not put off."""
    if state.last_day is None or state.last_day_outcome == outcome:
        return None
    if payload.last_day is None or payload.last_day <= state.last_day:
        return None
    return refuse(
        "ends_before",
        f"Den andra parten har redan bestämt att uppdraget slutar {state.last_day}.",
        f"The other party has said already that the appointment ends on {state.last_day}.",
        "last_day",
    )


def _revoke_refusal(
    state: AppointmentState, payload: EndAppointment, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return _end_refusal(state, payload, "revoked")


def _leave_refusal(
    state: AppointmentState, payload: EndAppointment, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return _end_refusal(state, payload, "left")


def _revoke(state: AppointmentState, payload: EndAppointment, actor: Actor, moment: Moment) -> None:
    del actor
    _end_on(state, payload, "revoked", moment)


def _leave(state: AppointmentState, payload: EndAppointment, actor: Actor, moment: Moment) -> None:
    del actor
    _end_on(state, payload, "left", moment)


def _has_accepted(state: AppointmentState, moment: Moment) -> bool:
    del moment
    return state.stage in {"accepted", "active"}


STEPS: tuple[Step[AppointmentState], ...] = (
    Step(
        name="revoke_agent",
        payload=EndAppointment,
        who=CONTACT | HANDLER,
        is_open=is_active,
        check=_revoke_refusal,
        do=_revoke,
        help=Text(sv="Återkalla ombudets uppdrag.", en="Revoke the agent's appointment."),
    ),
    Step(
        name="leave_appointment",
        payload=EndAppointment,
        who=AGENT,
        is_open=_has_accepted,
        check=_leave_refusal,
        do=_leave,
        help=Text(sv="Lämna uppdraget som ombud.", en="Leave the appointment."),
    ),
)
