"""What every workflow knows about itself: the part of the state that all machines share."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.act import Actor, Role


class Party(StrEnum):
    """On whom something waits. The order is the order in which one of several is shown first."""

    PRODUCER = "producer"
    AGENT = "agent"
    PERSON = "person"
    CASE_HANDLER = "case_handler"
    DECIDER = "decider"
    SIGNATORY = "signatory"
    ACCOUNT_SYSTEM = "account_system"
    AGREEMENT_REGISTER = "agreement_register"
    API_PORTAL = "api_portal"
    DELIVERY_API = "delivery_api"
    COURT = "court"
    NOBODY = "nobody"


OUTER = (Party.PRODUCER, Party.AGENT, Party.PERSON)
OURS = (Party.CASE_HANDLER, Party.DECIDER, Party.SIGNATORY)


class System(StrEnum):
    """Where an operation is done: each has a task queue of its own, so none starves another."""

    ACCOUNT_SYSTEM = "account_system"
    AGREEMENT_REGISTER = "agreement_register"
    PORTAL_VERIFICATION = "portal_verification"
    PORTAL_PRODUCTION = "portal_production"
    DELIVERY_API = "delivery_api"
    MAIL = "mail"
    RECORDS = "records"
    CASES = "cases"


PARTY_OF_SYSTEM = {
    System.ACCOUNT_SYSTEM: Party.ACCOUNT_SYSTEM,
    System.AGREEMENT_REGISTER: Party.AGREEMENT_REGISTER,
    System.PORTAL_VERIFICATION: Party.API_PORTAL,
    System.PORTAL_PRODUCTION: Party.API_PORTAL,
    System.DELIVERY_API: Party.DELIVERY_API,
}


class Want(BaseModel):
    """An operation in the world that the facts call for, not done yet."""

    model_config = ConfigDict(frozen=True)

    operation: str
    system: System
    item: str = ""

    @property
    def key(self) -> str:
        """Name of the operation within its workflow: `operation` or `operation:item`."""
        return f"{self.operation}:{self.item}" if self.item else self.operation


class Pending(Want):
    """A want, and since when."""

    since: datetime


class Wait(BaseModel):
    """Somebody who must act before the case moves on, and by which rule.

    `due` is set where the day was given to the party; other days follow from the policy.
    """

    model_config = ConfigDict(frozen=True)

    on: Party
    rule: str
    item: str = ""
    due: date | None = None

    @property
    def key(self) -> str:
        """What tells two waits apart."""
        return f"{self.on}/{self.rule}/{self.item}"


class Waiting(Wait):
    """A wait since an instant; `told` names the reminders that have gone out.

    `extended_to` is a later day that a handler gave this very wait: it goes when the wait does.
    """

    since: datetime
    told: tuple[str, ...] = ()
    extended_to: date | None = None

    def with_day(self, **changes: date | None) -> "Waiting":
        """Copy with another last day. What was told about the old day is forgotten.

        Reminders that count from the beginning of the wait carry their days at the end of the
        name; they have gone out and do not go out again.
        """
        kept = tuple(name for name in self.told if not name.endswith("|"))
        return self.model_copy(update={**changes, "told": kept})


class Timer(BaseModel):
    """Something that happens by itself at an instant."""

    model_config = ConfigDict(frozen=True)

    name: str
    at: datetime
    rule: str
    item: str = ""


class EntryKind(StrEnum):
    """What made a journal entry."""

    ACT = "act"
    ANSWER = "answer"
    WORD = "word"
    DEADLINE = "deadline"
    REFUSED = "refused"
    FOLLOWED = "followed"


class Entry(BaseModel):
    """One line of the journal, still to be recorded."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    at: datetime
    kind: EntryKind
    name: str
    stage: str
    actor: Actor | None = None
    what: dict[str, Any] = Field(default_factory=dict)


class Person(BaseModel):
    """A person in a case. `account_id` is the account system's opaque id, once known.

    `suspended` is one whose account is off and who cannot switch it on.
    """

    name: str
    email: str
    phone: str = ""
    account_id: str | None = None
    login_name: str | None = None
    active: bool = False
    suspended: bool = False
    unreachable: bool = False

    def is_actor(self, actor: Actor) -> bool:
        """Whether this person is the one logged in."""
        return self.goes_by(actor.subject)

    def goes_by(self, subject: str) -> bool:
        """Whether this person is meant by an account id or a mail address."""
        return subject == self.account_id or subject.casefold() == self.email.casefold()


class Notice(BaseModel):
    """A mail to send: a template, its parameters, and to whom.

    `role` names a mailbox of the authority; `person` is anybody outside it.
    """

    model_config = ConfigDict(frozen=True)

    notice_id: str
    template: str
    role: Role | None = None
    person: Person | None = None
    what: dict[str, str] = Field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the sending of it, unique in its workflow."""
        return f"notice:{self.notice_id}"


class Tell(BaseModel):
    """A word to another workflow; `starts` names its type when it must exist."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    to: str
    what: str
    content: dict[str, Any] = Field(default_factory=dict)
    starts: str | None = None


class Part(BaseModel):
    """A workflow that belongs to this one."""

    ref: str
    type: str
    item: str = ""
    ended: bool = False
    outcome: str | None = None
    told_to_end: bool = False


class State(BaseModel):
    """The whole truth of one workflow, serialisable, and all that it owes the world."""

    workflow_id: str
    type: str
    stage: str
    outcome: str | None = None
    number: str | None = None
    case_number: str | None = None
    org_number: str = ""
    organisation_name: str = ""
    owner: str | None = None
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0
    sequence: int = 0
    messages: int = 0
    handler: str | None = None
    registry_number: str | None = None
    biased: list[str] = Field(default_factory=list)
    look_again_at: datetime | None = None
    retries: list[str] = Field(default_factory=list)
    unreachable: list[str] = Field(default_factory=list)
    heard: list[str] = Field(default_factory=list)
    parts: dict[str, Part] = Field(default_factory=dict)
    pending: list[Pending] = Field(default_factory=list)
    waiting: list[Waiting] = Field(default_factory=list)
    journal: list[Entry] = Field(default_factory=list)
    notices: list[Notice] = Field(default_factory=list)
    outgoing: list[Tell] = Field(default_factory=list)

    @property
    def is_opened(self) -> bool:
        """Whether anything has opened it yet."""
        return self.opened_at is not None

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.stage == "ended"

    @property
    def is_ending(self) -> bool:
        """Whether it is cleaning up or has ended."""
        return self.stage in {"ending", "ended"}

    def contact_for(self, role: Role) -> Person | None:
        """Return the person who holds a role of the producer or the agent here."""
        del role
        return None

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return the person outside the authority who is reminded of a wait."""
        del waiting
        return self.contact_for(Role.PRODUCER_CONTACT)

    def derived(self) -> dict[str, Any]:
        """Return what a view shows beside the facts: what follows from them."""
        return {}

    def is_mine(self, actor: Actor) -> bool:
        """Whether an outside actor is the person of the role, for the right organisation."""
        person = self.contact_for(actor.role)
        return (
            person is not None
            and person.is_actor(actor)
            and actor.organisation in {None, self.org_number}
        )

    def write(
        self,
        now: datetime,
        kind: EntryKind,
        name: str,
        what: dict[str, Any] | None = None,
        actor: Actor | None = None,
    ) -> None:
        """Add a line to the journal."""
        self.sequence += 1
        entry = Entry(
            sequence=self.sequence,
            at=now,
            kind=kind,
            name=name,
            stage=self.stage,
            actor=actor,
            what=what or {},
        )
        self.journal.append(entry)

    def tell(
        self,
        to: str,
        what: str,
        content: dict[str, Any] | None = None,
        *,
        starts: str | None = None,
    ) -> None:
        """Owe another workflow a word."""
        self.messages += 1
        message_id = f"{self.workflow_id}#{self.messages}"
        self.outgoing.append(
            Tell(message_id=message_id, to=to, what=what, content=content or {}, starts=starts)
        )

    def begin_part(self, ref: str, type_: str, content: dict[str, Any], item: str = "") -> None:
        """Start a workflow that belongs to this one; it is enrolled by being started."""
        if ref in self.parts and not self.parts[ref].ended:
            return
        self.parts[ref] = Part(ref=ref, type=type_, item=item)
        self.tell(ref, "begin", content, starts=type_)

    def notify(
        self, template: str, *to: Person | Role | None, what: dict[str, str] | None = None
    ) -> None:
        """Owe somebody a mail."""
        for recipient in to:
            if recipient is None:
                continue
            self.messages += 1
            notice = Notice(
                notice_id=f"{self.workflow_id}#{self.messages}",
                template=template,
                role=recipient if isinstance(recipient, Role) else None,
                person=recipient.model_copy() if isinstance(recipient, Person) else None,
                what=what or {},
            )
            self.notices.append(notice)

    def open_parts(self) -> Iterable[Part]:
        """Return the parts that have not ended."""
        return (part for part in self.parts.values() if not part.ended)

    def end_parts(self, content: dict[str, Any] | None = None, *, only: str | None = None) -> None:
        """Tell every part (of one type) to end, once."""
        for part in self.open_parts():
            if not part.told_to_end and only in {None, part.type}:
                part.told_to_end = True
                self.tell(part.ref, "end", content or {})
