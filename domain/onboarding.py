"""Onboarding of a producer: from application to the first connected data set."""

from collections.abc import Callable, Iterator
from typing import Literal

from pydantic import Field

from domain import agreements, appeal, countersigning, decision, decision_on_request, hearing
from domain.act import CONTACT, HANDLER, Actor, Refusal, Role
from domain.agreement_state import agreement_id, covered_by
from domain.case import (
    CHECK_COMPLETION,
    Organisation,
    OrganisationAccountFound,
    OrganisationLookedUp,
    completion_seen,
    everyday_timers,
    everyday_waits,
    part_ended,
)
from domain.connection_state import dataset_id
from domain.datasets import Dataset, Declaration, declaration_problems
from domain.everyday import EVERYDAY, NewPerson, unpark
from domain.fields import FreeText, MunicipalityCodeField, Name, OrgNumberField
from domain.machine import Machine, Moment, Payload, Reaction, Step, not_opened
from domain.onboarding_state import DatasetConnected, DatasetEnded, OnboardingState, Withdrawn
from domain.organisations import wrong_code
from domain.people import (
    PEOPLE,
    activation_wait,
    contact_waits,
    people_wants,
    release_people,
    tell_contacts,
)
from domain.policy import Policy
from domain.state import Party, Person, System, Timer, Wait, Want
from domain.text import Text

STAGES = (
    "intake",
    "account",
    "agreement",
    "review",
    "countersigning",
    "datasets",
    "appeal_period",
    "ending",
    "ended",
)
OUTCOMES = ("connected", "denied", "dismissed", "withdrawn", "closed")


class ApplyingOrganisation(Payload):
    """The organisation as the applicant states it."""

    org_number: OrgNumberField
    name: FreeText = ""
    municipality_code: MunicipalityCodeField | None = None


class Application(Payload):
    """An application to become a producer."""

    organisation: ApplyingOrganisation
    contact: NewPerson
    deputy: NewPerson | None = None
    datasets: tuple[Declaration, ...] = Field(min_length=1, max_length=20)


class ConfirmOrganisation(Payload):
    """A handler vouches for an organisation that the registers do not know."""

    kind: Literal["municipality", "state_agency", "region", "company"]
    name: Name
    basis: FreeText = Field(min_length=1)


def _open(state: OnboardingState, payload: Application, actor: Actor, moment: Moment) -> None:
    stated = payload.organisation
    state.org_number = stated.org_number
    state.organisation_name = stated.name
    state.organisation = Organisation(**stated.model_dump())
    state.contact = Person(**payload.contact.model_dump())
    if payload.deputy is not None:
        state.deputy = Person(**payload.deputy.model_dump())
    state.datasets = {each.dataset_id: Dataset(declaration=each) for each in payload.datasets}
    state.opened_at, state.arrived_on = moment.now, actor.arrival_date
    if actor.role is Role.CASE_HANDLER:
        state.handler = actor.subject
    state.notify("acknowledgement", state.contact)
    state.notify("new_case", Role.CASE_HANDLER)


def _open_refusal(
    state: OnboardingState, payload: Application, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    problems = declaration_problems(payload.datasets, moment.policy, None)
    if not problems:
        return None
    return Refusal(code=problems[0].code, text=problems[0].text, field=problems[0].field)


def _confirm(
    state: OnboardingState, payload: ConfirmOrganisation, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    state.organisation.kind = payload.kind
    state.organisation.name = payload.name
    state.organisation_name = payload.name
    state.organisation.is_confirmed = True
    completion_seen(state)


def _can_confirm(state: OnboardingState, moment: Moment) -> bool:
    del moment
    is_unclear = state.organisation.needs_person is not None
    return state.stage == "intake" and is_unclear and state.review.proposal is None


def _looked_up(state: OnboardingState, content: OrganisationLookedUp, moment: Moment) -> None:
    organisation = state.organisation
    organisation.is_looked_up = True
    organisation.kind = content.kind
    organisation.name = content.name or organisation.name
    state.organisation_name = organisation.name
    wrong = wrong_code(organisation.municipality_code, content.municipality_code)
    organisation.municipality_code = content.municipality_code
    declared = tuple(dataset.declaration for dataset in state.datasets.values())
    problems = declaration_problems(declared, moment.policy, content.kind)
    unfit = wrong or (problems[0].text if problems else None)
    organisation.needs_person = content.needs_person or unfit
    organisation.is_confirmed = organisation.needs_person is None
    if organisation.needs_person is not None:
        state.notify("organisation_unclear", Role.CASE_HANDLER)


def _account_found(
    state: OnboardingState, content: OrganisationAccountFound, moment: Moment
) -> None:
    del moment
    state.organisation.account_id = content.account_id


def _withdrawn(state: OnboardingState, content: Withdrawn, moment: Moment) -> None:
    del moment
    state.unregistered.append(content.kind)


def _connected(state: OnboardingState, content: DatasetConnected, moment: Moment) -> None:
    del moment
    for dataset in state.datasets.values():
        if dataset.ref == content.ref:
            dataset.outcome = "connected"


def _part_ended(state: OnboardingState, content: DatasetEnded, moment: Moment) -> None:
    part_ended(state, content, moment)
    for name, dataset in state.datasets.items():
        if dataset.ref == content.ref and content.appeal is not None:
            state.pending_appeals[name] = content.appeal
        if dataset.ref == content.ref and not state.parts[content.ref].told_to_end:
            dataset.outcome = state.last_outcome = content.outcome or "closed"


def begin_agreement(state: OnboardingState, moment: Moment) -> None:
    """Start the agreement entity: from here on it carries the producer's rights."""
    granted = {
        name: covered_by(
            dataset.declaration, moment.policy, state.decisions[-1].decided_on
        ).model_dump(mode="json")
        for name, dataset in state.datasets.items()
        if dataset.decision is not None and dataset.decision.granted
    }
    content = {
        "organisation": state.organisation.model_dump(mode="json"),
        "granted": granted,
        "owner": state.workflow_id,
        "org_number": state.org_number,
        "organisation_name": state.organisation_name,
        "case_number": state.number,
        "contact": state.contact.model_dump(mode="json") if state.contact else None,
        "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
        "agreements": {
            kind: agreement.model_dump(mode="json") for kind, agreement in state.agreements.items()
        },
    }
    state.begin_part(agreement_id(state.org_number), "ProducerAgreement", content)


def begin_datasets(state: OnboardingState, *, granted: bool) -> None:
    """Start a connection for each data set that was granted, or denied, by the decision."""
    for name, dataset in state.datasets.items():
        is_granted = dataset.decision is not None and dataset.decision.granted
        if is_granted is not granted or dataset.outcome is not None:
            continue
        ref = dataset_id(state.org_number, name)
        dataset.ref = ref
        content = {
            "owner": state.workflow_id,
            "org_number": state.org_number,
            "organisation": state.organisation.model_dump(mode="json"),
            "case_number": state.number,
            "contact": state.contact.model_dump(mode="json") if state.contact else None,
            "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
            "handler": state.handler,
            "biased": list(state.biased),
            "dataset": dataset.model_dump(mode="json"),
            "decision": state.decisions[-1].model_dump(mode="json"),
        }
        appealed = state.pending_appeals.pop(name, None)
        if appealed is not None and not granted:
            content["appeal"] = appealed.model_dump(mode="json")
        state.begin_part(ref, "DatasetConnection", content, name)


def progress(state: OnboardingState, moment: Moment) -> None:
    """Move on as far as the facts allow; denied data sets hear who acts for the producer."""
    _move_on(state, moment)
    if state.agreement_ref is None and not state.is_ending:
        tell_contacts(state, state.parts)  # from then on the agreement tells all under it


def _move_on(state: OnboardingState, moment: Moment) -> None:
    contact = state.contact
    if state.stage == "intake" and state.organisation.is_confirmed:
        state.stage = "account"
    elif state.stage == "account":
        if state.organisation.account_id and contact and contact.account_id and contact.active:
            state.stage = "agreement"
            agreements.require_agreements(state)
            state.notify("agreements_open", contact)
    elif state.stage == "agreement":
        agreements.require_agreements(state)
        if agreements.all_accepted(state):
            state.stage = "review"
    elif state.stage == "review":
        state.end_parts({"outcome": "examined_again"})
    elif state.stage == "countersigning":
        _progress_countersigning(state, moment)
    elif state.stage == "datasets":
        _progress_datasets(state)
    elif state.stage == "ending":
        _progress_ending(state)


def _progress_countersigning(state: OnboardingState, moment: Moment) -> None:
    if any(part.told_to_end for part in state.open_parts()):
        return  # connections of a decision that was made again are still ending
    begin_datasets(state, granted=False)  # their appeal period runs from the decision
    if state.agreements and all(each.registered_at for each in state.agreements.values()):
        state.stage = "datasets"
        denied = list(state.open_parts())
        begin_agreement(state, moment)
        begin_datasets(state, granted=True)
        for part in denied:
            state.tell(part.ref, "agreement_in_force")


def _progress_datasets(state: OnboardingState) -> None:
    outcomes = [dataset.outcome for dataset in state.datasets.values()]
    state.is_agreement_kept = "connected" in outcomes or all(outcomes)
    if "connected" in outcomes:
        state.end("connected")
        state.notify("connected", state.acting, Role.CASE_HANDLER)
    elif all(outcomes):
        last = state.last_outcome
        state.end(last if last in OUTCOMES else "closed")


def _progress_ending(state: OnboardingState) -> None:
    if not state.is_agreement_kept:
        state.end_parts({"outcome": state.outcome})
        if any(state.open_parts()):
            return
    if state.look_again_at is None and not any(_ending_wants(state)):
        release_people(state)
        state.stage = "ended"


def _ending_wants(state: OnboardingState) -> Iterator[Want]:
    """Agreements that may stand in the register while no entity answers for them."""
    if agreement_id(state.org_number) in state.parts or state.look_again_at is not None:
        return
    for kind, agreement in state.agreements.items():
        if agreement.countersigned_at is not None and kind not in state.unregistered:
            yield Want(
                operation="withdraw_registration", system=System.AGREEMENT_REGISTER, item=kind
            )


def wants(state: OnboardingState) -> Iterator[Want]:
    """Yield what is to be done in the world now."""
    if state.is_ending:
        yield from _ending_wants(state)
        return
    if not state.is_opened:
        return
    if not state.organisation.is_looked_up:
        yield Want(operation="look_up_organisation", system=System.RECORDS)
    if state.stage == "intake":
        return
    if state.stage == "appeal_period" and state.organisation.account_id is None:
        return  # dismissed before anything was made in the account system
    if state.organisation.account_id is None:
        yield Want(operation="find_or_create_organisation", system=System.ACCOUNT_SYSTEM)
    yield from people_wants(state)
    yield from agreements.signing_wants(state)
    if state.stage == "countersigning":
        yield from countersigning.registering_wants(state)


def waits(state: OnboardingState) -> Iterator[Wait]:
    """Yield on whom the case waits now."""
    if not state.is_opened or state.is_ended:
        return
    if (everyday := everyday_waits(state)) is not None and not state.is_ending:
        yield from everyday
        if everyday[0].rule != CHECK_COMPLETION:
            yield from decision_on_request.on_request_waits(state)
            return
    for wait in WAITS.get(state.stage, ()):
        yield from wait(state)
    yield from decision.decision_waits(state)
    yield from decision_on_request.on_request_waits(state)
    yield from contact_waits(state)


def _intake_waits(state: OnboardingState) -> Iterator[Wait]:
    if state.organisation.needs_person is not None and state.review.proposal is None:
        yield Wait(on=Party.CASE_HANDLER, rule="confirm_organisation")


def _account_waits(state: OnboardingState) -> Iterator[Wait]:
    contact = state.contact
    if contact is not None and contact.account_id is not None and not contact.active:
        yield activation_wait(contact, "contact")
    yield from _outside_waits(state)


def _outside_waits(state: OnboardingState) -> Iterator[Wait]:
    systems = {want.system for want in wants(state)}
    if System.ACCOUNT_SYSTEM in systems:
        yield Wait(on=Party.ACCOUNT_SYSTEM, rule="find_or_create_accounts")
    if System.AGREEMENT_REGISTER in systems or (state.is_ending and state.look_again_at):
        yield Wait(on=Party.AGREEMENT_REGISTER, rule="register_agreement")


WAITS: dict[str, tuple[Callable[[OnboardingState], Iterator[Wait]], ...]] = {
    "intake": (_intake_waits,),
    "account": (_account_waits,),
    "agreement": (agreements.signing_waits,),
    "countersigning": (countersigning.countersigning_waits, _outside_waits),
    "appeal_period": (appeal.appeal_waits,),
    "ending": (_outside_waits,),
}


def timers(state: OnboardingState, policy: Policy) -> Iterator[Timer]:
    """Yield what happens by itself."""
    if not state.is_ending:
        yield from everyday_timers(state, policy)
        yield from hearing.hearing_timers(state, policy)
        yield from appeal.appeal_timers(state, policy)


OPENING: Step[OnboardingState] = Step(
    name="apply",
    payload=Application,
    who=CONTACT,
    is_open=not_opened,
    check=_open_refusal,
    do=_open,
    help=Text(sv="Ansök om att bli producent.", en="Apply to become a producer."),
)

STEPS: tuple[Step[OnboardingState], ...] = (
    Step(
        name="confirm_organisation",
        payload=ConfirmOrganisation,
        who=HANDLER,
        is_open=_can_confirm,
        do=_confirm,
        help=Text(
            sv="Intyga att organisationen kan bli producent, med grund.",
            en="Vouch that the organisation may become a producer, with the basis.",
        ),
    ),
    *agreements.STEPS,
    *countersigning.STEPS,
    *decision.STEPS,
    *decision_on_request.STEPS,
    *appeal.STEPS,
    *EVERYDAY,
)

MACHINE: Machine[OnboardingState] = Machine(
    name="ProducerOnboarding",
    state=OnboardingState,
    stages=STAGES,
    opening=OPENING,
    steps=STEPS,
    reactions={
        **PEOPLE,
        **agreements.REACTIONS,
        **countersigning.REACTIONS,
        "organisation_looked_up": Reaction(payload=OrganisationLookedUp, do=_looked_up),
        "organisation_found": Reaction(payload=OrganisationAccountFound, do=_account_found),
        "registration_withdrawn": Reaction(payload=Withdrawn, do=_withdrawn),
        "dataset_connected": Reaction(payload=DatasetConnected, do=_connected),
        "part_ended": Reaction(payload=DatasetEnded, do=_part_ended),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "unpark": unpark,
        "hearing_over": hearing.hearing_over,
        "legal_force": appeal.legal_force,
    },
    draws_number=lambda state: state.is_opened,
)
