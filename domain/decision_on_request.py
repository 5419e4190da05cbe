"""A decision at the party's request: after six months, once, then within four weeks (FL 12 §)."""

from collections.abc import Iterator

from domain.act import CONTACT, DECIDER, Actor, Role
from domain.case import CaseState
from domain.dates import end_of_period
from domain.everyday import Reason
from domain.machine import Moment, NoPayload, Step
from domain.state import Party, Wait
from domain.text import Text


def _request_decision(state: CaseState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor
    state.decision_requested_at = moment.now
    weeks = moment.policy.decision_on_request_weeks
    state.decision_request_due = end_of_period(moment.today, weeks=weeks)
    what = {"due": state.decision_request_due.isoformat()}
    state.notify("decision_requested", Role.CASE_HANDLER, Role.DECIDER, what=what)


def _refuse_request(state: CaseState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.decision_request_refused = True
    state.notify("decision_request_refused", state.addressee, what={"reason": payload.reason})


def owes_decision(state: CaseState) -> bool:
    """Whether the party has asked for a decision and got none yet (FL 12 §)."""
    return (
        state.decision_requested_at is not None
        and not state.decision_request_refused
        and not state.is_decided_now
        and not state.is_ending
    )


def on_request_waits(state: CaseState) -> Iterator[Wait]:
    """Yield the decider who owes a decision on request."""
    if owes_decision(state):
        yield Wait(on=Party.DECIDER, rule="decide_on_request", due=state.decision_request_due)


def _can_request(state: CaseState, moment: Moment) -> bool:
    if (
        not state.is_case
        or state.undecided_since is None
        or state.decision_requested_at
        or state.is_decided_now
    ):
        return False
    months = moment.policy.request_decision_months
    return moment.today > end_of_period(state.undecided_since, months=months)


def _can_refuse_request(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.is_case and owes_decision(state)


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="request_decision",
        payload=NoPayload,
        who=CONTACT,
        is_open=_can_request,
        do=_request_decision,
        help=Text(sv="Begär att ärendet avgörs (FL 12 §).", en="Ask for a decision (FL 12 §)."),
    ),
    Step(
        name="refuse_request_decision",
        payload=Reason,
        who=DECIDER,
        is_open=_can_refuse_request,
        do=_refuse_request,
        help=Text(sv="Avslå begäran om avgörande.", en="Refuse the request for a decision."),
    ),
)
