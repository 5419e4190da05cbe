"""What a person's access does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import accounts
    from domain.person import MACHINE, PersonState


@workflow.defn
@takes_steps_of(MACHINE)
class PersonAccess(Durable[PersonState]):
    """One person's account and all that hangs on it."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "activate_person": Operation(
            accounts.Accounts.activate_person,
            lambda state, *_: accounts.AccountInput(
                account_id=state.person.account_id if state.person else ""
            ),
            "person_activated",
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as long as the account is in use."""
        del start
        return await self.live()
