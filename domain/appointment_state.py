"""What an agent's appointment knows about itself."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from domain.act import Actor, Role
from domain.adopted import AdoptedDelivery
from domain.agreement_state import Standing, agreement_id
from domain.bad_value import BadValue
from domain.datasets import Hosting
from domain.dates import midnight_after
from domain.fields import Day, HttpsUrl, Name, OrgNumberField, PersonsEmail, Phone
from domain.machine import Moment, Payload
from domain.policy import AgentKind, Policy
from domain.state import Part, Person, Waiting
from domain.text import Text
from domain.yearly import YearlyConfirmed

AGENT_CONTACT = "agent_contact"
AGENT = frozenset({Role.AGENT_CONTACT})
APPOINTMENT, MANDATE, AGREEMENT, LAST_DAY = "appointment", "mandate", "agreement", "last_day"


def appointment_id(org_number: str, agent_id: str) -> str:
    """Workflow id of an agent's appointment by a producer."""
    return f"agent/{org_number}/{agent_id}"


class AgentOrganisation(Payload):
    """Who is to deliver: an organisation, or a sole trader under a number of ours.

    A sole trader's own number is a personnummer: it is neither asked for nor kept.
    """

    org_number: OrgNumberField | None = None
    sole_trader: bool = False
    name: Name

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.org_number is None) is self.sole_trader:
            return self
        raise BadValue(
            "agent_number",
            Text(
                sv="Ange ombudets organisationsnummer, eller sole_trader för en enskild firma.",
                en="Give the agent's organisation number, or sole_trader for a sole trader.",
            ),
        )


class AgentPerson(Payload):
    """The agent's own contact, who gets an own personal account."""

    name: Name
    email: PersonsEmail
    phone: Phone = ""


class AgentDataset(Payload):
    """A data set that the agent delivers, and where the agent's data lie."""

    dataset_id: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9_-]+$")
    hosting: Hosting = Hosting.DATA_HOST
    base_url: HttpsUrl | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.hosting is not Hosting.OWN_API or self.base_url is not None:
            return self
        raise BadValue(
            "base_url_missing",
            Text(
                sv="Ange adressen till API:et (base_url), den ska börja med https://.",
                en="Give the address of the API (base_url), beginning with https://.",
            ),
        )


class Mandate(Payload):
    """The document that lets the agent act (fullmakt), and its last day where it has one."""

    document: str = Field(min_length=1)
    valid_to: Day | None = None


class Extension(BaseModel):
    """A later last day that has been asked for, and who has yet to agree."""

    valid_to: date
    mandate: Mandate | None = None
    by_agent: bool
    is_agreed: bool = False


class AgentItem(BaseModel):
    """A data set under the appointment, and what became of the right to deliver it."""

    wanted: AgentDataset
    ref: str
    adopted: AdoptedDelivery | None = None
    is_begun: bool = False
    is_removed: bool = False
    outcome: str | None = None


class AppointmentState(YearlyConfirmed):
    """Everything about one agent's appointment by one producer.

    `contact` and `deputy` are the producer's; the agent's person is `agent_contact`. The right
    ends at the earliest of `limits()`; `reminded` says which reminders have gone out.
    """

    type: str = "AgentAppointment"
    stage: str = "proposed"
    agent_id: str = ""
    agent_name: str = ""
    agent_kind: AgentKind | None = None
    is_sole_trader: bool = False
    agent_account_id: str | None = None
    agent_contact: Person | None = None
    items: dict[str, AgentItem] = Field(default_factory=dict)
    valid_from: date | None = None
    valid_to: date | None = None
    mandate: Mandate | None = None
    agreement_exists: bool = False
    agreement_until: datetime | None = None
    last_day: date | None = None
    last_day_outcome: str = "revoked"
    opened_by: str | None = None
    is_by_authority: bool = False
    standing: Standing | None = None
    is_enrolled: bool = False
    accepted_at: datetime | None = None
    approved_at: datetime | None = None
    is_approval_needed: bool = True
    extension: Extension | None = None
    acknowledged_at: datetime | None = None
    reminded: list[str] = Field(default_factory=list)
    limits_told: dict[str, datetime] = Field(default_factory=dict)
    contact_told: list[str | None] = Field(default_factory=list)

    @property
    def is_case(self) -> bool:
        """An active appointment is an entity: the everyday steps are closed."""
        return not self.is_ending and self.stage != "active"

    @property
    def is_approved(self) -> bool:
        """Whether the authority has nothing left to say about the agent."""
        is_known = self.agent_kind is not None
        return self.approved_at is not None or (is_known and not self.is_approval_needed)

    @property
    def agreement_ref(self) -> str | None:
        """The agreement that the appointment is enrolled at."""
        return agreement_id(self.org_number) if self.is_enrolled else None

    def people(self) -> Iterator[tuple[str, Person]]:
        """Yield the people by their role here: the producer's, then the agent's."""
        yield from super().people()
        if self.agent_contact:
            yield AGENT_CONTACT, self.agent_contact

    def organisation_of(self, role: str) -> tuple[str, str]:
        """Return number and name of the organisation that a role's person belongs to."""
        if role == AGENT_CONTACT:
            return self.agent_id, self.agent_name
        return super().organisation_of(role)

    def contact_for(self, role: Role) -> Person | None:
        """Return the producer's contact or deputy, or the agent's contact."""
        return self.agent_contact if role is Role.AGENT_CONTACT else super().contact_for(role)

    @property
    def also_told(self) -> tuple[Person | None, ...]:
        """The agent, who has been asked or has accepted."""
        return (self.agent_contact,)

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return whom a wait is for: the agent's contact, or who acts for the producer."""
        if waiting.on in {"agent", "person"}:
            return self.agent_contact
        return self.acting

    def is_mine(self, actor: Actor) -> bool:
        """Whether an outside actor is the person of the role, for the right organisation."""
        if actor.role is not Role.AGENT_CONTACT:
            is_known = self.standing is not None or self.contact is not None
            return super().is_mine(actor) if is_known else actor.subject == self.opened_by
        person = self.agent_contact
        mine = actor.organisation in {None, self.agent_id}
        return mine and person is not None and person.is_actor(actor)

    def needs_approval(self, policy: Policy) -> bool:
        """Whether a handler approves agents of this kind."""
        return (self.agent_kind or "unknown") in policy.agents_approved

    def limits(self) -> dict[str, datetime]:
        """Return the instant at which each source of the right ends."""
        days = {
            APPOINTMENT: self.valid_to,
            MANDATE: self.mandate.valid_to if self.mandate else None,
            LAST_DAY: self.last_day,
        }
        found = {source: midnight_after(day) for source, day in days.items() if day is not None}
        if self.agreement_until is not None:
            found[AGREEMENT] = self.agreement_until
        return found

    @property
    def valid_until(self) -> tuple[datetime, str] | None:
        """The earliest of the ends, and the source that sets it."""
        return min(((at, source) for source, at in self.limits().items()), default=None)

    def derived(self) -> dict[str, Any]:
        """Return until when the right lasts, and which source says so."""
        if self.valid_until is None:
            return {}
        at, source = self.valid_until
        return {"valid_until": at.isoformat(), "valid_until_source": source}

    def permission_of(self, ref: str) -> Part | None:
        """Return the part of a permission that has not ended."""
        part = self.parts.get(ref)
        return part if part is not None and not part.ended else None


def is_active(state: AppointmentState, moment: Moment) -> bool:
    """Whether what belongs to an appointment under way is open."""
    del moment
    return state.stage == "active"
