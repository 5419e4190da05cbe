"""A person's access: one personal account, and all that hangs on it."""

from collections.abc import Iterator

from pydantic import BaseModel, Field

from domain.act import CONTACT, HANDLER, Actor, Role
from domain.everyday import ASSIGN, NOTE, RETRY_STEP
from domain.machine import Content, Machine, Moment, NoPayload, Reaction, Step
from domain.state import Party, Person, State, System, Wait, Waiting, Want
from domain.text import Text

STAGES = ("invited", "active", "suspended", "leaving", "ending", "ended")


class Enrolment(BaseModel):
    """Something that hangs on the person."""

    ref: str
    role: str


class PersonState(State):
    """Everything about one person's access."""

    type: str = "PersonAccess"
    stage: str = "invited"
    person: Person | None = None
    enrolments: dict[str, Enrolment] = Field(default_factory=dict)
    is_activating: bool = False

    def contact_for(self, role: Role) -> Person | None:
        """Return the person, whatever the role."""
        del role
        return self.person

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return the person."""
        del waiting
        return self.person


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
    """A case or entity no longer hangs on the person."""

    ref: str


def _enrol(state: PersonState, content: Enrol, moment: Moment) -> None:
    state.enrolments[f"{content.ref}/{content.role}"] = Enrolment(
        ref=content.ref, role=content.role
    )
    if state.person is None:
        names = {"name", "email", "phone", "account_id", "login_name", "active"}
        state.person = Person(**content.model_dump(include=names))
        state.org_number, state.organisation_name = content.org_number, content.organisation_name
        state.opened_at = moment.now
        state.stage = "active" if content.active else "invited"
        if not content.active:
            state.notify("invitation", state.person)
    if state.stage == "active":
        _tell_active(state, content.ref)


def _release(state: PersonState, content: Release, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    kept = {key: each for key, each in state.enrolments.items() if each.ref != content.ref}
    state.enrolments = kept


def _activate(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.is_activating = True


def _resend(state: PersonState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.notify("invitation", state.person)


def _activated(state: PersonState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_activating = False
    assert state.person is not None
    state.person.active = True
    if state.stage == "invited":
        state.stage = "active"
        for ref in sorted({each.ref for each in state.enrolments.values()}):
            _tell_active(state, ref)


def _tell_active(state: PersonState, ref: str) -> None:
    assert state.person is not None
    state.tell(ref, "person_active", {"account_id": state.person.account_id})


def progress(state: PersonState, moment: Moment) -> None:
    """An invitation that nothing hangs on any more lapses; an account in use stays."""
    del moment
    unused = state.is_opened and not state.enrolments
    if unused and state.stage == "invited" and not state.is_activating:
        state.outcome = "lapsed"
        state.stage = "ended"


def wants(state: PersonState) -> Iterator[Want]:
    """Yield the activation the person has asked for."""
    if state.is_activating:
        yield Want(operation="activate_person", system=System.ACCOUNT_SYSTEM)


def waits(state: PersonState) -> Iterator[Wait]:
    """Yield on whom the access waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.is_activating:
        yield Wait(on=Party.ACCOUNT_SYSTEM, rule="switch_account")
    elif state.stage == "invited":
        yield Wait(on=Party.PERSON, rule="activate_account")
    else:
        yield Wait(on=Party.NOBODY, rule="active")


def _is_invited(state: PersonState, moment: Moment) -> bool:
    del moment
    return state.is_opened and state.stage == "invited" and not state.is_activating


def _is_the_person(state: PersonState, actor: Actor) -> bool:
    return state.person is not None and state.person.is_actor(actor)


OUTSIDE = CONTACT | frozenset({Role.AGENT_CONTACT, Role.PRODUCER_MEMBER})
STEPS: tuple[Step[PersonState], ...] = (
    Step(
        name="activate_account",
        payload=NoPayload,
        who=OUTSIDE,
        is_open=_is_invited,
        is_mine=_is_the_person,
        by_post=False,
        do=_activate,
        help=Text(sv="Aktivera ditt personliga konto.", en="Activate your personal account."),
    ),
    Step(
        name="resend_invitation",
        payload=NoPayload,
        who=HANDLER | CONTACT,
        is_open=_is_invited,
        do=_resend,
        help=Text(sv="Skicka inbjudan igen.", en="Send the invitation again."),
    ),
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
    },
    progress=progress,
    wants=wants,
    waits=waits,
)
