"""Who holds a permission's keys: enrolled at the person, and changed when the person goes.

The organisation's right to deliver stands when a person leaves: a key that the person has fetched
is changed to who comes after, and lives until the new one has been fetched. When nobody comes it
ends after the same days as an overlap.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.act import Role
from domain.machine import Content, Moment, Reaction
from domain.people import PersonActive, PersonLeft, person_id
from domain.permission_state import PermissionState
from domain.person_state import KEY
from domain.policy import Policy
from domain.state import Part, Party, Person, Timer, Wait

SUCCEEDS = (KEY, "agent_contact", "contact")


class Contacts(Content):
    """The owner says who the party's contact is now; None while there is none."""

    holder: Person | None = None
    deputy: Person | None = None


def _key_of(state: PermissionState, environment: str) -> Part | None:
    return next((part for part in state.open_parts() if part.item == environment), None)


def fetched(state: PermissionState, environment: str) -> None:
    """Note who has fetched a key; it is not to be changed any more."""
    if state.holder is not None:
        state.fetched_by[environment] = state.holder
    state.to_rotate.pop(environment, None)
    if not state.to_rotate:
        state.is_rotation_late = False


def _left(state: PermissionState, content: PersonLeft, moment: Moment) -> None:
    """Somebody who holds or has fetched a key has gone."""
    if content.roles and KEY not in content.roles:
        return
    gone = content.account_id
    for environment, person in list(state.fetched_by.items()):
        if person.account_id == gone and not state.is_ending:
            state.to_rotate.setdefault(environment, moment.now)
            del state.fetched_by[environment]
    if state.holder is not None and state.holder.account_id == gone:
        named = (content.successors.get(role) for role in SUCCEEDS)
        deputy = state.deputy if state.deputy and state.deputy.account_id != gone else None
        state.holder = next(filter(None, named), None) or deputy
        word = {"account_id": gone}
        for part in state.open_parts():
            state.tell(part.ref, "cancel_offers_to", word)
            if state.holder is not None:
                holder = state.holder.model_dump(mode="json")
                state.tell(part.ref, "holder", {"holder": holder})


def _contacts(state: PermissionState, content: Contacts, moment: Moment) -> None:
    del moment
    holder = content.holder or content.deputy
    state.deputy = content.deputy
    if holder is None:
        return
    state.holder = holder
    for part in state.open_parts():
        state.tell(part.ref, "holder", {"holder": holder.model_dump(mode="json")})


def _active(state: PermissionState, content: PersonActive, moment: Moment) -> None:
    del moment
    if state.holder is not None and state.holder.account_id == content.account_id:
        state.holder.active = True


def change_keys(state: PermissionState) -> None:
    """Let keys of people who have gone be changed as soon as there is somebody to change to."""
    if state.holder is None or state.is_ending:
        return
    for environment in list(state.to_rotate):
        part = _key_of(state, environment)
        if part is not None:
            holder = state.holder.model_dump(mode="json")
            state.tell(part.ref, "rotate_to", {"holder": holder, "reason": "person_left"})
        del state.to_rotate[environment]


def enrol_holders(state: PermissionState) -> None:
    """Hang on everybody who holds a key or has fetched one, and on nobody else."""
    people = [*state.fetched_by.values(), *([state.holder] if state.holder else [])]
    wanted = {each.account_id: each for each in people if each.account_id}
    if state.is_ended:
        wanted = {}
    for account_id, person in wanted.items():
        if account_id not in state.enrolled:
            details = person.model_dump(mode="json") | {"role": KEY, "ref": state.workflow_id}
            details |= {"org_number": state.party, "organisation_name": state.party_name}
            state.tell(person_id(account_id), "enrol", details, starts="PersonAccess")
            state.enrolled.append(account_id)
    for account_id in [each for each in state.enrolled if each not in wanted]:
        state.tell(person_id(account_id), "release", {"ref": state.workflow_id})
        state.enrolled.remove(account_id)


def holder_waits(state: PermissionState) -> Iterator[Wait]:
    """Yield who must say to whom a key is to be changed."""
    if state.holder is None and not state.is_ending:
        yield Wait(on=Party.CASE_HANDLER, rule="name_holder")


def holder_timers(state: PermissionState, policy: Policy) -> Iterator[Timer]:
    """Yield when a handler is told that a key has not been changed, and when it ends."""
    if not state.to_rotate or state.is_ending:
        return
    since = min(state.to_rotate.values())
    if not state.is_rotation_late:
        at = since + timedelta(days=policy.key_overlap_warning_days)
        yield Timer(name="rotation_late", at=at, rule="key_overlap")
    at = since + timedelta(days=policy.key_overlap_days)
    yield Timer(name="rotation_given_up", at=at, rule="key_overlap")


def rotation_late(state: PermissionState, moment: Moment) -> None:
    """Nobody has been named to whom the key of a person who left can go."""
    del moment
    state.is_rotation_late = True
    state.notify("rotation_late", Role.CASE_HANDLER)


def rotation_given_up(state: PermissionState, moment: Moment) -> None:
    """Nobody has come: the keys of a person who left live no longer."""
    oldest: datetime = min(state.to_rotate.values())
    for environment, since in list(state.to_rotate.items()):
        part = _key_of(state, environment)
        if since == oldest:
            del state.to_rotate[environment]
            if part is not None:
                state.tell(part.ref, "halt", {"reason": "nobody_took_over"})
    state.is_rotation_late = False
    state.notify("key_halted", Role.CASE_HANDLER)
    del moment


REACTIONS: dict[str, Reaction[PermissionState]] = {
    "contacts": Reaction(payload=Contacts, do=_contacts),
    "person_active": Reaction(payload=PersonActive, do=_active),
    "person_left": Reaction(payload=PersonLeft, do=_left),
}
