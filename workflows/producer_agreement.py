"""What an agreement in force does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.operations import END_AGREEMENT, FIND_PERSON, FIND_REGISTRATIONS

with workflow.unsafe.imports_passed_through():
    from domain.agreement_state import AgreementState
    from domain.producer_agreement import MACHINE


@workflow.defn
@takes_steps_of(MACHINE)
class ProducerAgreement(Durable[AgreementState]):
    """The producer's agreement, on which everything under it rests."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "find_or_create_person": FIND_PERSON,
        "find_registrations": FIND_REGISTRATIONS,
        "end_agreement": END_AGREEMENT,
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as long as the agreement is in force."""
        del start
        return await self.live()
