"""After an adverse decision: appeal in time or too late, reconsideration, court, legal force."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.case import Appeal, CaseState, Decision
from domain.dates import end_of_period, midnight_after
from domain.fields import Day, FreeText
from domain.machine import Moment, Payload, Step
from domain.policy import Policy
from domain.state import Party, Timer, Wait
from domain.text import Text


class AppealDecision(Payload):
    """An appeal, given in to the deciding authority (FL 43 §); `document` is a stored one."""

    document: str = Field(min_length=1)
    arrival_date: Day


class RecordTimeliness(Payload):
    """Whether the appeal came in time (rättidsprövning, FL 45 §)."""

    in_time: bool
    reason: FreeText = Field(min_length=1)


class RecordReceipt(Payload):
    """The day the party got the decision (FL 44 §)."""

    date: Day


class HandOver(Payload):
    """The day the appeal was handed over to the court (FL 46 §)."""

    date: Day


class RecordAppealOutcome(Payload):
    """What the court found."""

    outcome: Literal["upheld", "remitted"]
    date: Day


def last_day_to_appeal(state: CaseState, decision: Decision, policy: Policy) -> date | None:
    """Return the last day of a public party's appeal period; None where it runs from receipt."""
    if not state.organisation.is_public:
        return None
    return end_of_period(decision.decided_on, weeks=policy.appeal_weeks)


def begin_appeal(state: CaseState, decision: Decision, moment: Moment) -> None:
    """Start the appeal period: from the decision for a public party, else from receipt."""
    state.appeal = Appeal(
        outcome=decision.outcome,
        decided_on=decision.decided_on,
        back_to=state.stage if decision.outcome == "dismissed" else state.examining_stage,
        is_public_party=state.organisation.is_public,
        last_day=last_day_to_appeal(state, decision, moment.policy),
    )
    state.stage = "appeal_period"


def move_receipt(state: CaseState, payload: RecordReceipt, actor: Actor, moment: Moment) -> None:
    """Note the day of receipt; it starts the clock of a private party (FL 44 §)."""
    del actor
    assert state.appeal is not None
    state.appeal.received_on = payload.date
    if not state.appeal.is_public_party:
        weeks = moment.policy.appeal_weeks
        state.appeal.last_day = end_of_period(payload.date, weeks=weeks)


def _appeal(state: CaseState, payload: AppealDecision, actor: Actor, moment: Moment) -> None:
    del actor, moment
    assert state.appeal is not None
    state.appeal.document = payload.document
    state.appeal.arrived_on = payload.arrival_date
    state.notify("appealed", Role.CASE_HANDLER)


def _timeliness(state: CaseState, payload: RecordTimeliness, actor: Actor, moment: Moment) -> None:
    del actor, moment
    assert state.appeal is not None
    state.appeal.is_in_time = payload.in_time
    if not payload.in_time:
        what = {"reason": payload.reason}
        state.notify("appeal_too_late", state.addressee, what=what)
        state.end(state.appeal.outcome)


def _hand_over(state: CaseState, payload: HandOver, actor: Actor, moment: Moment) -> None:
    del actor, moment
    assert state.appeal is not None
    state.appeal.handed_over_on = payload.date
    state.notify("appeal_handed_over", state.addressee)


def _outcome(state: CaseState, payload: RecordAppealOutcome, actor: Actor, moment: Moment) -> None:
    del actor, moment
    assert state.appeal is not None
    if payload.outcome == "upheld":
        state.end(state.appeal.outcome)
        return
    state.stage, state.decisions_before = state.appeal.back_to, len(state.decisions)
    state.appeal = None
    state.notify("appeal_remitted", state.acting, Role.CASE_HANDLER)


def _no_date_ahead(
    state: CaseState, payload: Payload, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    day = getattr(payload, "date", None) or getattr(payload, "arrival_date", None)
    if day is None or day <= moment.today:
        return None
    return refuse(
        "in_the_future",
        f"Dagen {day} har inte varit än.",
        f"The day {day} has not been yet.",
        "date",
    )


def receipt_refusal(
    state: CaseState, payload: RecordReceipt, actor: Actor, moment: Moment
) -> Refusal | None:
    """Refuse a day of receipt that has not been yet, or that lies before the decision."""
    assert state.appeal is not None
    if payload.date < state.appeal.decided_on:
        return refuse(
            "before_the_decision",
            f"Dagen {payload.date} ligger före beslutet ({state.appeal.decided_on}).",
            f"The day {payload.date} lies before the decision ({state.appeal.decided_on}).",
            "date",
        )
    return _no_date_ahead(state, payload, actor, moment)


def legal_force(state: CaseState, moment: Moment) -> None:
    """The appeal period has run out: the decision has gained legal force."""
    del moment
    if state.appeal is not None and state.appeal.document is None:
        state.notify("legal_force", state.acting, Role.CASE_HANDLER)
        state.end(state.appeal.outcome)


def appeal_timers(state: CaseState, policy: Policy) -> Iterator[Timer]:
    """Yield the instant at which the decision gains legal force."""
    del policy
    appeal = state.appeal
    if state.stage == "appeal_period" and appeal and appeal.last_day and not appeal.document:
        yield Timer(name="legal_force", at=midnight_after(appeal.last_day), rule="FL 44 §")


def appeal_waits(state: CaseState) -> Iterator[Wait]:
    """Yield on whom an appeal period, or an appeal, waits."""
    appeal = state.appeal
    if appeal is None:
        return
    if appeal.document is None:
        if appeal.last_day is None:
            yield Wait(on=Party.CASE_HANDLER, rule="record_receipt")
        else:
            yield Wait(on=Party.NOBODY, rule="appeal_period", due=appeal.last_day)
    elif appeal.is_in_time is None:
        yield Wait(on=Party.CASE_HANDLER, rule="record_timeliness")
    elif appeal.handed_over_on is None:
        yield Wait(on=Party.DECIDER, rule="reconsider")
    else:
        yield Wait(on=Party.COURT, rule="court")


def _appealed(state: CaseState) -> Appeal | None:
    appeal = state.appeal
    return appeal if state.stage == "appeal_period" and appeal and appeal.document else None


def _can_appeal(state: CaseState, moment: Moment) -> bool:
    del moment
    appeal = state.appeal
    return state.stage == "appeal_period" and appeal is not None and appeal.document is None


def _can_judge_time(state: CaseState, moment: Moment) -> bool:
    del moment
    appeal = _appealed(state)
    return appeal is not None and appeal.is_in_time is None


def can_reconsider(state: CaseState, moment: Moment) -> bool:
    """Whether the authority may still change its decision: until handover (FL 46 §)."""
    del moment
    appeal = _appealed(state)
    return appeal is not None and bool(appeal.is_in_time) and appeal.handed_over_on is None


def _is_at_court(state: CaseState, moment: Moment) -> bool:
    del moment
    appeal = _appealed(state)
    return appeal is not None and appeal.handed_over_on is not None


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="appeal",
        payload=AppealDecision,
        who=CONTACT,
        is_open=_can_appeal,
        check=_no_date_ahead,
        do=_appeal,
        help=Text(
            sv="Överklaga beslutet skriftligen, till Lantmäteriet (FL 43 §).",
            en="Appeal the decision in writing, to Lantmäteriet (FL 43 §).",
        ),
    ),
    Step(
        name="record_timeliness",
        payload=RecordTimeliness,
        who=HANDLER,
        is_open=_can_judge_time,
        do=_timeliness,
        help=Text(sv="Pröva om överklagandet kom i tid.", en="Judge if the appeal came in time."),
    ),
    Step(
        name="hand_over",
        payload=HandOver,
        who=HANDLER,
        is_open=can_reconsider,
        check=_no_date_ahead,
        do=_hand_over,
        help=Text(sv="Lämna över till domstolen.", en="Hand over to the court."),
    ),
    Step(
        name="record_appeal_outcome",
        payload=RecordAppealOutcome,
        who=HANDLER,
        is_open=_is_at_court,
        check=_no_date_ahead,
        do=_outcome,
        help=Text(sv="Anteckna domstolens avgörande.", en="Note what the court found."),
    ),
)
