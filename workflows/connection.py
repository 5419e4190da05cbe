"""What the connection of a data set does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of
from workflows.operations import (
    CHECK_FORM,
    ENROL_AT_AGREEMENT,
    FIND_PERSON,
    REGISTER_AGREEMENT,
)

with workflow.unsafe.imports_passed_through():
    from activities import accounts
    from domain.connection import MACHINE
    from domain.connection_state import ConnectionState


@workflow.defn
@takes_steps_of(MACHINE)
class DatasetConnection(Durable[ConnectionState]):
    """One data set under an agreement in force."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "enrol_at_agreement": ENROL_AT_AGREEMENT,
        "find_or_create_person": FIND_PERSON,
        "check_form": CHECK_FORM,
        "register_agreement": REGISTER_AGREEMENT,
        "look_up_owner": Operation(
            accounts.Accounts.look_up_owner,
            lambda state, *_: accounts.OwnerInput(email=state.declaration.information_owner.email),
            "owner_looked_up",
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
