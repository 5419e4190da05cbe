"""What the connection of a data set does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.onboarding import form_input, person_input, registration_input

with workflow.unsafe.imports_passed_through():
    from activities import accounts, lookups, messages, register
    from domain.connection import MACHINE, ConnectionState
    from domain.onboarding import agreement_id


def enrol_input(state: ConnectionState, *_: object) -> messages.EnrolInput:
    """Say what wants to rest on the agreement."""
    return messages.EnrolInput(
        owner=agreement_id(state.org_number),
        ref=state.workflow_id,
        type=state.type,
        item=state.dataset_id,
    )


@workflow.defn
@takes_steps_of(MACHINE)
class DatasetConnection(Durable[ConnectionState]):
    """One data set under an agreement in force."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "enrol_at_agreement": Operation(messages.Messages.enrol, enrol_input, "enrolled"),
        "find_or_create_person": Operation(
            accounts.Accounts.find_or_create_person, person_input, "person_found"
        ),
        "check_form": Operation(lookups.LookUps.check_form, form_input, "form_checked"),
        "register_agreement": Operation(
            register.Agreements.register_agreement, registration_input, "agreement_registered"
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run the connection to its end."""
        del start
        return await self.live()
