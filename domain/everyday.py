"""The steps that every case has open until it ends (`process.md`, common steps)."""

from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from domain.act import CONTACT, DECIDER, HANDLER, OPERATOR, Actor, Refusal, Role, refuse
from domain.case import (
    CaseState,
    Completion,
    awaits_completion,
    is_case,
    is_completion_overdue,
    is_running,
)
from domain.fields import Day, FreeText, Name, PersonsEmail, Phone
from domain.machine import Moment, NoPayload, Payload, Step
from domain.people import give_role
from domain.reminders import due_day
from domain.state import OURS, OUTER, Person, State, Waiting
from domain.text import Text

BY_LAW = "decide_on_request"  # FL 12 § leaves no room to extend


class Assign(Payload):
    """Who handles the case, and the authority's own diary number."""

    handler: Name
    registry_number: str | None = Field(default=None, max_length=40)


class Note(Payload):
    """A note on the case."""

    text: FreeText = Field(min_length=1)
    visibility: Literal["internal", "shared"] = "internal"


class CompletionItem(Payload):
    """One thing to add, and where in which document."""

    what: FreeText = Field(min_length=1)
    place: str | None = Field(default=None, max_length=100)


class RequestCompletion(Payload):
    """What the producer is asked to add, and until when (FL 20 §)."""

    items: tuple[CompletionItem, ...] = Field(min_length=1)
    due: Day


class SubmitCompletion(Payload):
    """The producer's answer to a request for completion."""

    text: FreeText = ""
    documents: tuple[str, ...] = ()


class ExtendDeadline(Payload):
    """A later day for one of the deadlines that run."""

    deadline: str = Field(description="The rule of the wait, e.g. check_agreement")
    due: Day
    reason: FreeText = Field(min_length=1)


class Park(Payload):
    """Put the case aside until a day."""

    until: Day
    reason: FreeText = Field(min_length=1)


class NewPerson(Payload):
    """A person who takes a role."""

    name: Name
    email: PersonsEmail
    phone: Phone = ""


class Reason(Payload):
    """Why."""

    reason: FreeText = Field(min_length=1)


class OptionalReason(Payload):
    """Why, if the party wants to say."""

    reason: FreeText = ""


class Close(Payload):
    """Why the authority ends the case, and by which rules (FL 32 §)."""

    reason: FreeText = Field(min_length=1)
    legal_rules: tuple[FreeText, ...] = Field(min_length=1)


class RetryStep(Payload):
    """Which failing operation to try again at once; all of them when not said."""

    operation: str | None = None


def _assign(state: State, payload: Assign, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.handler = payload.handler
    state.registry_number = payload.registry_number or state.registry_number


def _noted(state: State, payload: Note, actor: Actor, moment: Moment) -> None:
    del state, payload, actor, moment  # the journal line is the note


def _note_refusal(state: State, payload: Note, actor: Actor, moment: Moment) -> Refusal | None:
    del state, moment
    if actor.role in CONTACT and payload.visibility != "shared":
        return refuse(
            "shared_only",
            "Era anteckningar är alltid synliga för handläggaren: ange visibility shared.",
            "Your notes are always seen by the case handler: give visibility shared.",
            "visibility",
        )
    return None


def _request_completion(
    state: CaseState, payload: RequestCompletion, actor: Actor, moment: Moment
) -> None:
    del actor
    items = [item.model_dump(exclude_none=True) for item in payload.items]
    state.completion = Completion(items=items, due=payload.due, asked_at=moment.now)
    what = {"what": "; ".join(item.what for item in payload.items), "due": payload.due.isoformat()}
    state.notify("completion_requested", state.addressee, what=what)


def _due_refusal(
    state: State, payload: RequestCompletion | Park, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    day = payload.until if isinstance(payload, Park) else payload.due
    return not_in_past(day, moment, "until" if isinstance(payload, Park) else "due")


def not_in_past(day: date, moment: Moment, field: str) -> Refusal | None:
    """Refuse a day that has passed."""
    if day > moment.today:
        return None
    return refuse(
        "in_the_past",
        f"Dagen {day} har redan varit. Ange en dag efter {moment.today}.",
        f"The day {day} has passed. Give a day after {moment.today}.",
        field,
    )


def _submit_completion(
    state: CaseState, payload: SubmitCompletion, actor: Actor, moment: Moment
) -> None:
    del actor
    assert state.completion is not None
    state.completion.submitted_at = moment.now
    state.completion.text = payload.text
    state.completion.documents = list(payload.documents)
    state.notify("completion_submitted", Role.CASE_HANDLER)


def _extend(state: CaseState, payload: ExtendDeadline, actor: Actor, moment: Moment) -> None:
    del actor, moment
    for index, waiting in enumerate(state.waiting):
        if waiting.rule == payload.deadline:
            _move_given_day(state, waiting, payload.due)
            state.waiting[index] = waiting.with_day(extended_to=payload.due)


def _move_given_day(state: CaseState, waiting: Waiting, due: date) -> None:
    """Move the day that was given to the party, where the wait has one."""
    if waiting.rule == "completion" and state.completion is not None:
        state.completion.due = due
    elif waiting.rule == "hearing" and state.review.hearing is not None:
        state.review.hearing.due = due
    elif waiting.rule == "return_agreement" and waiting.item in state.agreements:
        state.agreements[waiting.item].returned_due = due


def _extend_refusal(
    state: CaseState, payload: ExtendDeadline, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    running = [
        waiting
        for waiting in state.waiting
        if waiting.on in {*OUTER, *OURS}
        and waiting.rule != BY_LAW
        and due_day(waiting, moment.policy)
    ]
    if not any(waiting.rule == payload.deadline for waiting in running):
        names = ", ".join(sorted({waiting.rule for waiting in running})) or "–"
        return refuse(
            "no_such_deadline",
            f"Ingen frist {payload.deadline} löper nu. Frister som löper: {names}.",
            f"No deadline {payload.deadline} runs now. Running: {names}.",
            "deadline",
        )
    return not_in_past(payload.due, moment, "due")


def _park(state: CaseState, payload: Park, actor: Actor, moment: Moment) -> None:
    del actor
    state.parked_until, state.parked_at = payload.until, moment.now
    state.paused = list(state.waiting)


def resume(state: CaseState, moment: Moment) -> None:
    """Take a parked case up again: what is awaited goes on where it stood."""
    assert state.parked_at is not None
    parked = moment.now - state.parked_at
    state.waiting = [_moved(waiting, parked) for waiting in state.paused]
    state.unpark()


def _moved(waiting: Waiting, parked: timedelta) -> Waiting:
    """Count no parked day: neither for Lantmäteriet's deadlines nor for a party's reminders.

    A day set by law, or given to somebody, does not move.
    """
    if waiting.due is not None or waiting.on not in {*OURS, *OUTER}:
        return waiting
    since, extended = waiting.since + parked, waiting.extended_to
    if waiting.on in OUTER:
        return waiting if extended else waiting.model_copy(update={"since": since})
    later = extended + timedelta(days=parked.days) if extended else None
    return waiting.model_copy(update={"since": since, "extended_to": later, "told": ()})


def unpark(state: CaseState, moment: Moment) -> None:
    """The day until which the case was parked has come."""
    resume(state, moment)
    state.notify("parking_over", Role.CASE_HANDLER)


def _resume(state: CaseState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor
    resume(state, moment)


def _replace_contact(state: CaseState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.notify("contact_replaced", state.contact)
    person = Person(**payload.model_dump())
    give_role(state, "contact", person)
    state.tell_agreement("contact", person)


def _name_deputy(state: CaseState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    person = Person(**payload.model_dump())
    give_role(state, "deputy", person)
    state.tell_agreement("deputy", person)


def _declare_bias(state: State, payload: Reason, actor: Actor, moment: Moment) -> None:
    del payload, moment
    state.biased.append(actor.subject)


def _withdraw(state: CaseState, payload: OptionalReason, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.end("withdrawn")
    state.notify("withdrawn", state.acting, *state.also_told, Role.CASE_HANDLER)


def _close(state: CaseState, payload: Close, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.end("closed")
    what = {"reason": payload.reason}
    state.notify("closed", state.addressee, *state.also_told, what=what)


def _retry(state: State, payload: RetryStep, actor: Actor, moment: Moment) -> None:
    del actor, moment
    wanted = [each.key for each in state.pending]
    state.retries = [key for key in wanted if payload.operation in {None, key, key.split(":")[0]}]


def _nothing_to_retry(
    state: State, payload: RetryStep, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    wanted = [each.key for each in state.pending]
    if any(payload.operation in {None, key, key.split(":")[0]} for key in wanted):
        return None
    return refuse(
        "nothing_to_retry",
        f"Inget sådant försök pågår. Det som pågår: {', '.join(wanted) or '–'}.",
        f"No such operation is under way. Under way: {', '.join(wanted) or '–'}.",
        "operation",
    )


def _is_parked(state: CaseState, moment: Moment) -> bool:
    return is_case(state, moment) and state.parked_until is not None


def _can_park(state: CaseState, moment: Moment) -> bool:
    return is_case(state, moment) and state.parked_until is None


def _can_ask(state: CaseState, moment: Moment) -> bool:
    asking = {"intake", "account", "agreement", "supplement", "review", "assessment"}
    asking |= {"proposed", "accepted"}
    is_free = not awaits_completion(state) or is_completion_overdue(state, moment)
    is_proposed = state.review.proposal is not None  # what lies before a decider is complete
    return is_case(state, moment) and state.stage in asking and is_free and not is_proposed


def _can_complete(state: CaseState, moment: Moment) -> bool:
    return is_case(state, moment) and awaits_completion(state)


def _is_trying(state: State, moment: Moment) -> bool:
    return is_running(state, moment) and bool(state.pending)


RETRY_STEP: Step[State] = Step(
    name="retry_step",
    payload=RetryStep,
    who=HANDLER | OPERATOR,
    is_open=_is_trying,
    check=_nothing_to_retry,
    do=_retry,
    help=Text(sv="Försök igen genast.", en="Try again at once."),
)
NOTE: Step[State] = Step(
    name="note",
    payload=Note,
    who=HANDLER | CONTACT,
    by_post=False,
    is_open=is_running,
    check=_note_refusal,
    do=_noted,
    help=Text(sv="Skriv en anteckning i ärendet.", en="Write a note on the case."),
)
ASSIGN: Step[State] = Step(
    name="assign",
    payload=Assign,
    who=HANDLER,
    is_open=is_running,
    do=_assign,
    help=Text(sv="Utse handläggare.", en="Say who handles the case."),
)
EVERYDAY: tuple[Step[CaseState], ...] = (
    ASSIGN,
    NOTE,
    Step(
        name="request_completion",
        payload=RequestCompletion,
        who=HANDLER,
        is_open=_can_ask,
        check=_due_refusal,
        do=_request_completion,
        help=Text(
            sv="Be producenten komplettera: vad, var och senast när.",
            en="Ask the producer to add something: what, where, and until when.",
        ),
    ),
    Step(
        name="submit_completion",
        payload=SubmitCompletion,
        who=CONTACT,
        is_open=_can_complete,
        do=_submit_completion,
        help=Text(sv="Lämna kompletteringen.", en="Hand in what was asked for."),
    ),
    Step(
        name="extend_deadline",
        payload=ExtendDeadline,
        who=HANDLER,
        is_open=is_case,
        check=_extend_refusal,
        do=_extend,
        help=Text(sv="Förläng en frist som löper.", en="Extend a deadline that runs."),
    ),
    Step(
        name="park",
        payload=Park,
        who=HANDLER,
        is_open=_can_park,
        check=_due_refusal,
        do=_park,
        help=Text(sv="Lägg ärendet vilande till en dag.", en="Put the case aside until a day."),
    ),
    Step(
        name="resume",
        payload=NoPayload,
        who=HANDLER,
        is_open=_is_parked,
        do=_resume,
        help=Text(sv="Ta upp ärendet igen.", en="Take the case up again."),
    ),
    Step(
        name="replace_contact",
        payload=NewPerson,
        who=CONTACT | HANDLER,
        is_open=is_case,
        do=_replace_contact,
        help=Text(
            sv="Byt kontaktperson; den nya får ett eget personligt konto.",
            en="Change the contact person; the new one gets an own personal account.",
        ),
    ),
    Step(
        name="name_deputy",
        payload=NewPerson,
        who=frozenset({Role.PRODUCER_CONTACT}),
        is_open=is_case,
        do=_name_deputy,
        help=Text(sv="Utse en ersättare.", en="Name a deputy."),
    ),
    Step(
        name="declare_bias",
        payload=Reason,
        who=HANDLER | DECIDER,
        is_open=is_case,
        do=_declare_bias,
        help=Text(sv="Anmäl jäv (FL 18 §).", en="Declare bias (FL 18 §)."),
    ),
    Step(
        name="withdraw",
        payload=OptionalReason,
        who=CONTACT,
        is_open=is_case,
        do=_withdraw,
        help=Text(sv="Återkalla ansökan.", en="Withdraw the application."),
    ),
    Step(
        name="close",
        payload=Close,
        who=HANDLER,
        is_open=is_case,
        do=_close,
        help=Text(sv="Avsluta ärendet utan beslut i sak.", en="End the case without a decision."),
    ),
    RETRY_STEP,
)
