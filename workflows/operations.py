"""Operations that several kinds of workflow want, with what they need to know."""

from temporalio import workflow

from workflows.case import Operation

with workflow.unsafe.imports_passed_through():
    from activities import accounts, lookups, messages, register
    from domain.adding import SUPPLEMENT
    from domain.agreement_state import agreement_id
    from domain.agreements import declared
    from domain.appointment_state import AppointmentState
    from domain.case import CaseState, Kind
    from domain.connection_state import ConnectionState
    from domain.dates import local_date
    from domain.policy import Policy
    from domain.state import Pending


def _person(state: CaseState, want: Pending, _: Policy) -> accounts.PersonInput:
    """Say whose personal account is wanted."""
    person = dict(state.people())[want.item]
    number = state.organisation_of(want.item)[0]
    return accounts.PersonInput(
        role=want.item,
        org_number=number,
        name=person.name,
        email=person.email,
        phone=person.phone,
    )


def _form(state: CaseState, want: Pending, policy: Policy) -> lookups.FormInput:
    """Say which filled form is to be read, and what it is compared with."""
    agreement = state.agreements[want.item]
    template = policy.agreements[agreement.kind.value]
    return lookups.FormInput(
        kind=agreement.kind,
        form=agreement.form or "",
        org_number=state.org_number,
        organisation_name=state.organisation_name,
        template_id=template.template_id,
        template_version=template.version,
        a3=declared(state, "a3"),
        a4=declared(state, "a4"),
    )


def _registration(state: CaseState, want: Pending, policy: Policy) -> register.RegistrationInput:
    """Say which agreement is to be registered."""
    agreement = state.agreements[Kind.PROCESSING if want.item == SUPPLEMENT else want.item]
    assert agreement.document is not None
    assert agreement.valid_from is not None
    standing = state.standing if isinstance(state, ConnectionState) else None
    return register.RegistrationInput(
        org_number=state.org_number,
        kind=agreement.kind,
        template=policy.agreements[agreement.kind.value].template_id,
        document=agreement.document,
        valid_from=agreement.valid_from,
        supplements=standing.processing_key if standing else None,
        supplements_key=standing.processing_registration if standing else None,
    )


def _end(state: CaseState, want: Pending, _: Policy) -> register.EndInput:
    """Say which agreement is to end in the register: after its last day, or from today."""
    agreement = state.agreements[want.item]
    ours = register.registration_key(state.org_number, agreement.kind, agreement.document or "")
    return register.EndInput(
        org_number=state.org_number,
        kind=agreement.kind,
        key=agreement.registration or ours,
        last_day=getattr(state, "last_day", None) or local_date(want.since),
    )


def _enrolment(state: CaseState, *_: object) -> messages.EnrolInput:
    """Say what wants to rest on the agreement."""
    item = state.dataset_id if isinstance(state, ConnectionState) else ""
    item = state.agent_id if isinstance(state, AppointmentState) else item
    return messages.EnrolInput(
        owner=agreement_id(state.org_number), ref=state.workflow_id, type=state.type, item=item
    )


FIND_PERSON = Operation(accounts.Accounts.find_or_create_person, _person, "person_found")
CHECK_FORM = Operation(lookups.LookUps.check_form, _form, "form_checked")
REGISTER_AGREEMENT = Operation(
    register.Agreements.register_agreement, _registration, "agreement_registered"
)
FIND_REGISTRATIONS = Operation(
    register.Agreements.find_registrations,
    lambda state, *_: register.ProducerInput(org_number=state.org_number),
    "registrations_found",
)
END_AGREEMENT = Operation(register.Agreements.end_agreement, _end, "agreement_ended")
WITHDRAW_REGISTRATION = Operation(
    register.Agreements.withdraw_registration, _end, "registration_withdrawn"
)
ENROL_AT_AGREEMENT = Operation(messages.Messages.enrol, _enrolment, "enrolled")
