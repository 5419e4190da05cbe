"""The people of a case: found or created, enrolled, let go, and succeeded when they leave."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from pydantic import Field

from domain.act import Role
from domain.case import CaseState
from domain.machine import Content, Moment, Reaction
from domain.person_state import person_id
from domain.state import Party, Person, System, Wait, Want

CASE_ROLES = ("contact", "deputy", "agent_contact")


class PersonFound(Content):
    """A person's personal account has been found or created in the account system."""

    role: str
    email: str
    account_id: str
    login_name: str
    active: bool


class PersonActive(Content):
    """A person has activated the personal account (or was found active)."""

    account_id: str


class PersonSuspended(Content):
    """A person's account is suspended: only who may reactivate it can help."""

    account_id: str


class PersonLeaving(Content):
    """Somebody this hangs on leaves after a day; None when the departure is called off."""

    account_id: str
    last_day: date | None = None


class PersonLeft(Content):
    """Somebody has left, or given roles up; `successors` by role, where somebody takes over."""

    account_id: str
    roles: tuple[str, ...] = ()
    successors: dict[str, Person] = Field(default_factory=dict)


def _person_found(state: CaseState, content: PersonFound, moment: Moment) -> None:
    del moment
    if state.is_ended:
        return  # the search was under way when it ended: nothing hangs on the person any more
    person = dict(state.people()).get(content.role)
    if person is None or person.email.casefold() != content.email.casefold():
        return  # replaced meanwhile: the new person is wanted again
    person.account_id = content.account_id
    person.login_name = content.login_name
    person.active = content.active
    enrol_person(state, person, content.role)


def enrol_person(state: CaseState, person: Person, role: str) -> None:
    """Let a person's access know that this case hangs on the person."""
    assert person.account_id is not None
    ref = person_id(person.account_id)
    number, name = state.organisation_of(role)
    details = person.model_dump(mode="json") | {"role": role, "ref": state.workflow_id}
    details |= {"org_number": number, "organisation_name": name}
    state.tell(ref, "enrol", details, starts="PersonAccess")
    if person.account_id not in state.enrolled:
        state.enrolled.append(person.account_id)


def release_people(state: CaseState, *, keep: frozenset[str] = frozenset()) -> None:
    """Let go of everybody who no longer has a role here."""
    for account_id in [each for each in state.enrolled if each not in keep]:
        word = {"ref": state.workflow_id, "roles": list(CASE_ROLES)}
        state.tell(person_id(account_id), "release", word)
        state.enrolled.remove(account_id)


def take_role(state: CaseState, role: Literal["contact", "deputy"], person: Person) -> None:
    """Let a person take a role; who had it before is let go, unless another role is left."""
    before = dict(state.people()).get(role)
    if before is not None:
        state.former.append(before)
    if role == "contact":
        state.contact = person
    else:
        state.deputy = person
    left = frozenset(each.account_id for _, each in state.people() if each.account_id)
    release_people(state, keep=left)


def give_role(state: CaseState, role: Literal["contact", "deputy"], person: Person) -> None:
    """Let somebody who was named take a role, and tell the person."""
    take_role(state, role, person)
    state.notify("role_given", person, what={"item": role})


def vacate(state: CaseState, role: str, successor: Person | None) -> None:
    """Let go of the person in a role; who takes it over, if anybody, has it at once."""
    if successor is not None and role in {"contact", "deputy"}:
        take_role(state, "contact" if role == "contact" else "deputy", successor)
        if successor.account_id is not None:
            enrol_person(state, successor, role)
        return
    before = dict(state.people()).get(role)
    if before is None:
        return
    state.former.append(before)
    if role == "contact":
        state.contact = None
    else:
        state.deputy = None
    release_people(state, keep=frozenset(p.account_id for _, p in state.people() if p.account_id))


def _person_left(state: CaseState, content: PersonLeft, moment: Moment) -> None:
    """Somebody who had a role here has left: the successor has it, or nobody."""
    del moment
    if state.is_ending:
        return  # lets everybody go when it has ended
    for role, person in list(state.people()):
        is_meant = not content.roles or role in content.roles
        if person.account_id == content.account_id and is_meant:
            vacate(state, role, content.successors.get(role))
            state.notify("person_left", state.acting or Role.CASE_HANDLER, what={"item": role})
    if content.account_id in state.enrolled and content.account_id not in {
        person.account_id for _, person in state.people()
    }:
        release_people(state, keep=frozenset(state.enrolled) - {content.account_id})


def tell_contacts(state: CaseState, refs: Iterable[str]) -> None:
    """Let parts that go on know who the contact and the deputy are, whenever that has changed."""
    people = [[person.email, person.account_id] for _, person in state.people()]
    is_known = state.people_told is None or state.people_told == people
    state.people_told = people
    if is_known:
        return  # a part is begun with the people of its day
    contacts = {
        "holder": state.contact.model_dump(mode="json") if state.contact else None,
        "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
    }
    for ref in refs:
        if ref in state.parts and not state.parts[ref].ended:
            state.tell(ref, "contacts", contacts)


def people_wants(state: CaseState) -> Iterator[Want]:
    """Yield an account for each person who has none yet."""
    for role, person in state.people():
        if person.account_id is None:
            yield Want(operation="find_or_create_person", system=System.ACCOUNT_SYSTEM, item=role)


def contact_waits(state: CaseState) -> Iterator[Wait]:
    """Yield who must name a contact when the one there was has left."""
    if state.is_opened and not state.is_ending and state.contact is None:
        party = Party.PRODUCER if state.deputy is not None else Party.CASE_HANDLER
        yield Wait(on=party, rule="name_contact")


def _person_active(state: CaseState, content: PersonActive, moment: Moment) -> None:
    del moment
    _switched(state, content.account_id, is_on=True)


def _person_suspended(state: CaseState, content: PersonSuspended, moment: Moment) -> None:
    del moment
    _switched(state, content.account_id, is_on=False)


def _switched(state: CaseState, account_id: str, *, is_on: bool) -> None:
    for _, person in state.people():
        if person.account_id == account_id:
            person.active, person.suspended = is_on, not is_on


def activation_wait(person: Person, role: str) -> Wait:
    """Return who can switch on a person's account: the person, unless it is suspended."""
    if person.suspended:
        return Wait(on=Party.CASE_HANDLER, rule="reactivate", item=role)
    return Wait(on=Party.PERSON, rule="activate_account", item=role)


PEOPLE: dict[str, Reaction[CaseState]] = {
    "person_found": Reaction(payload=PersonFound, do=_person_found),
    "person_active": Reaction(payload=PersonActive, do=_person_active),
    "person_suspended": Reaction(payload=PersonSuspended, do=_person_suspended),
    "person_left": Reaction(payload=PersonLeft, do=_person_left),
}
