"""What an onboarding does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import accounts, lookups, register
    from domain.agreements import declared
    from domain.case import CaseState
    from domain.dates import local_date
    from domain.onboarding import MACHINE, OnboardingState
    from domain.policy import Policy
    from domain.state import Pending


def person_input(state: CaseState, want: Pending, _: Policy) -> accounts.PersonInput:
    """Say whose personal account is wanted."""
    person = dict(state.people())[want.item]
    return accounts.PersonInput(
        role=want.item,
        org_number=state.org_number,
        name=person.name,
        email=person.email,
        phone=person.phone,
    )


def form_input(state: CaseState, want: Pending, policy: Policy) -> lookups.FormInput:
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


def registration_input(
    state: CaseState, want: Pending, policy: Policy
) -> register.RegistrationInput:
    """Say which agreement is to be registered."""
    agreement = state.agreements[want.item]
    assert agreement.document is not None
    assert agreement.valid_from is not None
    return register.RegistrationInput(
        org_number=state.org_number,
        kind=agreement.kind,
        template=policy.agreements[agreement.kind.value].template_id,
        document=agreement.document,
        valid_from=agreement.valid_from,
    )


def end_input(state: CaseState, want: Pending, _: Policy) -> register.EndInput:
    """Say which agreement is to end in the register, from today."""
    agreement = state.agreements[want.item]
    key = register.registration_key(state.org_number, agreement.kind, agreement.document or "")
    return register.EndInput(
        org_number=state.org_number,
        kind=agreement.kind,
        key=key,
        last_day=local_date(want.since),
    )


@workflow.defn
@takes_steps_of(MACHINE)
class ProducerOnboarding(Durable[OnboardingState]):
    """From application to the first connected data set."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "look_up_organisation": Operation(
            lookups.LookUps.look_up_organisation,
            lambda state, *_: lookups.LookUpInput(org_number=state.org_number),
            "organisation_looked_up",
        ),
        "find_or_create_organisation": Operation(
            accounts.Accounts.find_or_create_organisation,
            lambda state, *_: accounts.OrganisationInput(
                org_number=state.org_number, name=state.organisation_name
            ),
            "organisation_found",
        ),
        "find_or_create_person": Operation(
            accounts.Accounts.find_or_create_person, person_input, "person_found"
        ),
        "check_form": Operation(lookups.LookUps.check_form, form_input, "form_checked"),
        "register_agreement": Operation(
            register.Agreements.register_agreement, registration_input, "agreement_registered"
        ),
        "withdraw_registration": Operation(
            register.Agreements.withdraw_registration, end_input, "registration_withdrawn"
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run the onboarding to its end."""
        del start
        return await self.live()
