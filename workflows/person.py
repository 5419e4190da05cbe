"""What a person's access does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import accounts
    from domain.person import MACHINE
    from domain.person_state import PersonState
    from domain.policy import Policy
    from domain.state import Pending


def account_input(state: PersonState, *_: object) -> accounts.AccountInput:
    """Say whose account is to be switched."""
    return accounts.AccountInput(account_id=state.account_id)


def successor_input(state: PersonState, want: Pending, _: Policy) -> accounts.PersonInput:
    """Say whose personal account is wanted for a role that is taken over."""
    person = state.successors[want.item].person
    return accounts.PersonInput(
        role=want.item,
        org_number=state.org_number,
        name=person.name,
        email=person.email,
        phone=person.phone,
    )


@workflow.defn
@takes_steps_of(MACHINE)
class PersonAccess(Durable[PersonState]):
    """One person's account and all that hangs on it."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "activate_person": Operation(
            accounts.Accounts.activate_person, account_input, "person_activated"
        ),
        "disable_person": Operation(
            accounts.Accounts.disable_person, account_input, "account_off", shuts_off=True
        ),
        "find_successor": Operation(
            accounts.Accounts.find_or_create_person, successor_input, "successor_found"
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
