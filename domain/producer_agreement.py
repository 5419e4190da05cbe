"""The producer's agreement in force: everything the producer delivers rests on it."""

from collections.abc import Iterator

from domain import notice, registration
from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.adopted import note_adoption
from domain.agreement_state import APPOINTMENT, AgreementState, Begin, Covered, Enrol, tell_covered
from domain.case import Agreement, PartEnded, is_running, part_ended
from domain.credential import End
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, NewPerson
from domain.machine import Content, Machine, Moment, Reaction, Step
from domain.people import (
    PEOPLE,
    PersonLeaving,
    contact_waits,
    enrol_person,
    give_role,
    people_wants,
    release_people,
    take_role,
    tell_contacts,
)
from domain.state import Part, Party, Person, State, System, Wait, Want
from domain.text import Text

STAGES = ("in_force", "under_notice", "ending", "ended")


class ClosedInRegister(Content):
    """The register holds the agreement as ended."""

    kind: str


class Supplemented(Content):
    """A supplement has been registered: the signed agreements cover more."""

    agreement: Agreement


class Granted(Content):
    """A decision in force covers a data set."""

    covered: Covered


class DatasetReady(Content):
    """A data set takes agents from now on."""

    dataset_id: str


class CaseContacts(Content):
    """A case under the agreement has got a new contact or deputy."""

    role: str
    person: Person


def begin(state: AgreementState, content: Begin, moment: Moment) -> None:
    """Come into force, once."""
    if state.is_opened:
        return
    state.owner, state.org_number = content.owner, content.org_number
    state.organisation_name, state.case_number = content.organisation_name, content.case_number
    if content.organisation is not None:
        state.organisation = content.organisation
    state.contact, state.deputy = content.contact, content.deputy
    state.agreements, state.granted = content.agreements, content.granted
    state.opened_at = state.confirmed_at = moment.now
    for role, person in state.people():
        if person.account_id is not None:
            enrol_person(state, person, role)
    if content.adopted is not None:
        note_adoption(state, content.adopted, moment)
        state.is_registration_sought = True
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


def _signed(state: AgreementState) -> list[Agreement]:
    return [*state.agreements.values(), *state.supplements]


def _supplemented(state: AgreementState, content: Supplemented, moment: Moment) -> None:
    """Cover more: by another agreement, or by more of one that was handed in for two data sets."""
    del moment
    signed = content.agreement
    known = next((each for each in _signed(state) if each.document == signed.document), None)
    if signed.kind not in state.agreements:
        state.agreements[signed.kind] = signed
    elif known is None:
        state.supplements.append(signed)
    else:
        known.a3 = tuple(dict.fromkeys((*known.a3, *signed.a3)))
        known.a4 = tuple(dict.fromkeys((*known.a4, *signed.a4)))
    tell_covered(state)


def _granted(state: AgreementState, content: Granted, moment: Moment) -> None:
    del moment
    state.granted[content.covered.dataset_id] = content.covered


def _dataset_ready(state: AgreementState, content: DatasetReady, moment: Moment) -> None:
    """Let the agents know, who may have been appointed before the data set could take them."""
    del moment
    for part in state.open_parts():
        if part.type == APPOINTMENT:
            state.tell(part.ref, "dataset_ready", {"dataset_id": content.dataset_id})


def _case_contacts(state: AgreementState, content: CaseContacts, moment: Moment) -> None:
    """The contact of a case under the agreement is the contact of everything under it."""
    del moment
    if not state.is_ending:
        person = content.person.model_copy(update={"account_id": None, "active": False})
        take_role(state, "contact" if content.role == "contact" else "deputy", person)


def _leaving(state: AgreementState, content: PersonLeaving, moment: Moment) -> None:
    """Ask who stays for a successor, in time."""
    del moment
    roles = [role for role, person in state.people() if person.account_id == content.account_id]
    staying = [p for _, p in state.people() if p.account_id != content.account_id]
    if content.last_day is not None and roles:
        what = {"due": content.last_day.isoformat(), "item": ", ".join(roles)}
        who: list[Person | Role] = [*staying] or [Role.CASE_HANDLER]
        state.notify("successor_wanted", *who, what=what)


def _replace(state: AgreementState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.notify("contact_replaced", state.contact)
    give_role(state, "contact", Person(**payload.model_dump()))


def _deputy(state: AgreementState, payload: NewPerson, actor: Actor, moment: Moment) -> None:
    del actor, moment
    give_role(state, "deputy", Person(**payload.model_dump()))


def progress(state: AgreementState, moment: Moment) -> None:
    """End once everything that rests on it has ended and the register says so."""
    del moment
    if state.is_opened and not state.is_ending:
        tell_contacts(state, state.parts)
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
        yield from registration.registration_wants(state)
    elif not any(state.open_parts()):
        yield from registration.registration_wants(state)
        for kind in state.agreements:
            if kind not in state.closed_in_register:
                yield Want(operation="end_agreement", system=System.AGREEMENT_REGISTER, item=kind)


def waits(state: AgreementState) -> Iterator[Wait]:
    """Yield on whom the agreement waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "ending":
        if not any(state.open_parts()):  # while there are some, their waits are the ones to see
            yield Wait(on=Party.AGREEMENT_REGISTER, rule="end_agreement")
        return
    yield from contact_waits(state)
    if state.stage == "in_force":  # under notice nobody is asked: all of it ends
        yield from notice.CONFIRM_ACCESS.waits(state)
    for kind in state.register_findings:
        yield Wait(on=Party.CASE_HANDLER, rule="register_differs", item=kind)
    if state.is_registration_sought:
        yield Wait(on=Party.AGREEMENT_REGISTER, rule="find_registrations")
    yield Wait(on=Party.NOBODY, rule=state.stage, due=state.last_day)


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
    *notice.STEPS,
    registration.FOLLOW_REGISTER,
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
        **registration.REACTIONS,
        "begin": Reaction(payload=Begin, do=begin),
        "agreement_ended": Reaction(payload=ClosedInRegister, do=_closed),
        "supplemented": Reaction(payload=Supplemented, do=_supplemented),
        "granted": Reaction(payload=Granted, do=_granted),
        "dataset_ready": Reaction(payload=DatasetReady, do=_dataset_ready),
        "case_contacts": Reaction(payload=CaseContacts, do=_case_contacts),
        "person_leaving": Reaction(payload=PersonLeaving, do=_leaving),
        "part_ended": Reaction(payload=PartEnded, do=_part_ended),
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=notice.notice_timers,
    passed={
        "notice_over": notice.notice_over,
        "confirmation_due": notice.CONFIRM_ACCESS.due,
        "confirmation_overdue": notice.CONFIRM_ACCESS.overdue,
    },
)
