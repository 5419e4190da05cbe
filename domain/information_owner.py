"""The information owner of a data set, where the mail address is that of an account.

Such a person is no party to the case, but leaves one day as everybody does: the data set hangs on
the person, and asks for another when the person has gone.
"""

from collections.abc import Iterator

from domain.connection_state import TAKES_AGENTS, ConnectionState
from domain.datasets import InformationOwner
from domain.machine import Content, Moment
from domain.people import PersonLeft
from domain.person_state import person_id
from domain.state import Party, Person, System, Wait, Want

ROLE = "information_owner"


class OwnerLookedUp(Content):
    """Whether somebody in the account system has the information owner's mail address."""

    email: str
    account_id: str | None = None
    login_name: str | None = None
    active: bool = False


def owner_wants(state: ConnectionState) -> Iterator[Want]:
    """Yield the look-up of an information owner who has not been looked up yet."""
    is_delivered = state.stage in TAKES_AGENTS and state.is_enrolled
    if is_delivered and state.owner_email != state.declaration.information_owner.email:
        yield Want(operation="look_up_owner", system=System.ACCOUNT_SYSTEM)


def looked_up(state: ConnectionState, content: OwnerLookedUp, moment: Moment) -> None:
    """Hang on the information owner's access, if there is one, and no longer on who was before."""
    del moment
    owner = state.declaration.information_owner
    if content.email != owner.email or state.is_ending:
        return  # another was named meanwhile
    let_go(state)
    state.owner_email, state.owner_account = content.email, content.account_id
    if content.account_id is None:
        return
    person = Person(
        name=owner.name,
        email=owner.email,
        account_id=content.account_id,
        login_name=content.login_name,
        active=content.active,
    )
    details = person.model_dump(mode="json") | {"role": ROLE, "ref": state.workflow_id}
    details |= {"org_number": state.org_number, "organisation_name": state.organisation_name}
    state.tell(person_id(content.account_id), "enrol", details, starts="PersonAccess")


def let_go(state: ConnectionState) -> None:
    """Hang no longer on the information owner's access."""
    if state.owner_account is not None:
        word = {"ref": state.workflow_id, "roles": [ROLE]}
        state.tell(person_id(state.owner_account), "release", word)
    state.owner_account = None


def left(state: ConnectionState, content: PersonLeft) -> None:
    """The information owner has gone: the successor is it, or the producer names another."""
    if content.account_id != state.owner_account or state.is_ending:
        return
    if content.roles and ROLE not in content.roles:
        return
    let_go(state)
    successor = content.successors.get(ROLE)
    if successor is not None:
        owner = InformationOwner(name=successor.name, email=successor.email)
        changed = {"information_owner": owner}
        for dataset in filter(None, (state.dataset, state.before)):
            dataset.declaration = dataset.declaration.model_copy(update=changed)
        return
    state.is_owner_gone = True
    state.notify("information_owner_left", state.acting)


def owner_waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield the producer when the information owner has left."""
    if state.is_owner_gone:
        yield Wait(on=Party.PRODUCER, rule="update_contacts")
