"""What an onboarding does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.operations import (
    CHECK_FORM,
    FIND_PERSON,
    REGISTER_AGREEMENT,
    WITHDRAW_REGISTRATION,
)

with workflow.unsafe.imports_passed_through():
    from activities import accounts, lookups
    from domain.onboarding import MACHINE
    from domain.onboarding_state import OnboardingState


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
        "find_or_create_person": FIND_PERSON,
        "check_form": CHECK_FORM,
        "register_agreement": REGISTER_AGREEMENT,
        "withdraw_registration": WITHDRAW_REGISTRATION,
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run the onboarding to its end."""
        del start
        return await self.live()
