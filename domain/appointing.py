"""An agent is proposed by the producer, accepts, and is approved where the policy asks for it."""

from collections.abc import Iterator
from datetime import date, timedelta

from pydantic import Field

from domain import appointment_end
from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.agents_person import handler_as_agent_refusal, handlers_of
from domain.agreement_state import Standing
from domain.appointment_state import (
    AGENT,
    AGENT_CONTACT,
    AgentDataset,
    AgentItem,
    AgentOrganisation,
    AgentPerson,
    AppointmentState,
    Mandate,
    is_active,
)
from domain.dates import local_date, midnight_after
from domain.everyday import Reason
from domain.fields import Day, OrgNumberField
from domain.machine import Moment, NoPayload, Payload, Step, not_opened
from domain.people import activation_wait
from domain.permission_state import permission_id
from domain.policy import Policy
from domain.state import Party, Person, Timer, Wait
from domain.text import Text
from domain.yearly import YearlyConfirmation

CONFIRM_RESPONSIBILITY: YearlyConfirmation[AppointmentState] = YearlyConfirmation(
    "confirm_responsibility", lambda state: state.acknowledged_at
)


class AppointingOrganisation(Payload):
    """The producer that appoints."""

    org_number: OrgNumberField


class Appointment(Payload):
    """Whom a producer appoints, for what, and how long.

    `acknowledgement` says that the producer answers for what the agent does. A mandate and an
    agreement between the two are recommended, neither is demanded.
    """

    organisation: AppointingOrganisation
    agent: AgentOrganisation
    contact: AgentPerson
    datasets: tuple[AgentDataset, ...] = Field(min_length=1, max_length=20)
    valid_from: Day
    valid_to: Day
    mandate: Mandate | None = None
    agreement_exists: bool
    acknowledgement: bool


class ChangeDatasets(Payload):
    """Data sets that the agent delivers from now on, and no longer."""

    add: tuple[AgentDataset, ...] = ()
    remove: tuple[str, ...] = ()


class ApproveAgent(Payload):
    """A handler approves the agent; perhaps until an earlier day."""

    valid_to: Day | None = None


def _item(state: AppointmentState, wanted: AgentDataset) -> AgentItem:
    ref = permission_id(state.org_number, wanted.dataset_id, state.agent_id)
    return AgentItem(wanted=wanted, ref=ref)


def _open(state: AppointmentState, payload: Appointment, actor: Actor, moment: Moment) -> None:
    state.org_number = payload.organisation.org_number
    state.organisation.org_number = state.org_number
    state.agent_id = state.workflow_id.rpartition("/")[2]
    state.agent_name, state.is_sole_trader = payload.agent.name, payload.agent.sole_trader
    if state.is_sole_trader:
        state.agent_kind = "sole_trader"
    state.agent_contact = Person(**payload.contact.model_dump())
    state.items = {each.dataset_id: _item(state, each) for each in payload.datasets}
    state.valid_from, state.valid_to = payload.valid_from, payload.valid_to
    state.mandate, state.agreement_exists = payload.mandate, payload.agreement_exists
    state.opened_at = state.acknowledged_at = moment.now
    state.opened_by, state.is_by_authority = actor.subject, actor.role is Role.CASE_HANDLER
    if state.is_by_authority:
        state.handler = actor.subject


def _open_refusal(
    state: AppointmentState, payload: Appointment, actor: Actor, moment: Moment
) -> Refusal | None:
    if payload.agent.org_number == payload.organisation.org_number:
        return refuse(
            "own_agent",
            "Producenten kan inte vara sitt eget ombud.",
            "The producer cannot be its own agent.",
            "agent.org_number",
        )
    if not payload.acknowledgement:
        return refuse(
            "not_acknowledged",
            "Bekräfta att ni svarar för det som ombudet gör (acknowledgement).",
            "Acknowledge that you answer for what the agent does (acknowledgement).",
            "acknowledgement",
        )
    return (
        _days_refusal(payload.valid_from, payload.valid_to, moment)
        or _datasets_refusal(payload.datasets, moment.policy, "datasets")
        or handler_as_agent_refusal(
            Person(**payload.contact.model_dump()), handlers_of(state, actor), field="contact"
        )
    )


def _days_refusal(first: date, last: date, moment: Moment) -> Refusal | None:
    if last >= first and last >= moment.today:
        return None
    return refuse(
        "bad_period",
        f"Uppdraget ska sluta tidigast den dag det börjar, och inte före {moment.today}.",
        f"The appointment must end on the day it begins or later, and not before {moment.today}.",
        "valid_to",
    )


def _datasets_refusal(
    wanted: tuple[AgentDataset, ...], policy: Policy, field: str
) -> Refusal | None:
    names = [each.dataset_id for each in wanted]
    for index, name in enumerate(names):
        if name not in policy.datasets:
            known = ", ".join(policy.datasets)
            return refuse(
                "unknown_dataset",
                f"Datamängden {name} finns inte. Välj en av: {known}.",
                f"There is no data set {name}. Choose one of: {known}.",
                f"{field}.{index}.dataset_id",
            )
        if name in names[:index]:
            return refuse(
                "same_dataset_twice",
                f"Datamängden {name} står två gånger. Ta bort den ena.",
                f"The data set {name} stands twice. Remove one.",
                f"{field}.{index}.dataset_id",
            )
    return None


def enrolled(state: AppointmentState, content: Standing, moment: Moment) -> None:
    """Take what the agreement says; whoever may not appoint under it is turned away."""
    del moment
    if state.is_ending:
        return
    if not content.accepted:
        state.notify("no_agreement", Role.CASE_HANDLER)
        state.end("refused")
        return
    state.is_enrolled, state.standing = True, content
    state.contact, state.deputy = content.contact, content.deputy
    state.organisation_name = content.organisation_name
    opener = Actor(subject=state.opened_by or "?", name="-", role=Role.PRODUCER_CONTACT)
    producers = [person for person in (state.contact, state.deputy) if person is not None]
    if not (state.is_by_authority or any(person.is_actor(opener) for person in producers)):
        state.notify("dataset_refused", state.acting, Role.CASE_HANDLER)
        state.end("refused")
        return
    if state.stage == "proposed":  # one that was taken over delivers already
        state.notify("agent_proposed", state.acting, state.agent_contact, Role.CASE_HANDLER)


def _accept(state: AppointmentState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor
    state.accepted_at = moment.now
    if state.needs_approval(moment.policy) and state.agent_kind is not None:
        state.notify("agent_to_approve", Role.CASE_HANDLER)


def _refuse(state: AppointmentState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.end("refused")
    state.notify("agent_refused", state.acting, what={"reason": payload.reason})


def _approve(state: AppointmentState, payload: ApproveAgent, actor: Actor, moment: Moment) -> None:
    del actor
    state.approved_at = moment.now
    if payload.valid_to is not None and state.valid_to is not None:
        state.valid_to = min(state.valid_to, payload.valid_to)


def _approve_refusal(
    state: AppointmentState, payload: ApproveAgent, actor: Actor, moment: Moment
) -> Refusal | None:
    del moment
    refusal = handler_as_agent_refusal(state.agent_contact, [actor.subject], field="actor")
    if refusal is not None:
        return refusal
    if payload.valid_to is None or state.valid_from is None or payload.valid_to >= state.valid_from:
        return None
    return refuse(
        "bad_period",
        f"Uppdraget börjar {state.valid_from} och kan inte sluta före det.",
        f"The appointment begins on {state.valid_from} and cannot end before.",
        "valid_to",
    )


def _decline(state: AppointmentState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.end("declined")
    what = {"reason": payload.reason}
    state.notify("agent_declined", state.acting, state.agent_contact, what=what)


def _change_datasets(
    state: AppointmentState, payload: ChangeDatasets, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    for each in payload.add:
        state.items[each.dataset_id] = _item(state, each)
    for name in payload.remove:
        state.items[name].is_removed = True
    added = ", ".join(each.dataset_id for each in payload.add)
    what = {"added": added, "removed": ", ".join(payload.remove)}
    state.notify("agent_datasets", state.agent_contact, what=what)


def _change_refusal(
    state: AppointmentState, payload: ChangeDatasets, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    held = {name for name, item in state.items.items() if not item.is_removed}
    if unknown := [name for name in payload.remove if name not in held]:
        return refuse(
            "not_appointed",
            f"Ombudet levererar inte {unknown[0]}.",
            f"The agent does not deliver {unknown[0]}.",
            "remove",
        )
    if known := [each.dataset_id for each in payload.add if each.dataset_id in held]:
        return refuse(
            "already_appointed",
            f"Ombudet levererar redan {known[0]}.",
            f"The agent delivers {known[0]} already.",
            "add",
        )
    return _datasets_refusal(payload.add, moment.policy, "add")


def _confirm(state: AppointmentState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor
    state.acknowledged_at = moment.now
    CONFIRM_RESPONSIBILITY.given(state)


def begins_later(state: AppointmentState, moment: Moment) -> bool:
    """Whether the first day of the appointment has not come yet."""
    return state.valid_from is not None and moment.today < state.valid_from


def begins(state: AppointmentState, moment: Moment) -> None:
    """The first day has come: what follows is the machine's own progress."""
    del state, moment


def appointing_waits(state: AppointmentState) -> Iterator[Wait]:
    """Yield on whom a proposed or accepted appointment waits."""
    person = state.agent_contact
    if state.stage == "accepted":
        if not state.is_approved:
            yield Wait(on=Party.CASE_HANDLER, rule="approve_agent")
        else:
            yield Wait(on=Party.NOBODY, rule="valid_from", due=state.valid_from)
    elif person is None or person.account_id is None:
        yield Wait(on=Party.ACCOUNT_SYSTEM, rule="find_or_create_accounts")
    elif not person.active:
        yield activation_wait(person, AGENT_CONTACT)
    else:
        yield Wait(on=Party.AGENT, rule="accept_appointment")


def active_waits(state: AppointmentState) -> Iterator[Wait]:
    """Yield what an active appointment lacks; permissions' waits are their own."""
    yield from CONFIRM_RESPONSIBILITY.waits(state)
    if not any(item.outcome is None and not item.is_removed for item in state.items.values()):
        yield Wait(on=Party.PRODUCER, rule="change_datasets")
    until = state.valid_until
    day = local_date(until[0] - timedelta(seconds=1)) if until else None
    yield Wait(on=Party.NOBODY, rule="agent_active", due=day)


def appointing_timers(state: AppointmentState, policy: Policy) -> Iterator[Timer]:
    """Yield the first day, and the yearly confirmation of responsibility."""
    if state.stage == "accepted" and state.is_approved and state.valid_from is not None:
        at = midnight_after(state.valid_from - timedelta(days=1))
        yield Timer(name="begins", at=at, rule="valid_from")
    if state.stage == "active":
        yield from CONFIRM_RESPONSIBILITY.timers(state, policy)


def is_alive(state: AppointmentState, moment: Moment) -> bool:
    """Open until the appointment ends."""
    del moment
    return state.is_opened and not state.is_ending


def _can_accept(state: AppointmentState, moment: Moment) -> bool:
    del moment
    person = state.agent_contact
    return state.stage == "proposed" and person is not None and person.active


def _is_proposed(state: AppointmentState, moment: Moment) -> bool:
    del moment
    return state.stage == "proposed" and state.is_enrolled


def _can_approve(state: AppointmentState, moment: Moment) -> bool:
    del moment
    return state.stage == "accepted" and not state.is_approved


OPENING: Step[AppointmentState] = Step(
    name="apply",
    payload=Appointment,
    who=CONTACT,
    is_open=not_opened,
    check=_open_refusal,
    do=_open,
    help=Text(sv="Utse ett ombud.", en="Appoint an agent."),
)
STEPS: tuple[Step[AppointmentState], ...] = (
    Step(
        name="accept_appointment",
        payload=NoPayload,
        who=AGENT,
        is_open=_can_accept,
        do=_accept,
        help=Text(sv="Anta uppdraget som ombud.", en="Accept to be the agent."),
    ),
    Step(
        name="refuse_appointment",
        payload=Reason,
        who=AGENT,
        is_open=_is_proposed,
        do=_refuse,
        help=Text(sv="Tacka nej till uppdraget.", en="Say no to the appointment."),
    ),
    Step(
        name="approve_agent",
        payload=ApproveAgent,
        who=HANDLER,
        is_open=_can_approve,
        check=_approve_refusal,
        do=_approve,
        help=Text(sv="Godkänn ombudet.", en="Approve the agent."),
    ),
    Step(
        name="decline_agent",
        payload=Reason,
        who=HANDLER,
        is_open=_can_approve,
        do=_decline,
        help=Text(sv="Godkänn inte ombudet.", en="Do not approve the agent."),
    ),
    Step(
        name="change_datasets",
        payload=ChangeDatasets,
        who=CONTACT,
        is_open=is_active,
        check=_change_refusal,
        do=_change_datasets,
        help=Text(
            sv="Lägg till eller ta bort datamängder för ombudet.",
            en="Add or remove data sets of the agent.",
        ),
    ),
    Step(
        name="confirm_responsibility",
        payload=NoPayload,
        who=CONTACT,
        is_open=is_active,
        do=_confirm,
        help=Text(
            sv="Bekräfta att ni svarar för ombudet.", en="Confirm that you answer for the agent."
        ),
    ),
    *appointment_end.STEPS,
)
