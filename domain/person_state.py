"""What a person's access knows about itself."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, Field

from domain.act import CONTACT, Actor, Role
from domain.fields import Name, PersonsEmail, Phone
from domain.machine import Payload
from domain.state import Person, State, Waiting

OUTSIDE = CONTACT | frozenset({Role.AGENT_CONTACT, Role.PRODUCER_MEMBER})
ORGANISATION = CONTACT | frozenset({Role.AGENT_CONTACT})
SUCCESSOR = "successor"
KEY = "key"


def person_id(account_id: str) -> str:
    """Workflow id of a person's access."""
    return f"person/{account_id}"


class Enrolment(BaseModel):
    """Something that hangs on the person, in a role."""

    ref: str
    role: str


class Successor(BaseModel):
    """Who takes a role over; `person.account_id` is there once the account has been found."""

    role: str
    person: Person


class NamedPerson(Payload):
    """A person by name and mail address; an account that is there already is used as found."""

    name: Name
    email: PersonsEmail
    phone: Phone = ""


class NamedSuccessor(Payload):
    """Who is to take over a role."""

    role: str = Field(min_length=1, max_length=40)
    person: NamedPerson


class PersonState(State):
    """Everything about one person's access.

    `last_day` is the last day of a departure, `duties` the roles that are given up, each with the
    first day without it. `account_off` is None while nothing is known against the account.
    """

    type: str = "PersonAccess"
    stage: str = "invited"
    person: Person | None = None
    enrolments: dict[str, Enrolment] = Field(default_factory=dict)
    successors: dict[str, Successor] = Field(default_factory=dict)
    last_day: date | None = None
    duties: dict[str, date] = Field(default_factory=dict)
    left_at: datetime | None = None
    told_at: datetime | None = None
    is_activating: bool = False
    is_off_wanted: bool = False
    is_unexplained: bool = False
    unexplained_since: datetime | None = None

    @property
    def account_id(self) -> str:
        """The account system's id; it is also the end of the workflow's id."""
        return self.workflow_id.partition("/")[2]

    @property
    def roles(self) -> list[str]:
        """The roles that somebody must take over when the person goes."""
        found = {each.role for each in self.enrolments.values()} - {SUCCESSOR}
        return sorted(found)

    @property
    def going(self) -> list[str]:
        """The roles that are on their way to somebody else."""
        return self.roles if self.last_day else [r for r in self.duties if r in self.roles]

    def last_day_in(self, role: str) -> date | None:
        """Return the last day on which the person has a role; None when none is set."""
        first_without = self.duties.get(role)
        days = [self.last_day, first_without and first_without - timedelta(days=1)]
        return min((day for day in days if day is not None), default=None)

    def contact_for(self, role: Role) -> Person | None:
        """Return the person, whatever the role."""
        del role
        return self.person

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return the person for what only the person can do."""
        return self.person if waiting.rule == "activate_account" else None


def is_the_person(state: PersonState, actor: Actor) -> bool:
    """Whether the person is the one logged in."""
    return state.person is not None and state.person.is_actor(actor)


def is_same_organisation(state: PersonState, actor: Actor) -> bool:
    """Whether the actor speaks for the person's organisation."""
    return actor.organisation == state.org_number
