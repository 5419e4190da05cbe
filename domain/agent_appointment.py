"""An agent's appointment: who delivers for a producer, under an own permission per data set."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from domain import appointing, extension
from domain.act import CONTACT, Actor, Refusal, Role, refuse
from domain.adopted import Adopted, AdoptedDelivery, note_adoption
from domain.agents_person import (
    ASSIGN_BUT_THE_AGENT,
    handler_as_agent_refusal,
    handlers_of,
)
from domain.agreement_state import Standing, ValidUntil, agreement_id
from domain.appointing import OPENING
from domain.appointment_state import (
    AGENT_CONTACT,
    AGREEMENT,
    AgentDataset,
    AgentItem,
    AppointmentState,
)
from domain.case import (
    CHECK_COMPLETION,
    OrganisationAccountFound,
    OrganisationLookedUp,
    PartEnded,
    everyday_timers,
    everyday_waits,
    part_ended,
)
from domain.connection_state import dataset_id
from domain.credential import End
from domain.dates import days_after, local_date
from domain.everyday import EVERYDAY, NewPerson, unpark
from domain.key_holders import Contacts
from domain.machine import Content, Machine, Moment, Reaction, Step
from domain.people import (
    PEOPLE,
    PersonLeft,
    contact_waits,
    enrol_person,
    people_wants,
    release_people,
)
from domain.permission_state import permission_id
from domain.policy import AgentKind, Policy
from domain.state import Person, System, Timer, Wait, Want

KINDS: dict[str, AgentKind] = {"municipality": "municipality", "state_agency": "state_agency"}
STAGES = ("proposed", "accepted", "active", "ending", "ended")


class DatasetReady(Content):
    """A data set takes agents from now on."""

    dataset_id: str


class AdoptedDataset(AgentDataset):
    """A data set that an agent delivered before this system, and what it delivers with."""

    delivery: AdoptedDelivery


class Begin(Content):
    """An appointment from before this system: the agent accepted it long ago."""

    adopted: Adopted
    org_number: str
    organisation_name: str
    contact: Person | None = None
    deputy: Person | None = None
    agent_id: str
    agent_name: str
    agent_contact: Person
    valid_from: date
    valid_to: date
    datasets: tuple[AdoptedDataset, ...]


def _begin(state: AppointmentState, content: Begin, moment: Moment) -> None:
    """Take an appointment over as it stands, once."""
    if state.is_opened:
        return
    names = {"org_number", "organisation_name", "contact", "deputy", "agent_id", "agent_name"}
    for name in names | {"agent_contact", "valid_from", "valid_to"}:
        setattr(state, name, getattr(content, name))
    state.organisation.org_number = state.org_number
    state.items = {
        each.dataset_id: AgentItem(
            wanted=AgentDataset(**each.model_dump(exclude={"delivery"})),
            ref=permission_id(state.org_number, each.dataset_id, state.agent_id),
            adopted=each.delivery,
        )
        for each in content.datasets
    }
    state.is_by_authority, state.agreement_exists = True, True
    state.opened_at = state.acknowledged_at = moment.now
    state.accepted_at = state.approved_at = moment.now
    note_adoption(state, content.adopted, moment)


def _looked_up(state: AppointmentState, content: OrganisationLookedUp, moment: Moment) -> None:
    del moment
    state.agent_kind = KINDS.get(content.kind or "", "unknown")
    state.agent_name = content.name or state.agent_name


def _account_found(
    state: AppointmentState, content: OrganisationAccountFound, moment: Moment
) -> None:
    del moment
    state.agent_account_id = content.account_id


def _dataset_ready(state: AppointmentState, content: DatasetReady, moment: Moment) -> None:
    """Let the waiting permission enrol; one that ended with the data set begins anew."""
    del moment
    item = state.items.get(content.dataset_id)
    if item is None or item.is_removed:
        return
    if state.permission_of(item.ref) is not None:
        state.tell(item.ref, "dataset_ready", {})
    elif item.is_begun:
        item.is_begun, item.outcome = False, None


def _valid_until(state: AppointmentState, content: ValidUntil, moment: Moment) -> None:
    del moment
    if content.source == AGREEMENT:
        state.agreement_until = content.until


def _contacts(state: AppointmentState, content: Contacts, moment: Moment) -> None:
    del moment
    state.contact, state.deputy = content.holder, content.deputy


def _person_left(state: AppointmentState, content: PersonLeft, moment: Moment) -> None:
    """The agent's rights rest on the agent's person: without an active successor they end."""
    person = state.agent_contact
    is_agents = person is not None and person.account_id == content.account_id
    if not is_agents or (content.roles and AGENT_CONTACT not in content.roles):
        PEOPLE["person_left"].do(state, content, moment)
        return
    if state.is_ending:
        return
    successor = content.successors.get(AGENT_CONTACT)
    if successor is not None and successor.active:
        take_over(state, successor)
        return
    state.end("person_left")
    state.notify("agent_person_left", state.acting, Role.CASE_HANDLER)


def take_over(state: AppointmentState, person: Person) -> None:
    """Let another person speak for the agent."""
    if state.agent_contact is not None:
        state.former.append(state.agent_contact)
    state.agent_contact = person
    kept = frozenset(each.account_id for _, each in state.people() if each.account_id)
    release_people(state, keep=kept)
    if person.account_id is not None:
        enrol_person(state, person, AGENT_CONTACT)


def _part_ended(state: AppointmentState, content: PartEnded, moment: Moment) -> None:
    part_ended(state, content, moment)
    for item in state.items.values():
        if item.ref == content.ref:
            item.outcome = content.outcome or "ended"


def _end(state: AppointmentState, content: End, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    if not state.is_ending:
        state.end(content.outcome or "ended")
        state.notify("appointment_ended", state.agent_contact, state.acting)


def _begin_permissions(state: AppointmentState, policy: Policy) -> None:
    assert state.agent_contact is not None
    for name, item in state.items.items():
        if item.is_begun or item.is_removed or state.permission_of(item.ref) is not None:
            continue
        item.is_begun, item.outcome = True, None
        known = policy.datasets[name]
        content = {
            "owner": state.workflow_id,
            "dataset_ref": dataset_id(state.org_number, name),
            "org_number": state.org_number,
            "organisation_name": state.organisation_name,
            "case_number": state.number,
            "dataset_id": name,
            "dataset_name": known.name,
            "party": state.agent_id,
            "party_name": state.agent_name,
            "holder": state.agent_contact.model_dump(mode="json"),
            "hosting": item.wanted.hosting,
            "base_url": item.wanted.base_url,
            "apis": list(known.apis),
            "accepts_by_itself": known.accepts_test_delivery_by_itself,
            "limits": {source: at.isoformat() for source, at in state.limits().items()},
        }
        if item.adopted is not None:
            content["delivery"] = item.adopted.model_dump(mode="json")
            item.adopted = None
        state.begin_part(item.ref, "Permission", content, name)


def _tell_limits(state: AppointmentState) -> None:
    """The dates move when their sources move."""
    limits = state.limits()
    if limits == state.limits_told:
        return
    changed = {
        s for s in {*limits, *state.limits_told} if limits.get(s) != state.limits_told.get(s)
    }
    state.limits_told = limits
    state.reminded = []
    for part in state.open_parts():
        for source in sorted(changed):
            until = limits[source].isoformat() if source in limits else None
            state.tell(part.ref, "valid_until", {"source": source, "until": until})


def _tell_contact(state: AppointmentState) -> None:
    person = state.agent_contact
    who = [person.email, person.account_id] if person else []
    if who == state.contact_told:
        return
    is_first, state.contact_told = not state.contact_told, who
    if is_first or person is None:
        return
    for part in state.open_parts():
        holder = person.model_dump(mode="json")
        state.tell(part.ref, "contacts", {"holder": holder, "deputy": None})


def _remove_unwanted(state: AppointmentState) -> None:
    for item in state.items.values():
        part = state.permission_of(item.ref)
        if item.is_removed and part is not None and not part.told_to_end:
            part.told_to_end = True
            state.tell(part.ref, "end", {"outcome": "removed"})


def progress(state: AppointmentState, moment: Moment) -> None:
    """Follow the facts from proposal to active, or to the end."""
    if not state.is_opened or state.is_ended:
        return
    state.is_approval_needed = state.needs_approval(moment.policy)
    if state.stage == "proposed" and state.accepted_at is not None:
        state.stage = "accepted"
    elif state.stage == "accepted":
        if state.is_approved and not appointing.begins_later(state, moment):
            state.stage = "active"
            state.notify("agent_active", state.acting, state.agent_contact, Role.CASE_HANDLER)
    elif state.stage == "active":
        if state.agent_contact is not None and state.agent_contact.account_id is not None:
            _begin_permissions(state, moment.policy)
        _remove_unwanted(state)
    elif state.stage == "ending":
        _progress_ending(state)
        return
    _tell_limits(state)
    _tell_contact(state)


def _progress_ending(state: AppointmentState) -> None:
    state.end_parts({"outcome": state.outcome})
    if any(state.open_parts()):
        return
    release_people(state)
    state.stage = "ended"
    word = {"ref": state.workflow_id, "outcome": state.outcome}
    state.tell(agreement_id(state.org_number), "part_ended", word)


def wants(state: AppointmentState) -> Iterator[Want]:
    """Yield the enrolment first, then the agent's organisation and people."""
    if not state.is_opened or state.is_ending:
        return
    if not state.is_enrolled:
        yield Want(operation="enrol_at_agreement", system=System.CASES)
        return
    if state.agent_kind is None:
        yield Want(operation="look_up_organisation", system=System.RECORDS)
    elif state.agent_account_id is None and not state.is_sole_trader:
        yield Want(operation="find_or_create_organisation", system=System.ACCOUNT_SYSTEM)
    yield from people_wants(state)


def waits(state: AppointmentState) -> Iterator[Wait]:
    """Yield on whom the appointment waits."""
    if not state.is_opened or state.is_ending:
        return  # while parts end, their waits are the ones to see
    if (everyday := everyday_waits(state)) is not None and state.is_case:
        yield from everyday
        if everyday[0].rule != CHECK_COMPLETION:
            return
    if state.stage in {"proposed", "accepted"}:
        yield from appointing.appointing_waits(state)
    else:
        yield from extension.extension_waits(state)
        yield from appointing.active_waits(state)
    if state.is_enrolled:
        yield from contact_waits(state)


def timers(state: AppointmentState, policy: Policy) -> Iterator[Timer]:
    """Yield what happens by itself."""
    if state.is_ending:
        return
    yield from everyday_timers(state, policy)
    yield from appointing.appointing_timers(state, policy)
    if state.valid_until is not None:
        at, source = state.valid_until
        yield Timer(name="expired", at=at, rule=source)
        if marks := _marks(state, policy):
            yield Timer(name="ends_soon", at=marks[0][0], rule=source, item=str(marks[0][1]))


def _marks(state: AppointmentState, policy: Policy) -> list[tuple[datetime, int]]:
    """Return the reminders before the end that have not gone out, nearest first."""
    assert state.valid_until is not None
    end, _ = state.valid_until
    days = [each for each in policy.appointment_reminder_days if str(each) not in state.reminded]
    return sorted((days_after(end, -each), each) for each in days)


def _ends_soon(state: AppointmentState, moment: Moment) -> None:
    assert state.valid_until is not None
    end, source = state.valid_until
    passed = [days for at, days in _marks(state, moment.policy) if at <= moment.now]
    state.reminded += [str(days) for days in passed]
    if state.stage == "active" and end > moment.now:
        what = {"due": local_date(end - timedelta(seconds=1)).isoformat(), "rule": source}
        state.notify("agent_ends_soon", state.agent_contact, state.acting, what=what)


def _expired(state: AppointmentState, moment: Moment) -> None:
    del moment
    assert state.valid_until is not None
    _, source = state.valid_until
    state.end(state.last_day_outcome if source == "last_day" else "expired")
    state.notify("appointment_ended", state.agent_contact, state.acting)


def _replace_contact(
    state: AppointmentState, payload: NewPerson, actor: Actor, moment: Moment
) -> None:
    if actor.role in CONTACT or (actor.role is Role.CASE_HANDLER and state.is_case):
        EVERYDAY_REPLACE.do(state, payload, actor, moment)
        return
    state.notify("contact_replaced", state.agent_contact)
    person = Person(**payload.model_dump())
    take_over(state, person)
    state.notify("role_given", person, what={"item": AGENT_CONTACT})


def _replace_refusal(
    state: AppointmentState, payload: NewPerson, actor: Actor, moment: Moment
) -> Refusal | None:
    del moment
    if actor.role in CONTACT and not state.is_case:
        return refuse(
            "at_the_agreement",
            "Er egen kontaktperson byter ni i producentavtalet; ombudets byter ombudet.",
            "Change your own contact at the producer agreement; the agent changes the agent's.",
            "actor",
        )
    return handler_as_agent_refusal(
        Person(**payload.model_dump()), handlers_of(state, actor), field="email"
    )


EVERYDAY_REPLACE = next(step for step in EVERYDAY if step.name == "replace_contact")
REPLACE_CONTACT: Step[AppointmentState] = Step(
    name="replace_contact",
    payload=NewPerson,
    who=EVERYDAY_REPLACE.who | {Role.AGENT_CONTACT},
    is_open=appointing.is_alive,
    check=_replace_refusal,
    do=_replace_contact,
    help=EVERYDAY_REPLACE.help,
)
OWN_EVERYDAY: dict[str, Step[AppointmentState]] = {
    "replace_contact": REPLACE_CONTACT,
    "assign": ASSIGN_BUT_THE_AGENT,
}

MACHINE: Machine[AppointmentState] = Machine(
    name="AgentAppointment",
    state=AppointmentState,
    stages=STAGES,
    opening=OPENING,
    steps=(
        *appointing.STEPS,
        *extension.STEPS,
        *(OWN_EVERYDAY.get(step.name, step) for step in EVERYDAY),
    ),
    reactions={
        **PEOPLE,
        "begin": Reaction(payload=Begin, do=_begin),
        "enrolled": Reaction(payload=Standing, do=appointing.enrolled),
        "organisation_looked_up": Reaction(payload=OrganisationLookedUp, do=_looked_up),
        "organisation_found": Reaction(payload=OrganisationAccountFound, do=_account_found),
        "dataset_ready": Reaction(payload=DatasetReady, do=_dataset_ready),
        "valid_until": Reaction(payload=ValidUntil, do=_valid_until),
        "contacts": Reaction(payload=Contacts, do=_contacts),
        "person_left": Reaction(payload=PersonLeft, do=_person_left),
        "part_ended": Reaction(payload=PartEnded, do=_part_ended),
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "unpark": unpark,
        "expired": _expired,
        "ends_soon": _ends_soon,
        "begins": appointing.begins,
        "confirmation_due": appointing.CONFIRM_RESPONSIBILITY.due,
        "confirmation_overdue": appointing.CONFIRM_RESPONSIBILITY.overdue,
    },
    draws_number=lambda state: state.opened_by is not None,
)
