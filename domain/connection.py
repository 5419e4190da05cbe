"""Connection of one data set: under an agreement in force, until its first permission is active."""

from collections.abc import Iterator
from datetime import date

from pydantic import Field

from domain import agreements, appeal, decision, decision_on_request
from domain.act import CONTACT, Actor, Refusal
from domain.adoption import AdoptedDelivery, note_adoption
from domain.case import (
    CHECK_COMPLETION,
    PART_ENDED,
    PEOPLE,
    CaseState,
    Decision,
    Organisation,
    everyday_timers,
    everyday_waits,
    people_wants,
    release_people,
)
from domain.credential import End
from domain.datasets import Dataset, Delivery, InformationOwner
from domain.dates import midnight_after
from domain.everyday import EVERYDAY, not_in_past, unpark
from domain.fields import Day, Email, FreeText
from domain.machine import Content, Machine, Moment, Payload, Reaction, Step
from domain.onboarding import agreement_id
from domain.permission_state import permission_id
from domain.policy import Policy
from domain.state import Party, Person, System, Timer, Wait, Want
from domain.text import Text

STAGES = (
    "intake",
    "supplement",
    "assessment",
    "countersigning",
    "connecting",
    "connected",
    "appeal_period",
    "ending",
    "ended",
)
DISCONNECT = "disconnect"


class ConnectionState(CaseState):
    """Everything about one data set's connection."""

    type: str = "DatasetConnection"
    stage: str = "intake"
    dataset_id: str = ""
    is_enrolled: bool = False
    is_agreement_missing: bool = False
    last_day: date | None = None
    has_been_connected: bool = False
    active: list[str] = Field(default_factory=list)
    people_told: list[list[str | None]] = Field(default_factory=list)
    adopted_delivery: AdoptedDelivery | None = None

    @property
    def is_case(self) -> bool:
        """A connected data set is an entity: the everyday steps are closed."""
        return not self.is_ending and self.stage != "connected"

    @property
    def examining_stage(self) -> str:
        """A data set alone is examined in `assessment`."""
        return "assessment"

    @property
    def dataset(self) -> Dataset:
        """The one data set."""
        return self.datasets[self.dataset_id]


class Begin(Content):
    """What the onboarding says when it starts a connection."""

    owner: str
    org_number: str
    organisation: Organisation
    case_number: str | None = None
    contact: Person
    deputy: Person | None = None
    handler: str | None = None
    dataset: Dataset
    decision: Decision | None = None
    delivery: AdoptedDelivery | None = None


class Enrolled(Content):
    """The agreement's answer to an enrolment."""

    accepted: bool


class PermissionActive(Content):
    """A party's right to deliver is active."""

    ref: str


class UpdateContacts(Payload):
    """Who answers for the data set's content, and for questions about it."""

    information_owner: InformationOwner
    support_email: Email


class Disconnect(Payload):
    """The last day of delivery, and why."""

    last_day: Day
    reason: FreeText = ""


def begin(state: ConnectionState, content: Begin, moment: Moment) -> None:
    """Start as the onboarding's decision says: connecting, or in the appeal period. Once."""
    if state.is_opened:
        return
    state.owner, state.org_number = content.owner, content.org_number
    state.organisation, state.organisation_name = content.organisation, content.organisation.name
    state.case_number, state.handler = content.case_number, content.handler
    state.contact, state.deputy = content.contact, content.deputy
    state.dataset_id = content.dataset.declaration.dataset_id
    state.datasets = {state.dataset_id: content.dataset}
    state.decisions = [content.decision] if content.decision else []
    state.opened_at = moment.now
    if content.delivery is not None:
        state.adopted_delivery = content.delivery
        note_adoption(state, content.delivery.adopted, moment)
    decided = content.dataset.decision
    if content.decision is not None and decided is not None and not decided.granted:
        denial = content.decision.model_copy(update={"outcome": "denied"})
        appeal.begin_appeal(state, denial, moment)
    else:
        state.stage = "connecting"


def _enrolled(state: ConnectionState, content: Enrolled, moment: Moment) -> None:
    del moment
    if state.is_ended and content.accepted:
        _leave_agreement(state)
    state.is_enrolled = content.accepted
    state.is_agreement_missing = not content.accepted


def _agreement_in_force(state: ConnectionState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_agreement_missing = False


def _permission_active(state: ConnectionState, content: PermissionActive, moment: Moment) -> None:
    del moment
    if content.ref in state.parts and content.ref not in state.active:
        state.active.append(content.ref)


def _end(state: ConnectionState, content: End, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    if not state.is_ending:
        state.end(content.outcome or "ended")


def _contacts(state: ConnectionState, content: "Contacts", moment: Moment) -> None:
    del moment
    state.contact, state.deputy = content.holder, content.deputy


class Contacts(Content):
    """The agreement says who the producer's contact is now."""

    holder: Person
    deputy: Person | None = None


def _tell_people(state: ConnectionState) -> None:
    """The producer's own permission knows who the contact is, whoever changed it."""
    people = [[person.email, person.account_id] for _, person in state.people()]
    own = permission_id(state.org_number, state.dataset_id, state.org_number)
    if own not in state.parts or state.contact is None or people == state.people_told:
        return
    if state.people_told and not state.parts[own].ended:
        holders = Contacts(holder=state.contact, deputy=state.deputy)
        state.tell(own, "contacts", holders.model_dump(mode="json"))
    state.people_told = people


def _begin_own_permission(state: ConnectionState, policy: Policy) -> None:
    """Start the producer's own permission, once: one that has ended is not begun again here."""
    declaration = state.dataset.declaration
    ref = permission_id(state.org_number, state.dataset_id, state.org_number)
    if declaration.delivery is Delivery.AGENT or state.contact is None or ref in state.parts:
        return
    known = policy.datasets[state.dataset_id]
    content = {
        "owner": state.workflow_id,
        "org_number": state.org_number,
        "organisation_name": state.organisation_name,
        "case_number": state.number or state.case_number,
        "dataset_id": state.dataset_id,
        "dataset_name": known.name,
        "party": state.org_number,
        "party_name": state.organisation_name,
        "holder": state.contact.model_dump(mode="json"),
        "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
        "hosting": declaration.hosting,
        "base_url": declaration.base_url,
        "apis": list(known.apis),
        "accepts_by_itself": known.accepts_test_delivery_by_itself,
    }
    if state.last_day is not None:
        content["valid_until"] = midnight_after(state.last_day).isoformat()
        content["valid_until_source"] = DISCONNECT
    if state.adopted_delivery is not None:
        content["delivery"] = state.adopted_delivery.model_dump(mode="json")
        state.adopted_delivery = None
    state.begin_part(ref, "Permission", content, state.org_number)


def _disconnect(state: ConnectionState, payload: Disconnect, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.last_day = payload.last_day
    until = midnight_after(payload.last_day).isoformat()
    for part in state.open_parts():
        state.tell(part.ref, "valid_until", {"source": DISCONNECT, "until": until})


def _disconnect_refusal(
    state: ConnectionState, payload: Disconnect, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    if payload.last_day == moment.today:
        return None
    return not_in_past(payload.last_day, moment, "last_day")


def _update_contacts(
    state: ConnectionState, payload: UpdateContacts, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    dataset = state.dataset
    dataset.declaration = dataset.declaration.model_copy(update=dict(payload))


def _last_day_over(state: ConnectionState, moment: Moment) -> None:
    del moment
    state.end("disconnected")


def progress(state: ConnectionState, moment: Moment) -> None:
    """Follow the facts towards a connected data set, or to the end."""
    if state.stage == "countersigning" and not state.agreements:
        state.appeal = None
        state.stage = "connecting"
    elif state.stage == "connecting":
        if state.is_enrolled:
            _begin_own_permission(state, moment.policy)
        if state.active:
            state.stage = "connected"
            if not state.has_been_connected:
                state.has_been_connected = True
                _tell_owner(state, "dataset_connected")
    elif state.stage == "connected":
        state.active = [ref for ref in state.active if not state.parts[ref].ended]
        if not state.active:
            state.stage = "connecting"
    elif state.stage == "ending":
        _progress_ending(state)
    if not state.is_ending:
        _tell_people(state)


def _progress_ending(state: ConnectionState) -> None:
    state.end_parts({"outcome": state.outcome})
    if any(state.open_parts()):
        return
    release_people(state)
    state.stage = "ended"
    _tell_owner(state, "part_ended")
    _leave_agreement(state)


def _leave_agreement(state: ConnectionState) -> None:
    """Let go of the agreement, also when the answer to an enrolment has not come (yet)."""
    word = {"ref": state.workflow_id, "outcome": state.outcome}
    state.tell(agreement_id(state.org_number), "part_ended", word)


def _tell_owner(state: ConnectionState, what: str) -> None:
    if state.owner:
        state.tell(state.owner, what, {"ref": state.workflow_id, "outcome": state.outcome})


def wants(state: ConnectionState) -> Iterator[Want]:
    """Yield the enrolment at the agreement before anything outside, and accounts of new people."""
    if state.is_opened and state.is_case:
        yield from people_wants(state)
    if state.stage == "connecting" and not state.is_enrolled and not state.is_agreement_missing:
        yield Want(operation="enrol_at_agreement", system=System.CASES)


def waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield on whom the connection waits; a permission's waits are its own."""
    if not state.is_opened or state.is_ended:
        return
    if (everyday := everyday_waits(state)) is not None and state.is_case:
        yield from everyday
        if everyday[0].rule != CHECK_COMPLETION:
            return
    if state.stage == "appeal_period":
        yield from appeal.appeal_waits(state)
    elif state.stage == "connecting":
        yield from _connecting_waits(state)
    elif state.stage == "connected":
        yield Wait(on=Party.NOBODY, rule="connected")
    elif state.stage == "countersigning":
        yield from agreements.countersigning_waits(state)
    yield from decision.decision_waits(state)


def _connecting_waits(state: ConnectionState) -> Iterator[Wait]:
    if state.is_agreement_missing:
        yield Wait(on=Party.SIGNATORY, rule="countersign")
    elif state.is_enrolled and not any(state.open_parts()):
        yield Wait(on=Party.PRODUCER, rule="name_agent")


def timers(state: ConnectionState, policy: Policy) -> Iterator[Timer]:
    """Yield what happens by itself."""
    if state.is_ending:
        return
    yield from everyday_timers(state, policy)
    yield from decision.decision_timers(state, policy)
    yield from appeal.appeal_timers(state, policy)
    if state.last_day is not None:
        at = midnight_after(state.last_day)
        yield Timer(name="last_day_over", at=at, rule=DISCONNECT)


def _is_connected(state: ConnectionState, moment: Moment) -> bool:
    del moment
    return state.stage == "connected"


STEPS: tuple[Step[ConnectionState], ...] = (
    *(step for step in agreements.STEPS if step.name != "describe_dataset"),
    *decision.STEPS,
    *decision_on_request.STEPS,
    *appeal.STEPS,
    Step(
        name="update_contacts",
        payload=UpdateContacts,
        who=CONTACT,
        is_open=_is_connected,
        do=_update_contacts,
        help=Text(
            sv="Ändra informationsägare och support.", en="Change information owner and support."
        ),
    ),
    Step(
        name="disconnect",
        payload=Disconnect,
        who=CONTACT,
        is_open=_is_connected,
        check=_disconnect_refusal,
        do=_disconnect,
        help=Text(
            sv="Avsluta leveransen efter en sista dag.", en="End the delivery after a last day."
        ),
    ),
    *EVERYDAY,
)

MACHINE: Machine[ConnectionState] = Machine(
    name="DatasetConnection",
    state=ConnectionState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        **PEOPLE,
        **agreements.REACTIONS,
        "begin": Reaction(payload=Begin, do=begin),
        "enrolled": Reaction(payload=Enrolled, do=_enrolled),
        "agreement_in_force": Reaction(payload=Content, do=_agreement_in_force),
        "permission_active": Reaction(payload=PermissionActive, do=_permission_active),
        "contacts": Reaction(payload=Contacts, do=_contacts),
        "part_ended": PART_ENDED,
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "unpark": unpark,
        "hearing_over": decision.hearing_over,
        "legal_force": appeal.legal_force,
        "last_day_over": _last_day_over,
    },
)
