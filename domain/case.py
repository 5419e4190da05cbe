"""What every case has: its facts and its people, and what follows from them at any stage."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from domain.act import Role
from domain.datasets import FULL_GRANT, Dataset, DatasetDecision, Declaration
from domain.dates import local_date, midnight_after
from domain.fields import Email, FreeText, Name, Phone
from domain.machine import Content, Moment, Payload, Reaction
from domain.policy import Policy
from domain.state import Party, Person, State, Timer, Wait, Waiting
from domain.text import Text


class Organisation(BaseModel):
    """The organisation of a case, as far as it is known."""

    org_number: str
    name: str = ""
    kind: str | None = None
    municipality_code: str | None = None
    account_id: str | None = None
    is_looked_up: bool = False
    needs_person: Text | None = None
    is_confirmed: bool = False

    @property
    def is_public(self) -> bool:
        """Whether it represents the public (det allmänna, FL 44 §)."""
        known = {"municipality", "state_agency", "region"}
        return self.kind in known or (self.kind is None and self.org_number.startswith("2"))


class OrganisationLookedUp(Content):
    """What the two registers say; `needs_person` says why a handler must look."""

    name: str = ""
    kind: str | None = None
    municipality_code: str | None = None
    needs_person: Text | None = None


class OrganisationAccountFound(Content):
    """The organisation's account in the account system."""

    account_id: str


class Completion(BaseModel):
    """What the producer has been asked to add."""

    items: list[dict[str, str]]
    due: date
    asked_at: datetime
    submitted_at: datetime | None = None
    text: str = ""
    documents: list[str] = Field(default_factory=list)


class Kind(StrEnum):
    """The two agreements."""

    PRODUCER = "producer"
    PROCESSING = "processing"


class Signatory(Payload):
    """Who signs for a party, and on what authority."""

    name: Name
    title: FreeText = Field(min_length=1)
    authority_basis: Literal["reglemente", "delegation", "beslut"]
    authority_document: str | None = None


class OfficialContact(Payload):
    """A contact named in the processing agreement (p.15 controller, B8 incidents)."""

    name: Name
    role: FreeText = Field(min_length=1)
    phone: Phone
    email: Email


class Agreement(BaseModel):
    """One agreement on its way: sent in, checked, returned, accepted, countersigned, registered.

    `registration` is the register's key of it, where another than ours has registered it.
    """

    kind: Kind
    submitted_at: datetime | None = None
    document: str | None = None
    form: str | None = None
    signatory: Signatory | None = None
    controller: OfficialContact | None = None
    incident: OfficialContact | None = None
    signature_method: str | None = None
    a3: tuple[str, ...] = ()
    a4: tuple[str, ...] = ()
    findings: list[dict[str, Any]] = Field(default_factory=list)
    is_form_checked: bool = False
    deficiencies: list[dict[str, str]] = Field(default_factory=list)
    returned_due: date | None = None
    checklist: list[dict[str, str]] = Field(default_factory=list)
    accepted_at: datetime | None = None
    valid_from: date | None = None
    countersigned_document: str | None = None
    countersigned_at: datetime | None = None
    registered_at: datetime | None = None
    registration: str | None = None

    @property
    def is_checked(self) -> bool:
        """Whether nothing is left for outside systems before a handler can look."""
        return self.form is None or self.is_form_checked


class Proposal(BaseModel):
    """What the case handler proposes (föredragning)."""

    outcome: str
    datasets: dict[str, DatasetDecision] = Field(default_factory=dict)
    legal_rules: tuple[str, ...]
    decisive_facts: str
    proposed_by: str
    proposed_at: datetime

    @property
    def is_full_grant(self) -> bool:
        """Whether nothing goes against the party, so that it need not be heard (FL 25 §)."""
        return self.outcome == "granted" and all(
            each.rank == FULL_GRANT for each in self.datasets.values()
        )


class Hearing(BaseModel):
    """The party's chance to comment before a decision (kommunicering, FL 25 §)."""

    material: str = ""
    due: date | None = None
    comment: str | None = None
    is_over: bool = False
    skipped_because: str | None = None


class Review(BaseModel):
    """The examination under way; cleared when a decision is sent back to be made again."""

    proposal: Proposal | None = None
    hearing: Hearing | None = None
    sent_back_because: str | None = None

    @property
    def may_be_decided(self) -> bool:
        """Whether a proposal lies before the decider and the party has been heard as it must."""
        if self.proposal is None:
            return False
        if self.proposal.is_full_grant:
            return True
        return self.hearing is not None and self.hearing.is_over


class Decision(BaseModel):
    """A decision with what FL 31-32 §§ ask for."""

    outcome: str
    datasets: dict[str, DatasetDecision] = Field(default_factory=dict)
    legal_rules: tuple[str, ...]
    decisive_facts: str
    reasons: str
    decided_by: str
    proposed_by: str
    decided_on: date


class Appeal(BaseModel):
    """From an adverse decision until it has gained legal force or the appeal is settled.

    `back_to` is the stage in which the case is taken up again when the decision does not stand.
    """

    outcome: str
    decided_on: date
    back_to: str
    is_public_party: bool
    received_on: date | None = None
    last_day: date | None = None
    document: str | None = None
    arrived_on: date | None = None
    is_in_time: bool | None = None
    handed_over_on: date | None = None


class CaseState(State):
    """State of a matter that somebody opened, that waits on people and ends.

    `arrived_on` is the day on which an application came by post, before it was opened here.
    """

    organisation: Organisation = Organisation(org_number="")
    contact: Person | None = None
    deputy: Person | None = None
    former: list[Person] = Field(default_factory=list)
    datasets: dict[str, Dataset] = Field(default_factory=dict)
    agreements: dict[str, Agreement] = Field(default_factory=dict)
    review: Review = Review()
    decisions: list[Decision] = Field(default_factory=list)
    appeal: Appeal | None = None
    completion: Completion | None = None
    parked_until: date | None = None
    parked_at: datetime | None = None
    paused: list[Waiting] = Field(default_factory=list)
    arrived_on: date | None = None
    decision_requested_at: datetime | None = None
    decision_request_due: date | None = None
    decision_request_refused: bool = False
    decisions_before: int = 0
    enrolled: list[str] = Field(default_factory=list)
    people_told: list[list[str | None]] | None = None

    @property
    def examining_stage(self) -> str:
        """The stage in which this type of case is examined and decided."""
        return "review"

    @property
    def undecided_since(self) -> date | None:
        """The day since which the party waits for a decision (FL 12 §)."""
        return self.arrived_on or (local_date(self.opened_at) if self.opened_at else None)

    @property
    def is_decided_now(self) -> bool:
        """Whether what is examined now has been decided; a lifted decision counts no more."""
        return len(self.decisions) > self.decisions_before

    @property
    def is_case(self) -> bool:
        """Whether it is (still) a case: the everyday steps are open."""
        return not self.is_ending

    def contact_for(self, role: Role) -> Person | None:
        """Return the producer's contact or deputy."""
        return {Role.PRODUCER_CONTACT: self.contact, Role.PRODUCER_DEPUTY: self.deputy}.get(role)

    def people(self) -> Iterator[tuple[str, Person]]:
        """Yield the producer's people by their role here."""
        if self.contact:
            yield "contact", self.contact
        if self.deputy:
            yield "deputy", self.deputy

    def organisation_of(self, role: str) -> tuple[str, str]:
        """Return number and name of the organisation that a role's person belongs to."""
        del role
        return self.org_number, self.organisation_name

    @property
    def agreement_ref(self) -> str | None:
        """The agreement whose contacts are the contacts here too, once there is one."""
        return None

    def tell_agreement(self, role: str, person: Person) -> None:
        """Let the agreement know a new contact or deputy: they are those of all under it."""
        if self.agreement_ref is not None:
            content = {"role": role, "person": person.model_dump(mode="json")}
            self.tell(self.agreement_ref, "case_contacts", content)

    @property
    def acting(self) -> Person | None:
        """Who acts for the producer: the contact, or the deputy while there is none."""
        return self.contact or self.deputy

    @property
    def addressee(self) -> Person | Role:
        """Who is told what the party must know; a handler where nobody acts for it."""
        return self.acting or Role.CASE_HANDLER

    @property
    def also_told(self) -> tuple[Person | None, ...]:
        """Who else is told when the case is withdrawn or closed."""
        return ()

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return who is reminded on the producer's behalf."""
        del waiting
        return self.acting

    def as_described(self, declaration: Declaration) -> Declaration:
        """Return what of a declaration may be said anew where the case stands: all of it."""
        return declaration

    def end(self, outcome: str) -> None:
        """Begin the clean-up that leads to an outcome."""
        self.outcome = outcome
        self.stage = "ending"
        self.unpark()

    def unpark(self) -> None:
        """Forget that it was parked."""
        self.parked_until, self.parked_at, self.paused = None, None, []


def is_case(state: CaseState, moment: Moment) -> bool:
    """Open while it is a case."""
    del moment
    return state.is_case


def awaits_completion(state: CaseState) -> bool:
    """Whether the producer has been asked for something and has not answered."""
    return state.completion is not None and state.completion.submitted_at is None


def is_completion_overdue(state: CaseState, moment: Moment) -> bool:
    """Whether the day to complete has passed in silence: the handler may then decide."""
    return (
        state.completion is not None
        and awaits_completion(state)
        and state.completion.due < moment.today
    )


def is_running(state: State, moment: Moment) -> bool:
    """Open until everything has ended, clean-up included."""
    del moment
    return not state.is_ended


CHECK_COMPLETION = "check_completion"


def everyday_waits(state: CaseState) -> tuple[Wait, ...] | None:
    """Return whom a parked or incomplete case waits on; None when the stage decides."""
    if state.parked_until is not None:
        return (Wait(on=Party.NOBODY, rule="parked", due=state.parked_until),)
    if state.completion is None:
        return None
    if awaits_completion(state):
        return (Wait(on=Party.PRODUCER, rule="completion", due=state.completion.due),)
    return (Wait(on=Party.CASE_HANDLER, rule=CHECK_COMPLETION),)


def everyday_timers(state: CaseState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of a parking."""
    del policy
    if state.parked_until is not None:
        at = midnight_after(state.parked_until - timedelta(days=1))
        yield Timer(name="unpark", at=at, rule="parked")


class PartEnded(Content):
    """A workflow that belongs to this one has ended."""

    ref: str
    outcome: str | None = None


def part_ended(state: State, content: PartEnded, moment: Moment) -> None:
    """Note that a part has ended."""
    del moment
    if content.ref in state.parts:
        state.parts[content.ref].ended = True
        state.parts[content.ref].outcome = content.outcome


PART_ENDED: Reaction[State] = Reaction(payload=PartEnded, do=part_ended)


def completion_seen(state: CaseState) -> None:
    """A handler has acted on what came in: it no longer waits to be looked at."""
    if state.completion is not None and state.completion.submitted_at is not None:
        state.completion = None
