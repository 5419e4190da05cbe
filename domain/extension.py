"""A longer appointment: asked for by either party, agreed by the producer, approved by policy."""

from collections.abc import Iterator

from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.appointment_state import AppointmentState, Extension, Mandate
from domain.everyday import Reason, not_in_past
from domain.fields import Day
from domain.machine import Moment, Payload, Step
from domain.state import Party, Wait
from domain.text import Text


class RequestExtension(Payload):
    """A later last day, with a new mandate where the old one ends before it."""

    valid_to: Day
    mandate: Mandate | None = None


class ApproveExtension(Payload):
    """The last day that is agreed to."""

    valid_to: Day


def _request(
    state: AppointmentState, payload: RequestExtension, actor: Actor, moment: Moment
) -> None:
    by_agent = actor.role is Role.AGENT_CONTACT
    state.extension = Extension(
        valid_to=payload.valid_to,
        mandate=payload.mandate,
        by_agent=by_agent,
        is_agreed=not by_agent,
    )
    what = {"due": payload.valid_to.isoformat()}
    if by_agent:
        state.notify("extension_requested", state.acting, what=what)
    else:
        _go_on(state, moment)


def _go_on(state: AppointmentState, moment: Moment) -> None:
    """Extend at once where no handler is to approve."""
    assert state.extension is not None
    what = {"due": state.extension.valid_to.isoformat()}
    if state.needs_approval(moment.policy):
        state.notify("extension_requested", Role.CASE_HANDLER, what=what)
    else:
        _extend(state)


def _extend(state: AppointmentState) -> None:
    assert state.extension is not None
    state.valid_to = state.extension.valid_to
    state.mandate = state.extension.mandate or state.mandate
    state.extension = None
    what = {"due": state.valid_to.isoformat()}
    state.notify("extended", state.agent_contact, state.acting, what=what)


def _request_refusal(
    state: AppointmentState, payload: RequestExtension, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    if state.valid_to is not None and payload.valid_to > state.valid_to:
        return not_in_past(payload.valid_to, moment, "valid_to")
    return refuse(
        "no_extension",
        f"Ange en dag efter {state.valid_to}, då uppdraget nu upphör.",
        f"Give a day after {state.valid_to}, when the appointment ends now.",
        "valid_to",
    )


def _approve(
    state: AppointmentState, payload: ApproveExtension, actor: Actor, moment: Moment
) -> None:
    assert state.extension is not None
    state.extension.valid_to = payload.valid_to
    if actor.role is Role.CASE_HANDLER and state.extension.is_agreed:
        _extend(state)
        return
    state.extension.is_agreed = True
    _go_on(state, moment)


def _answer_refusal(
    state: AppointmentState, payload: Payload, actor: Actor, moment: Moment
) -> Refusal | None:
    extension = state.extension
    assert extension is not None
    is_handlers = actor.role is Role.CASE_HANDLER and not actor.on_behalf_of
    if is_handlers is not extension.is_agreed:
        who = ("handläggaren", "the case handler") if extension.is_agreed else (
            "producenten", "the producer"
        )  # fmt: skip
        return refuse(
            "not_yours_to_answer",
            f"Förlängningen väntar nu på svar från {who[0]}.",
            f"The extension is now waiting for {who[1]} to answer.",
            "actor",
        )
    if not isinstance(payload, ApproveExtension):
        return None
    if payload.valid_to > extension.valid_to:
        return refuse(
            "later_than_asked",
            f"Förlängningen gäller som längst {extension.valid_to}.",
            f"The extension was asked for until {extension.valid_to} at most.",
            "valid_to",
        )
    return not_in_past(payload.valid_to, moment, "valid_to")


def _decline(state: AppointmentState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.extension = None
    what = {"reason": payload.reason}
    state.notify("extension_declined", state.agent_contact, state.acting, what=what)


def extension_waits(state: AppointmentState) -> Iterator[Wait]:
    """Yield who is to answer a request for extension."""
    if state.extension is None:
        return
    if state.extension.is_agreed:
        yield Wait(on=Party.CASE_HANDLER, rule="approve_extension")
    else:
        yield Wait(on=Party.PRODUCER, rule="approve_extension")


def _can_request(state: AppointmentState, moment: Moment) -> bool:
    del moment
    return state.stage == "active" and state.extension is None


def _is_asked(state: AppointmentState, moment: Moment) -> bool:
    del moment
    return state.stage == "active" and state.extension is not None


STEPS: tuple[Step[AppointmentState], ...] = (
    Step(
        name="request_extension",
        payload=RequestExtension,
        who=CONTACT | {Role.AGENT_CONTACT},
        is_open=_can_request,
        check=_request_refusal,
        do=_request,
        help=Text(sv="Begär att uppdraget förlängs.", en="Ask for a longer appointment."),
    ),
    Step(
        name="approve_extension",
        payload=ApproveExtension,
        who=CONTACT | HANDLER,
        is_open=_is_asked,
        check=_answer_refusal,
        do=_approve,
        help=Text(sv="Godkänn förlängningen.", en="Agree to the extension."),
    ),
    Step(
        name="decline_extension",
        payload=Reason,
        who=CONTACT | HANDLER,
        is_open=_is_asked,
        check=_answer_refusal,
        do=_decline,
        help=Text(sv="Avslå förlängningen.", en="Decline the extension."),
    ),
)
