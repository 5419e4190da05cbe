"""Opening cases: what is asked of the records first, and what the workflow then makes sure."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from adapters.organisation_registers import OrganisationRegisters
from commands.context import CommandError, Context
from domain.act import CONTACT, Actor, Refusal, refuse
from domain.appointment_state import appointment_id
from domain.bad_value import BadValue
from domain.connection_state import dataset_id
from domain.onboarding_state import onboarding_id
from domain.organisations import (
    BadOrgNumber,
    parse_municipality_code,
    parse_org_number,
    wrong_code,
)
from domain.state import Person
from records import cases, sole_traders
from runtime.acting import StepRefusedError, open_case
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

Application = dict[str, Any]
Opened = tuple[str, dict[str, Any]]


def _refused(found: Refusal) -> StepRefusedError:
    return StepRefusedError(found.model_dump(mode="json"))


def org_number_of(application: Application) -> str:
    """Return the number of the organisation that applies.

    Raises:
        CommandError: it is none.
    """
    named = application.get("organisation")
    typed = named.get("org_number", "") if isinstance(named, dict) else named or ""
    try:
        return parse_org_number(str(typed))
    except BadOrgNumber as error:
        raise CommandError(f"{error.text.sv} / {error.text.en}") from None


def _same_municipality(registers: Path, org_number: str, application: Application) -> None:
    """Refuse a kommunkod that is another municipality's.

    Raises:
        StepRefusedError: with the reason. The workflow has a person look at it itself.
    """
    named = application["organisation"]
    try:
        code = parse_municipality_code(str(named["municipality_code"]))
    except (BadValue, KeyError, TypeError):
        return  # none is stated, or the workflow says what is wrong with its form
    entry = OrganisationRegisters(registers).look_up(org_number)
    wrong = wrong_code(code, entry.municipality_code if entry else None)
    if wrong is not None:
        field = "organisation.municipality_code"
        raise _refused(Refusal(code="wrong_municipality_code", text=wrong, field=field))


async def _open(
    context: Context,
    type_: str,
    workflow_id: str,
    application: Application,
    actor: Actor,
    *,
    request_id: str | None,
) -> Opened:
    request = {
        "request_id": request_id or str(uuid.uuid4()),
        "actor": actor.model_dump(mode="json"),
        "payload": application,
    }
    receipt = await open_case(
        context.client,
        type_,
        {"policy": context.policy.model_dump(mode="json")},
        request,
        workflow_id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        task_limit=TASK_LIMIT,
    )
    return workflow_id, receipt


async def open_onboarding(
    context: Context, application: Application, actor: Actor, *, request_id: str | None = None
) -> Opened:
    """Open an onboarding; returns its workflow id and the receipt.

    Raises:
        CommandError: the organisation number is none.
        StepRefusedError: an agreement is in force, an onboarding is open, the municipality code
            is of another municipality, or the application is not in order.
    """
    org_number = org_number_of(application)
    if await cases.agreement_in_force(context.pool, org_number) is not None:
        raise _refused(
            refuse(
                "agreement_in_force",
                f"{org_number} har redan ett avtal som gäller: lägg till en datamängd i stället.",
                f"{org_number} already has an agreement in force: add a data set instead.",
                "organisation.org_number",
            )
        )
    _same_municipality(context.settings.data_dir, org_number, application)
    workflow_id = onboarding_id(org_number)
    return await _open(
        context, "ProducerOnboarding", workflow_id, application, actor, request_id=request_id
    )


async def _standing_agreement(context: Context, org_number: str, actor: Actor) -> None:
    """Refuse without an agreement in force, and whoever may not act under it.

    Raises:
        StepRefusedError: with the reason. The workflow makes sure of the same itself.
    """
    row = await cases.agreement_in_force(context.pool, org_number)
    if row is None or row["stage"] != "in_force":
        raise _refused(
            refuse(
                "no_agreement_in_force",
                f"{org_number} har inget producentavtal som gäller (eller det är uppsagt). "
                "Ansök om att bli producent först.",
                f"{org_number} has no producer agreement in force (or it is under notice). "
                "Apply to become a producer first.",
                "organisation.org_number",
            )
        )
    details = row["view"]["details"]
    people = [Person(**details[role]) for role in ("contact", "deputy") if details.get(role)]
    if actor.role in CONTACT and not any(person.is_actor(actor) for person in people):
        raise _refused(
            refuse(
                "not_allowed",
                "Bara producentens kontaktperson eller ersättare kan öppna ärenden under avtalet.",
                "Only the producer's contact or deputy can open cases under the agreement.",
                "actor",
            )
        )


async def open_dataset(
    context: Context, application: Application, actor: Actor, *, request_id: str | None = None
) -> Opened:
    """Add a data set under an agreement in force; returns its workflow id and the receipt.

    Raises:
        CommandError: the organisation number is none.
        StepRefusedError: there is no agreement, it is somebody else's, or the data set is
            connected or in progress.
    """
    org_number = org_number_of(application)
    await _standing_agreement(context, org_number, actor)
    declared = application.get("datasets")
    first = declared[0] if isinstance(declared, list) and declared else {}
    name = str(first.get("dataset_id", "")) if isinstance(first, dict) else ""
    known = await cases.connected(context.pool, org_number, name) if name else None
    if known is not None:
        is_connected = known["stage"] == "connected"
        number = known["view"]["case_number"] or known["workflow_id"]
        raise _refused(
            refuse(
                "already_connected" if is_connected else "in_progress",
                f"{name} är redan {'ansluten' if is_connected else 'på gång'}: {number}.",
                f"{name} is {'connected' if is_connected else 'in progress'} already: {number}.",
                "datasets.0.dataset_id",
            )
        )
    workflow_id = dataset_id(org_number, name or "-")
    return await _open(
        context, "DatasetConnection", workflow_id, application, actor, request_id=request_id
    )


async def open_agent(
    context: Context, application: Application, actor: Actor, *, request_id: str | None = None
) -> Opened:
    """Appoint an agent; returns its workflow id and the receipt.

    A sole trader has a number of ours, by its contact's mail address: the same for everybody.

    Raises:
        CommandError: an organisation number is none.
        StepRefusedError: there is no agreement, it is somebody else's, or the agent is appointed.
    """
    org_number = org_number_of(application)
    await _standing_agreement(context, org_number, actor)
    agent = application.get("agent")
    if isinstance(agent, dict) and agent.get("sole_trader"):
        contact = application.get("contact")
        email = str(contact.get("email") or "") if isinstance(contact, dict) else ""
        number = await sole_traders.number_of(context.pool, email) if email else "-"
    else:
        number = org_number_of({"organisation": agent})
    workflow_id = appointment_id(org_number, number)
    return await _open(
        context, "AgentAppointment", workflow_id, application, actor, request_id=request_id
    )


Opener = Callable[..., Awaitable[Opened]]
OPENERS: dict[str, Opener] = {
    "onboarding": open_onboarding,
    "dataset": open_dataset,
    "agent": open_agent,
}
TYPES = {
    "ProducerOnboarding": "onboarding",
    "DatasetConnection": "dataset",
    "AgentAppointment": "agent",
}


def opener_of(type_: str) -> Opener:
    """Return what opens a type of case, by its short name or the workflow's.

    Raises:
        CommandError: there is no such type.
    """
    opener = OPENERS.get(TYPES.get(type_, type_))
    if opener is None:
        known = ", ".join(OPENERS)
        raise CommandError(f"Okänd ärendetyp / unknown type of case: {type_} ({known})")
    return opener
