"""What an agent's appointment does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.operations import ENROL_AT_AGREEMENT, FIND_PERSON

with workflow.unsafe.imports_passed_through():
    from activities import accounts, lookups
    from domain.agent_appointment import MACHINE
    from domain.appointment_state import AppointmentState


@workflow.defn
@takes_steps_of(MACHINE)
class AgentAppointment(Durable[AppointmentState]):
    """One agent of one producer."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "enrol_at_agreement": ENROL_AT_AGREEMENT,
        "look_up_organisation": Operation(
            lookups.LookUps.look_up_organisation,
            lambda state, *_: lookups.LookUpInput(org_number=state.agent_id),
            "organisation_looked_up",
        ),
        "find_or_create_organisation": Operation(
            accounts.Accounts.find_or_create_organisation,
            lambda state, *_: accounts.OrganisationInput(
                org_number=state.agent_id, name=state.agent_name
            ),
            "organisation_found",
        ),
        "find_or_create_person": FIND_PERSON,
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as long as the agent is appointed."""
        del start
        return await self.live()
