"""Who holds a permission's keys: enrolled at the person, and changed when the person goes.

The organisation's right to deliver stands when a person leaves: a key that the person has fetched
is changed to who comes after; how long the old one lives is the credential's to say.
"""

from domain.machine import Content, Moment, Reaction
from domain.people import PersonActive, PersonLeft
from domain.permission_state import PermissionState, keys_roles
from domain.person_state import KEY, person_id
from domain.state import Part, Person


class Contacts(Content):
    """The owner says who the party's contact is now; None while there is none."""

    holder: Person | None = None
    deputy: Person | None = None


def _key_of(state: PermissionState, environment: str) -> Part | None:
    return next((part for part in state.open_parts() if part.item == environment), None)


def _json(person: Person | None) -> dict[str, object] | None:
    return person.model_dump(mode="json") if person else None


def fetched(state: PermissionState, environment: str, holder: Person | None) -> None:
    """Note who has fetched a key."""
    if holder is not None:
        state.fetched_by[environment] = holder


def _left(state: PermissionState, content: PersonLeft, moment: Moment) -> None:
    """Somebody who holds or has fetched a key has gone: nothing is offered there any more."""
    del moment
    if state.is_ending or (content.roles and KEY not in content.roles):
        return
    gone = content.account_id
    if state.holder is not None and state.holder.account_id == gone:
        roles = (KEY, *sorted(keys_roles(state.workflow_id)))
        named = (content.successors.get(role) for role in roles)
        deputy = state.deputy if state.deputy and state.deputy.account_id != gone else None
        state.holder = next(filter(None, named), None) or deputy
    for part in state.open_parts():
        state.tell(part.ref, "cancel_offers_to", {"account_id": gone})
        if state.holder is not None:
            state.tell(part.ref, "holder", {"holder": _json(state.holder)})
    for environment, person in list(state.fetched_by.items()):
        part_of_key = _key_of(state, environment)
        if person.account_id != gone or part_of_key is None:
            continue
        del state.fetched_by[environment]
        word = {"holder": _json(state.holder), "reason": "person_left"}
        state.tell(part_of_key.ref, "rotate_to", word)


def _contacts(state: PermissionState, content: Contacts, moment: Moment) -> None:
    del moment
    holder = content.holder or content.deputy
    state.deputy = content.deputy
    if holder is None:
        return
    state.holder = holder
    for part in state.open_parts():
        state.tell(part.ref, "holder", {"holder": _json(holder)})


def _active(state: PermissionState, content: PersonActive, moment: Moment) -> None:
    del moment
    if state.holder is not None and state.holder.account_id == content.account_id:
        state.holder.active = True


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


REACTIONS: dict[str, Reaction[PermissionState]] = {
    "contacts": Reaction(payload=Contacts, do=_contacts),
    "person_active": Reaction(payload=PersonActive, do=_active),
    "person_left": Reaction(payload=PersonLeft, do=_left),
}
