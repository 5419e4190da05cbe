"""A person leaves, gives up duties, or is shut off: on the day, whatever fails.

At 00:00 in Stockholm after the last day the account is wanted off, and everything that hangs on
the person is told who takes over. Nothing here waits for a successor: the day rules.
"""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from domain.act import Actor, Refusal, Role, refuse
from domain.dates import midnight_after
from domain.everyday import Reason
from domain.fields import Day
from domain.machine import Content, Moment, NoPayload, Payload, Reaction, Step
from domain.people import PersonActive, PersonLeaving, PersonLeft
from domain.permission_state import keys_roles
from domain.person_state import (
    KEY,
    ORGANISATION,
    SUCCESSOR,
    NamedPerson,
    NamedSuccessor,
    PersonState,
    Successor,
    is_same_organisation,
    person_id,
)
from domain.policy import Policy
from domain.state import Party, Person, Timer, Wait
from domain.text import Text

LEAVING, LEFT = "person_leaving", "person_left"
TOLD_AGAIN_AFTER = timedelta(days=1)
MAY_SCHEDULE = ORGANISATION | frozenset({Role.SYSTEM})


class ScheduleDeparture(Payload):
    """The last day at work; a day that has been ends the access at once."""

    last_day: Day
    successors: tuple[NamedSuccessor, ...] = ()


class ChangeDuties(Payload):
    """Roles that the person gives up from a day on."""

    roles: tuple[str, ...] = Field(min_length=1)
    from_day: Day = Field(alias="from")


class SuccessorFound(Content):
    """A successor's personal account has been found or created."""

    role: str
    email: str
    account_id: str
    login_name: str
    active: bool


def _unknown_role(state: PersonState, roles: list[str], field: str) -> Refusal | None:
    unknown = [role for role in roles if role not in state.roles]
    if not unknown:
        return None
    known = ", ".join(state.roles) or "–"
    return refuse(
        "unknown_role",
        f"Personen har inte rollen {unknown[0]}. Rollerna är: {known}.",
        f"The person does not have the role {unknown[0]}. The roles are: {known}.",
        field,
    )


def _same_person(state: PersonState, named: NamedPerson, field: str) -> Refusal | None:
    if state.person is None or state.person.email.casefold() != named.email.casefold():
        return None
    return refuse(
        "own_successor",
        "Den som slutar kan inte efterträda sig själv. Ange någon annan.",
        "Who leaves cannot be the own successor. Name somebody else.",
        field,
    )


def _schedule_refusal(
    state: PersonState, payload: ScheduleDeparture, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    for each in payload.successors:
        found = _unknown_role(state, [each.role], "successors")
        if found := found or _same_person(state, each.person, "successors"):
            return found
    return None


def _schedule(state: PersonState, payload: ScheduleDeparture, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.last_day = payload.last_day
    for each in payload.successors:
        _name(state, each)
    _say_leaving(state)
    state.notify("departure_scheduled", state.person, what={"due": payload.last_day.isoformat()})


def _say_leaving(state: PersonState) -> None:
    """Tell everything that hangs on the person ahead, so that nobody counts on the person."""
    word = {
        "account_id": state.account_id,
        "last_day": state.last_day.isoformat() if state.last_day else None,
    }
    for ref in sorted({each.ref for each in state.enrolments.values()}):
        state.tell(ref, LEAVING, word)


def _cancel(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.last_day = None
    forget_successors(state, but=frozenset(state.duties))
    _say_leaving(state)
    state.notify("departure_cancelled", state.person)


def _name(state: PersonState, payload: NamedSuccessor) -> None:
    _let_go(state, payload.role)
    person = Person(**payload.person.model_dump())
    state.successors[payload.role] = Successor(role=payload.role, person=person)
    last_day = state.last_day_in(payload.role)
    due = {"due": last_day.isoformat()} if last_day else {}
    state.notify("successor_named", person, what={"item": payload.role} | due)


def _let_go(state: PersonState, role: str) -> None:
    """A successor who is none any more no longer hangs on this."""
    before = state.successors.pop(role, None)
    if before is None or before.person.account_id is None:
        return
    kept = {each.person.account_id for each in state.successors.values()}
    if before.person.account_id not in kept:
        state.tell(person_id(before.person.account_id), "release", {"ref": state.workflow_id})


def forget_successors(state: PersonState, *, but: frozenset[str] = frozenset()) -> None:
    """Let go of the successors, but for some roles."""
    for role in [each for each in state.successors if each not in but]:
        _let_go(state, role)


def _name_successor(
    state: PersonState, payload: NamedSuccessor, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    _name(state, payload)


def _name_refusal(
    state: PersonState, payload: NamedSuccessor, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return _unknown_role(state, [payload.role], "role") or _same_person(
        state, payload.person, "person"
    )


def _change_duties(state: PersonState, payload: ChangeDuties, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.duties |= dict.fromkeys(payload.roles, payload.from_day)
    what = {"item": ", ".join(payload.roles), "due": payload.from_day.isoformat()}
    state.notify("duties_given_up", state.person, what=what)


def _duties_refusal(
    state: PersonState, payload: ChangeDuties, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return _unknown_role(state, list(payload.roles), "roles")


def _suspend(state: PersonState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.is_unexplained, state.unexplained_since = False, None
    if state.stage != "suspended" or state.is_activating:
        _shut_off(state)
    state.notify("account_suspended", state.person, what={"reason": payload.reason})


def _shut_off(state: PersonState) -> None:
    state.stage = "suspended"
    state.is_off_wanted, state.is_activating = True, False
    if state.person is not None:
        state.person.active = False


def _reactivate(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.is_unexplained, state.unexplained_since = False, None
    state.is_off_wanted, state.is_activating = False, True


def found_off(state: PersonState, content: Content, moment: Moment) -> None:
    """The account of somebody who should have it was found off: shut off, until explained."""
    del content
    if state.stage not in {"active", "leaving"}:
        return
    state.is_unexplained, state.unexplained_since = True, moment.now
    _shut_off(state)
    state.notify("found_off", Role.CASE_HANDLER)


def found_on(state: PersonState, content: Content, moment: Moment) -> None:
    """The account of somebody who left, or is shut off, was found on: off with it again."""
    del content
    if not state.is_opened:  # a closed one is started again: all it has is its id
        state.opened_at, state.stage, state.outcome = moment.now, "ending", "left"
        state.left_at = state.told_at = moment.now
    if state.stage == "ending" or (state.stage == "suspended" and not state.is_activating):
        state.is_off_wanted = True


def leave(state: PersonState, moment: Moment) -> None:
    """The last day is over: the account goes off, and everything that hangs on it is told."""
    state.left_at = state.told_at = moment.now
    state.last_day = state.last_day or moment.today
    state.outcome, state.stage = "left", "ending"
    state.is_off_wanted, state.is_activating = True, False
    state.is_unexplained, state.unexplained_since, state.duties = False, None, {}
    if state.person is not None:
        state.person.active = False
    _say_left(state, [*state.roles, SUCCESSOR])


def _say_left(state: PersonState, roles: list[str]) -> None:
    refs = {each.ref for each in state.enrolments.values() if each.role in roles}
    for ref in sorted(refs):
        say_left_to(state, ref, roles)


def say_left_to(state: PersonState, ref: str, roles: list[str]) -> None:
    """Tell one that hangs on the person that the person has gone, and who takes over."""
    mine = {each.role for each in state.enrolments.values() if each.ref == ref} & {*roles}
    successors = {
        role: successor.person.model_dump(mode="json")
        for role, successor in sorted(state.successors.items())
    }
    word = {"account_id": state.account_id, "roles": sorted(mine), "successors": successors}
    state.tell(ref, LEFT, word)


def tell_again(state: PersonState, moment: Moment) -> None:
    """Something has not let go of the person: it is told once more, every day until it has."""
    state.told_at = moment.now
    _say_left(state, [*state.roles, SUCCESSOR])


def duties_change(state: PersonState, moment: Moment) -> None:
    """The day has come from which some roles are given up."""
    over = {role for role, day in state.duties.items() if day <= moment.today}
    roles = [role for role in state.roles if role in over]
    _say_left(state, roles)
    for ref in _keys_without_role(state, roles):
        say_left_to(state, ref, [KEY])
    state.duties = {role: day for role, day in state.duties.items() if role not in over}
    forget_successors(state, but=frozenset(state.successors) - over)


def _keys_without_role(state: PersonState, given_up: list[str]) -> list[str]:
    """Return the permissions whose keys the person held in what is given up, and in no other role.

    The secret does not stay with whoever no longer has the role.
    """
    if KEY in given_up:
        return []  # told already, like everything that hangs on the person in that role
    lost, kept = {*given_up}, {*state.roles} - {*given_up}
    refs = {each.ref for each in state.enrolments.values() if each.role == KEY}
    return sorted(ref for ref in refs if (held := keys_roles(ref)) & lost and not held & kept)


def unexplained(state: PersonState, moment: Moment) -> None:
    """Nobody has said why the account was found off: it is taken for a departure."""
    state.is_unexplained, state.unexplained_since = False, None
    state.notify("taken_for_departure", Role.CASE_HANDLER)
    leave(state, moment)


def _successor_found(state: PersonState, content: SuccessorFound, moment: Moment) -> None:
    del moment
    successor = state.successors.get(content.role)
    if successor is None or successor.person.email.casefold() != content.email.casefold():
        return  # another was named meanwhile
    if content.account_id == state.account_id:
        del state.successors[content.role]
        return
    person = successor.person
    person.account_id, person.login_name = content.account_id, content.login_name
    person.active = content.active
    details = person.model_dump(mode="json") | {"role": SUCCESSOR, "ref": state.workflow_id}
    details |= {"org_number": state.org_number, "organisation_name": state.organisation_name}
    state.tell(person_id(content.account_id), "enrol", details, starts="PersonAccess")


def _successor_active(state: PersonState, content: PersonActive, moment: Moment) -> None:
    del moment
    for each in state.successors.values():
        if each.person.account_id == content.account_id:
            each.person.active = True


def _successor_leaves(state: PersonState, content: PersonLeaving, moment: Moment) -> None:
    """A successor who goes first, or on the same day, cannot take over."""
    del moment
    if content.last_day is None:
        return
    last_days = {role: state.last_day_in(role) for role in _taken_over_by(state, content)}
    _drop(state, [role for role, day in last_days.items() if day and content.last_day <= day])


def _successor_left(state: PersonState, content: PersonLeft, moment: Moment) -> None:
    del moment
    _drop(state, _taken_over_by(state, content))


def _taken_over_by(state: PersonState, who: PersonLeaving | PersonLeft) -> list[str]:
    return [
        role
        for role, successor in state.successors.items()
        if successor.person.account_id == who.account_id
    ]


def _drop(state: PersonState, roles: list[str]) -> None:
    for role in roles:
        _let_go(state, role)
    if roles:
        state.notify("successor_gone", Role.CASE_HANDLER, what={"item": ", ".join(roles)})


def successor_waits(state: PersonState) -> Iterator[Wait]:
    """Yield a wait for each role that nobody takes over yet; it holds nothing up."""
    for role in state.going:
        if role not in {*state.successors, KEY}:  # a key goes to whoever is the contact
            due = state.last_day_in(role)
            yield Wait(on=Party.PRODUCER, rule="name_successor", item=role, due=due)


def departure_timers(state: PersonState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of the last day, of duties, and of the time to explain."""
    if state.is_ending:
        if state.told_at is not None and not state.is_ended and state.enrolments:
            yield Timer(name="tell_again", at=state.told_at + TOLD_AGAIN_AFTER, rule="departure")
        return
    if state.last_day is not None:
        yield Timer(name="left", at=midnight_after(state.last_day), rule="departure")
    if state.duties:
        at = midnight_after(min(state.duties.values()) - timedelta(days=1))
        yield Timer(name="duties_change", at=at, rule="change_duties")
    if state.unexplained_since is not None:
        at = state.unexplained_since + timedelta(days=policy.unexplained_days)
        yield Timer(name="unexplained", at=at, rule="explain_suspension")


def _can_schedule(state: PersonState, moment: Moment) -> bool:
    del moment
    return state.is_opened and not state.is_ending


def _is_going(state: PersonState, moment: Moment) -> bool:
    return _can_schedule(state, moment) and bool(state.last_day or state.duties)


def _is_leaving(state: PersonState, moment: Moment) -> bool:
    return _can_schedule(state, moment) and state.last_day is not None


def _can_suspend(state: PersonState, moment: Moment) -> bool:
    is_on = state.stage in {"active", "leaving"} or (
        state.stage == "suspended" and state.is_activating  # switched on again, perhaps by now
    )
    return _can_schedule(state, moment) and (is_on or state.is_unexplained)


def _is_suspended(state: PersonState, moment: Moment) -> bool:
    del moment
    return state.stage == "suspended" and not state.is_activating


STEPS: tuple[Step[PersonState], ...] = (
    Step(
        name="schedule_departure",
        payload=ScheduleDeparture,
        who=MAY_SCHEDULE,
        is_open=_can_schedule,
        is_mine=is_same_organisation,
        check=_schedule_refusal,
        do=_schedule,
        help=Text(
            sv="Anmäl att personen slutar: sista dag, och vem som tar över vilken roll.",
            en="Say that the person leaves: the last day, and who takes over which role.",
        ),
    ),
    Step(
        name="cancel_departure",
        payload=NoPayload,
        who=MAY_SCHEDULE,
        is_open=_is_leaving,
        is_mine=is_same_organisation,
        do=_cancel,
        help=Text(sv="Personen stannar.", en="The person stays."),
    ),
    Step(
        name="name_successor",
        payload=NamedSuccessor,
        who=MAY_SCHEDULE,
        is_open=_is_going,
        is_mine=is_same_organisation,
        check=_name_refusal,
        do=_name_successor,
        help=Text(sv="Utse vem som tar över en roll.", en="Name who takes over a role."),
    ),
    Step(
        name="change_duties",
        payload=ChangeDuties,
        who=MAY_SCHEDULE,
        is_open=_can_schedule,
        is_mine=is_same_organisation,
        check=_duties_refusal,
        do=_change_duties,
        help=Text(
            sv="Lämna vissa roller från en dag; kontot är kvar.",
            en="Give up some roles from a day; the account stays.",
        ),
    ),
    Step(
        name="suspend",
        payload=Reason,
        who=MAY_SCHEDULE,
        is_open=_can_suspend,
        is_mine=is_same_organisation,
        do=_suspend,
        help=Text(sv="Stäng av kontot genast.", en="Shut the account off at once."),
    ),
    Step(
        name="reactivate",
        payload=NoPayload,
        who=MAY_SCHEDULE,
        is_open=_is_suspended,
        is_mine=is_same_organisation,
        do=_reactivate,
        help=Text(sv="Slå på kontot igen.", en="Switch the account on again."),
    ),
)
REACTIONS: dict[str, Reaction[PersonState]] = {
    "successor_found": Reaction(payload=SuccessorFound, do=_successor_found),
    "person_active": Reaction(payload=PersonActive, do=_successor_active),
    LEAVING: Reaction(payload=PersonLeaving, do=_successor_leaves),
    LEFT: Reaction(payload=PersonLeft, do=_successor_left),
    "account_found_off": Reaction(payload=Content, do=found_off),
    "account_found_on": Reaction(payload=Content, do=found_on),
}
