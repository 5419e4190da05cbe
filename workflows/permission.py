"""What a permission does to the world."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import accounts, deliveries, messages
    from domain.permission import MACHINE
    from domain.permission_state import PermissionState


def account_input(state: PermissionState, *_: object) -> accounts.SystemAccountInput:
    """Say whose system account is meant."""
    return accounts.SystemAccountInput(
        key=state.workflow_id, org_number=state.party, dataset_id=state.dataset_id
    )


def enrol_input(state: PermissionState, *_: object) -> messages.EnrolInput:
    """Say that an agent's right wants to belong to a data set."""
    assert state.dataset_ref is not None
    return messages.EnrolInput(
        owner=state.dataset_ref, ref=state.workflow_id, type=state.type, item=state.party
    )


@workflow.defn
@takes_steps_of(MACHINE)
class Permission(Durable[PermissionState]):
    """The dated right of one party to deliver one data set."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "enrol_at_dataset": Operation(
            messages.Messages.enrol_at_dataset, enrol_input, "dataset_enrolled"
        ),
        "create_system_account": Operation(
            accounts.Accounts.create_system_account, account_input, "system_account_found"
        ),
        "claim_system_account": Operation(
            accounts.Accounts.claim_system_account,
            lambda state, *_: accounts.ClaimInput(
                key=state.workflow_id, login_name=state.system_account or ""
            ),
            "system_account_claimed",
        ),
        "fetch_report": Operation(
            deliveries.Deliveries.fetch_report,
            lambda _, want, __: deliveries.DeliveryInput(delivery_id=want.item),
            "report_fetched",
        ),
        "disable_system_account": Operation(
            accounts.Accounts.disable_system_account,
            account_input,
            "system_account_off",
            shuts_off=True,
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run as long as the right lasts."""
        del start
        return await self.live()
