"""The producer's agreement in force: everything the producer delivers rests on it."""

from collections.abc import Iterator

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.adoption import Adopted, note_adoption
from domain.case import (
    PEOPLE,
    Agreement,
    CaseState,
    PartEnded,
    enrol_person,
    is_running,
    part_ended,
    people_wants,
    release_people,
    take_role,
)
from domain.credential import End
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, NewPerson
from domain.machine import Content, Machine, Moment, Payload, Reaction, Step
from domain.state import Part, Party, Person, State, System, Wait, Want
from domain.text import Text

STAGES = ("in_force", "under_notice", "ending", "ended")


class AgreementState(CaseState):
    """Everything about one producer's agreement."""

    type: str = "ProducerAgreement"
    stage: str = "in_force"
    closed_in_register: list[str] = Field(default_factory=list)
    people_told: list[list[str | None]] = Field(default_factory=list)

    @property
    def is_case(self) -> bool:
        """An agreement is an entity."""
        return False


class Begin(Content):
    """What the onboarding says when the agreement comes into force."""

    owner: str | None = None
    org_number: str
    organisation_name: str
    case_number: str | None = None
    contact: Person
    deputy: Person | None = None
    agreements: dict[str, Agreement]
    adopted: Adopted | None = None


class Enrol(Payload):
    """Something that will rest on the agreement."""

    ref: str
    type: str
    item: str = ""


class ClosedInRegister(Content):
    """The register holds the agreement as ended."""

    kind: str


def begin(state: AgreementState, content: Begin, moment: Moment) -> None:
    """Come into force, once."""
    if state.is_opened:
        return
    state.owner, state.org_number = content.owner, content.org_number
    state.organisation_name, state.case_number = content.organisation_name, content.case_number
    state.contact, state.deputy = content.contact, content.deputy
    state.agreements = content.agreements
    state.opened_at = moment.now
    for role, person in state.people():
        if person.account_id is not None:
            enrol_person(state, person, role)
    if content.adopted is not None:
        note_adoption(state, content.adopted, moment)
    else:
        state.notify("agreement_in_force", state.contact)


def _enrol(state: AgreementState, payload: Enrol, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.parts[payload.ref] = Part(ref=payload.ref, type=payload.type, item=payload.item)


def _enrol_refusal(
    state: AgreementState, payload: Enrol, actor: Actor, moment: Moment
) -> Refusal | None:
    del payload, actor, moment
    if state.is_opened and state.stage == "in_force":
        return None
    return refuse(
        "no_agreement_in_force",
        "Det finns inget producentavtal som gäller, eller så är det uppsagt.",
        "There is no producer agreement in force, or notice has been given.",
    )


def _end(state: AgreementState, content: End, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    if not state.is_ending:
        state.end(content.outcome or "ended")


def _part_ended(state: AgreementState, content: PartEnded, moment: Moment) -> None:
    part_ended(state, content, moment)


def _closed(state: AgreementState, content: ClosedInRegister, moment: Moment) -> None:
    del moment
    state.closed_in_register.append(content.kind)


def _tell_people(state: AgreementState) -> None:
    """The agreement's contact is the contact of everything under it, and so is the account."""
    people = [[person.email, person.account_id] for _, person in state.people()]
    is_known, state.people_told = people == state.people_told or not state.people_told, people
    if is_known or state.contact is None:
        return
    content = {
        "holder": state.contact.model_dump(mode="json"),
        "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
    }
    for part in state.open_parts():
        state.tell(part.ref, "contacts", content)


def _replace(state: AgreementState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.notify("contact_replaced", state.contact)
    take_role(state, "contact", Person(**payload.model_dump()))


def _deputy(state: AgreementState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    take_role(state, "deputy", Person(**payload.model_dump()))


def progress(state: AgreementState, moment: Moment) -> None:
    """End once everything that rests on it has ended and the register says so."""
    del moment
    if state.is_opened and not state.is_ending:
        _tell_people(state)
    if state.stage != "ending":
        return
    state.end_parts({"outcome": state.outcome})
    if any(state.open_parts()) or any(wants(state)):
        return
    release_people(state)
    state.stage = "ended"
    if state.owner:
        word = {"ref": state.workflow_id, "outcome": state.outcome}
        state.tell(state.owner, "part_ended", word)


def wants(state: AgreementState) -> Iterator[Want]:
    """Yield accounts for new people, and the closing in the register at the end."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage != "ending":
        yield from people_wants(state)
    elif not any(state.open_parts()):
        for kind in state.agreements:
            if kind not in state.closed_in_register:
                yield Want(operation="end_agreement", system=System.AGREEMENT_REGISTER, item=kind)


def waits(state: AgreementState) -> Iterator[Wait]:
    """Yield on whom the agreement waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "ending":
        rule = "parts_end" if any(state.open_parts()) else "end_agreement"
        yield Wait(on=Party.AGREEMENT_REGISTER, rule=rule)
    else:
        yield Wait(on=Party.NOBODY, rule="in_force")


def _is_in_force(state: State, moment: Moment) -> bool:
    del moment
    return state.is_opened and not state.is_ending


STEPS: tuple[Step[AgreementState], ...] = (
    Step(
        name="enrol",
        payload=Enrol,
        who=frozenset({Role.SYSTEM}),
        is_open=is_running,
        check=_enrol_refusal,
        do=_enrol,
        help=Text(sv="Skriv in något som vilar på avtalet.", en="Enrol at the agreement."),
    ),
    Step(
        name="replace_contact",
        payload=NewPerson,
        who=CONTACT | HANDLER,
        is_open=_is_in_force,
        do=_replace,
        help=Text(sv="Byt kontaktperson.", en="Change the contact person."),
    ),
    Step(
        name="name_deputy",
        payload=NewPerson,
        who=frozenset({Role.PRODUCER_CONTACT}),
        is_open=_is_in_force,
        do=_deputy,
        help=Text(sv="Utse en ersättare.", en="Name a deputy."),
    ),
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[AgreementState] = Machine(
    name="ProducerAgreement",
    state=AgreementState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        **PEOPLE,
        "begin": Reaction(payload=Begin, do=begin),
        "agreement_ended": Reaction(payload=ClosedInRegister, do=_closed),
        "part_ended": Reaction(payload=PartEnded, do=_part_ended),
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
)
