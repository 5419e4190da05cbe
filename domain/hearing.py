"""Hearing of the party before a decision goes against it (kommunicering, FL 25 §)."""

from collections.abc import Iterator

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.case import CaseState, Hearing
from domain.dates import midnight_after
from domain.everyday import not_in_past
from domain.fields import Day, FreeText
from domain.machine import Moment, Payload, Step
from domain.policy import Policy
from domain.state import Timer
from domain.text import Text


class HearParty(Payload):
    """The material the party is asked to comment on, and until when (FL 25 §)."""

    material: FreeText = Field(min_length=1)
    due: Day


class Comment(Payload):
    """The party's comments."""

    text: FreeText = Field(min_length=1)
    documents: tuple[str, ...] = ()


class SkipHearing(Payload):
    """Why the party need not be heard: one of the exceptions of FL 25 §."""

    reason: str


def _hear(state: CaseState, payload: HearParty, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.review.hearing = Hearing(material=payload.material, due=payload.due)
    what = {"what": payload.material, "due": payload.due.isoformat()}
    state.notify("hearing", state.addressee, what=what)


def _hear_refusal(
    state: CaseState, payload: HearParty, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    return not_in_past(payload.due, moment, "due")


def _comment(state: CaseState, payload: Comment, actor: Actor, moment: Moment) -> None:
    del actor, moment
    assert state.review.hearing is not None
    state.review.hearing.comment = payload.text
    state.review.hearing.is_over = True
    state.notify("commented", Role.CASE_HANDLER, Role.DECIDER)


def _skip(state: CaseState, payload: SkipHearing, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.review.hearing = Hearing(is_over=True, skipped_because=payload.reason)


def _skip_refusal(
    state: CaseState, payload: SkipHearing, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    codes = moment.policy.skip_hearing_reasons
    if payload.reason in codes:
        return None
    return refuse(
        "not_an_exception",
        f"Kommunicering får bara utelämnas av ett av dessa skäl: {', '.join(codes)}.",
        f"The hearing may only be left out for one of: {', '.join(codes)}.",
        "reason",
    )


def hearing_over(state: CaseState, moment: Moment) -> None:
    """The party's time to comment has passed: decision may follow."""
    del moment
    if state.review.hearing is not None:
        state.review.hearing.is_over = True


def hearing_timers(state: CaseState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of a hearing."""
    del policy
    hearing = state.review.hearing
    if hearing is not None and hearing.due is not None and not hearing.is_over:
        yield Timer(name="hearing_over", at=midnight_after(hearing.due), rule="hearing")


def _can_hear(state: CaseState, moment: Moment) -> bool:
    del moment
    review = state.review
    return (
        state.is_case
        and review.proposal is not None
        and not review.proposal.is_full_grant
        and review.hearing is None
    )


def _can_comment(state: CaseState, moment: Moment) -> bool:
    del moment
    hearing = state.review.hearing
    return state.is_case and hearing is not None and not hearing.is_over


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="hear_party",
        payload=HearParty,
        who=HANDLER,
        is_open=_can_hear,
        check=_hear_refusal,
        do=_hear,
        help=Text(sv="Låt parten yttra sig (FL 25 §).", en="Let the party comment (FL 25 §)."),
    ),
    Step(
        name="comment",
        payload=Comment,
        who=CONTACT,
        is_open=_can_comment,
        do=_comment,
        help=Text(sv="Yttra er över förslaget.", en="Comment on the proposal."),
    ),
    Step(
        name="skip_hearing",
        payload=SkipHearing,
        who=HANDLER,
        is_open=_can_hear,
        check=_skip_refusal,
        do=_skip,
        help=Text(sv="Avstå från kommunicering.", en="Leave out the hearing."),
    ),
)
