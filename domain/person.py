"""A person's access: one personal account, and all that hangs on it."""

from collections.abc import Iterator

from domain.act import CONTACT, HANDLER, Actor
from domain.departure import (
    LEAVING,
    REACTIONS,
    departure_timers,
    duties_change,
    forget_successors,
    leave,
    say_left_to,
    successor_waits,
    tell_again,
    unexplained,
)
from domain.departure import STEPS as DEPARTURE_STEPS
from domain.everyday import ASSIGN, NOTE, RETRY_STEP
from domain.machine import Content, Machine, Moment, NoPayload, Reaction, Step
from domain.people import CASE_ROLES
from domain.person_state import (
    OUTSIDE,
    Enrolment,
    PersonState,
    is_same_organisation,
    is_the_person,
)
from domain.state import Party, Person, System, Wait, Want
from domain.text import Text

STAGES = ("invited", "active", "suspended", "leaving", "ending", "ended")
IN_USE = frozenset({"active", "leaving"})


class Enrol(Content):
    """A case or entity hangs on the person in a role."""

    ref: str
    role: str
    name: str
    email: str
    phone: str = ""
    account_id: str
    login_name: str | None = None
    active: bool = False
    org_number: str
    organisation_name: str = ""


class Release(Content):
    """A case or entity no longer hangs on the person: in some roles, or in none."""

    ref: str
    roles: tuple[str, ...] = ()


def _enrol(state: PersonState, content: Enrol, moment: Moment) -> None:
    state.enrolments[f"{content.ref}/{content.role}"] = Enrolment(
        ref=content.ref, role=content.role
    )
    if state.person is None:
        names = {"name", "email", "phone", "account_id", "login_name", "active"}
        state.person = Person(**content.model_dump(include=names))
        state.org_number, state.organisation_name = content.org_number, content.organisation_name
        state.opened_at = state.opened_at or moment.now
    if state.stage == "ending":
        say_left_to(state, content.ref, [content.role])
    elif state.stage in {"invited", "ended"}:
        _invite_or_welcome(state, is_active=content.active)
    if state.stage in IN_USE:
        _tell_active(state, content.ref)
    elif state.stage == "suspended" and content.role in CASE_ROLES:
        state.tell(content.ref, "person_suspended", {"account_id": state.account_id})
    if state.last_day is not None and not state.is_ending:
        word = {"account_id": state.account_id, "last_day": state.last_day.isoformat()}
        state.tell(content.ref, LEAVING, word)


def _invite_or_welcome(state: PersonState, *, is_active: bool) -> None:
    """Invite a new person, or one whose invitation had lapsed; an active one is welcome."""
    assert state.person is not None
    is_new = len(state.enrolments) == 1
    if state.is_ended:
        state.stage, state.outcome, state.ended_at = "invited", None, None
        state.left_at, state.last_day, state.duties = None, None, {}
    if is_active:
        _become_active(state)
    elif is_new:
        state.notify("invitation", state.person)


def _become_active(state: PersonState) -> None:
    assert state.person is not None
    state.person.active = True
    state.stage = "active"
    for ref in sorted({each.ref for each in state.enrolments.values()}):
        _tell_active(state, ref)


def _release(state: PersonState, content: Release, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    state.enrolments = {
        key: each
        for key, each in state.enrolments.items()
        if each.ref != content.ref or (content.roles and each.role not in content.roles)
    }


def _activate(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.is_activating = True


def _resend(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.notify("invitation", state.person)


def _activated(state: PersonState, content: Content, moment: Moment) -> None:
    del content, moment
    if state.is_activating and state.stage in {"invited", "suspended"}:
        if state.stage == "suspended":
            state.notify("account_reactivated", state.person)
        _become_active(state)
    state.is_activating = False


def _account_off(state: PersonState, content: Content, moment: Moment) -> None:
    del content
    if state.look_again_at is None or moment.now >= state.look_again_at:
        state.is_off_wanted, state.look_again_at = False, None


def _tell_active(state: PersonState, ref: str) -> None:
    state.tell(ref, "person_active", {"account_id": state.account_id})


def progress(state: PersonState, moment: Moment) -> None:
    """An invitation that nothing hangs on any more lapses; an account in use stays."""
    del moment
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "active" and state.last_day is not None:
        state.stage = "leaving"
    elif state.stage == "leaving" and state.last_day is None:
        state.stage = "active"
    elif state.stage == "invited" and not state.enrolments and not state.is_activating:
        forget_successors(state)
        state.outcome, state.stage = "lapsed", "ended"
    elif state.stage == "ending" and not state.is_off_wanted and not state.enrolments:
        forget_successors(state)
        state.stage = "ended"


def wants(state: PersonState) -> Iterator[Want]:
    """Yield what the account system owes: off, on, and the accounts of successors."""
    if not state.is_opened or state.is_ended:
        return
    if state.is_off_wanted:
        if state.look_again_at is None:
            yield Want(operation="disable_person", system=System.ACCOUNT_SYSTEM)
    elif state.is_activating:
        yield Want(operation="activate_person", system=System.ACCOUNT_SYSTEM)
    if state.is_ending:
        return
    for role, successor in state.successors.items():
        if successor.person.account_id is None:
            yield Want(operation="find_successor", system=System.ACCOUNT_SYSTEM, item=role)


def waits(state: PersonState) -> Iterator[Wait]:
    """Yield on whom the access waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.is_off_wanted:
        yield Wait(on=Party.ACCOUNT_SYSTEM, rule="shut_off_account")
    elif state.is_activating:
        yield Wait(on=Party.ACCOUNT_SYSTEM, rule="switch_account")
    if state.is_unexplained:
        yield Wait(on=Party.CASE_HANDLER, rule="explain_suspension")
    if state.stage == "invited" and not state.is_activating:
        yield Wait(on=Party.PERSON, rule="activate_account")
    elif state.is_ending and not state.is_off_wanted:
        yield Wait(on=Party.NOBODY, rule="roles_handed_over")
    elif state.stage in {"active", "leaving", "suspended"}:
        yield Wait(on=Party.NOBODY, rule=state.stage, due=state.last_day)
    if not state.is_ending:
        yield from successor_waits(state)


def _is_invited(state: PersonState, moment: Moment) -> bool:
    del moment
    return state.is_opened and state.stage == "invited" and not state.is_activating


STEPS: tuple[Step[PersonState], ...] = (
    Step(
        name="activate_account",
        payload=NoPayload,
        who=OUTSIDE,
        is_open=_is_invited,
        is_mine=is_the_person,
        by_post=False,
        do=_activate,
        help=Text(sv="Aktivera ditt personliga konto.", en="Activate your personal account."),
    ),
    Step(
        name="resend_invitation",
        payload=NoPayload,
        who=HANDLER | CONTACT,
        is_open=_is_invited,
        is_mine=is_same_organisation,
        do=_resend,
        help=Text(sv="Skicka inbjudan igen.", en="Send the invitation again."),
    ),
    *DEPARTURE_STEPS,
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[PersonState] = Machine(
    name="PersonAccess",
    state=PersonState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        "enrol": Reaction(payload=Enrol, do=_enrol),
        "release": Reaction(payload=Release, do=_release),
        "person_activated": Reaction(payload=Content, do=_activated),
        "account_off": Reaction(payload=Content, do=_account_off),
        **REACTIONS,
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=departure_timers,
    passed={
        "left": leave,
        "duties_change": duties_change,
        "unexplained": unexplained,
        "tell_again": tell_again,
    },
)
