"""An agreement under notice, and the yearly confirmation of who may do what under it."""

from collections.abc import Iterator

from pydantic import Field

from domain.act import CONTACT, DECIDER, Actor, Refusal, Role, refuse
from domain.agreement_state import APPOINTMENT, CONNECTION, AgreementState
from domain.dates import midnight_after
from domain.fields import Day, FreeText
from domain.machine import Moment, NoPayload, Payload, Step
from domain.people import vacate
from domain.policy import Policy
from domain.state import Person, Timer
from domain.text import Text
from domain.yearly import YearlyConfirmation

SOURCE = "agreement"
CONFIRM_ACCESS: YearlyConfirmation[AgreementState] = YearlyConfirmation(
    "confirm_access", lambda state: state.confirmed_at
)


class GiveNotice(Payload):
    """The agreement's last day, and why; the contact hands in the signatory's document."""

    last_day: Day
    reason: FreeText = Field(min_length=1)
    document: str | None = None


class ConfirmAccess(Payload):
    """Who is kept: persons by account id or mail address, agents by number."""

    persons: tuple[str, ...] = Field(min_length=1)
    agents: tuple[str, ...] = ()


def _notice_refusal(
    state: AgreementState, payload: GiveNotice, actor: Actor, moment: Moment
) -> Refusal | None:
    del state
    if payload.last_day < moment.today:
        return refuse(
            "in_the_past",
            f"Dagen {payload.last_day} har redan varit. Ange {moment.today} eller senare.",
            f"The day {payload.last_day} has passed. Give {moment.today} or later.",
            "last_day",
        )
    if actor.role is Role.DECIDER or payload.document:
        return None
    return refuse(
        "document_missing",
        "Bifoga uppsägningen, undertecknad av er firmatecknare (document).",
        "Attach the notice, signed by your signatory (document).",
        "document",
    )


def _give_notice(state: AgreementState, payload: GiveNotice, actor: Actor, moment: Moment) -> None:
    del moment
    state.stage, state.last_day = "under_notice", payload.last_day
    state.notice_by_producer = actor.role is not Role.DECIDER
    tell_end(state)
    what = {"due": payload.last_day.isoformat(), "reason": payload.reason}
    state.notify("notice_given", state.contact, state.deputy, Role.CASE_HANDLER, what=what)


def tell_end(state: AgreementState) -> None:
    """Tell everything under the agreement until when it carries, so that each has its timer."""
    until = midnight_after(state.last_day).isoformat() if state.last_day else None
    for part in state.open_parts():
        state.tell(part.ref, "valid_until", {"source": SOURCE, "until": until})


def _withdraw_notice(
    state: AgreementState, payload: NoPayload, actor: Actor, moment: Moment
) -> None:
    del payload, actor, moment
    state.stage, state.last_day = "in_force", None
    tell_end(state)
    state.notify("notice_withdrawn", state.contact, state.deputy, Role.CASE_HANDLER)


def _withdraw_refusal(
    state: AgreementState, payload: NoPayload, actor: Actor, moment: Moment
) -> Refusal | None:
    del payload, moment
    if state.notice_by_producer is (actor.role is not Role.DECIDER):
        return None
    return refuse(
        "not_your_notice",
        "Uppsägningen kan bara återkallas av den part som gjorde den.",
        "Notice can only be withdrawn by the party that gave it.",
        "actor",
    )


def notice_over(state: AgreementState, moment: Moment) -> None:
    """The agreement's last day is over."""
    del moment
    state.end("notice")


def agents(state: AgreementState) -> dict[str, str]:
    """Return the agents under the agreement: their refs by number."""
    return {
        part.item: part.ref
        for part in state.open_parts()
        if part.type == APPOINTMENT and not part.told_to_end
    }


def _names(state: AgreementState) -> dict[str, set[str]]:
    return {
        role: {person.email.casefold(), (person.account_id or person.email).casefold()}
        for role, person in state.people()
    }


def _confirm_refusal(
    state: AgreementState, payload: ConfirmAccess, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    known = set().union(*_names(state).values()) if state.acting else set()
    for field, said, there in (
        ("persons", payload.persons, known),
        ("agents", payload.agents, {name.casefold() for name in agents(state)}),
    ):
        if unknown := [each for each in said if each.casefold() not in there]:
            return refuse(
                "not_there",
                f"{unknown[0]} finns inte under avtalet. Se vyn för vilka som finns.",
                f"{unknown[0]} is not under the agreement. The view says who is.",
                field,
            )
    return None


def _confirm(state: AgreementState, payload: ConfirmAccess, actor: Actor, moment: Moment) -> None:
    """Note who is kept; who is not goes, except that the agreement keeps somebody who acts."""
    del actor
    kept = {each.casefold() for each in payload.persons}
    for role, names in _names(state).items():
        if not names & kept:
            gone = dict(state.people())[role]
            vacate(state, role, None)
            _tell_not_confirmed(state, gone)
            state.notify("not_confirmed", gone, what={"item": role})
    kept_agents = {each.casefold() for each in payload.agents}
    for number, ref in agents(state).items():
        if number.casefold() not in kept_agents:
            state.parts[ref].told_to_end = True
            state.tell(ref, "end", {"outcome": "not_confirmed"})
    state.confirmed_at = moment.now
    CONFIRM_ACCESS.given(state)


def _tell_not_confirmed(state: AgreementState, gone: Person) -> None:
    """Let the data sets change the keys that somebody has fetched who is not kept."""
    is_kept = any(person.account_id == gone.account_id for _, person in state.people())
    if gone.account_id is None or is_kept:
        return
    for part in state.open_parts():
        if part.type == CONNECTION:
            state.tell(part.ref, "not_confirmed", {"account_id": gone.account_id})


def notice_timers(state: AgreementState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of the agreement and the yearly confirmation."""
    if state.is_ending:
        return
    if state.last_day is not None:
        yield Timer(name="notice_over", at=midnight_after(state.last_day), rule="give_notice")
    if state.stage == "in_force":
        yield from CONFIRM_ACCESS.timers(state, policy)


def _is_in_force(state: AgreementState, moment: Moment) -> bool:
    del moment
    return state.is_opened and state.stage == "in_force"


def _is_under_notice(state: AgreementState, moment: Moment) -> bool:
    del moment
    return state.stage == "under_notice"


STEPS: tuple[Step[AgreementState], ...] = (
    Step(
        name="give_notice",
        payload=GiveNotice,
        who=CONTACT | DECIDER,
        is_open=_is_in_force,
        check=_notice_refusal,
        do=_give_notice,
        help=Text(
            sv="Säg upp avtalet till en sista dag.", en="Give notice; the agreement has a last day."
        ),
    ),
    Step(
        name="withdraw_notice",
        payload=NoPayload,
        who=CONTACT | DECIDER,
        is_open=_is_under_notice,
        check=_withdraw_refusal,
        do=_withdraw_notice,
        help=Text(sv="Återkalla uppsägningen.", en="Withdraw the notice."),
    ),
    Step(
        name="confirm_access",
        payload=ConfirmAccess,
        who=CONTACT,
        is_open=_is_in_force,
        check=_confirm_refusal,
        do=_confirm,
        help=Text(
            sv="Bekräfta vilka personer och ombud som ska ha kvar sin åtkomst.",
            en="Confirm which persons and agents keep their access.",
        ),
    ),
)
