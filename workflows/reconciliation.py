"""What a run of the reconciliation does to the world: it looks, compares, and tells."""

from typing import ClassVar

from temporalio import workflow

from workflows.case import Durable, Operation, Result
from workflows.deciding import Start, takes_steps_of

with workflow.unsafe.imports_passed_through():
    from activities import findings, reconciliation
    from domain.machine import Act
    from domain.policy import Policy
    from domain.reconciliation_run import MACHINE, Begin, ReconciliationState
    from domain.state import EntryKind, Pending


def look_input(
    state: ReconciliationState, want: Pending, policy: Policy
) -> reconciliation.LookInput:
    """Say which look of which run it is, at which system."""
    del policy
    assert state.opened_at is not None
    return reconciliation.LookInput(
        run=state.run,
        workflow_id=state.workflow_id,
        started_at=state.opened_at,
        look=state.look,
        system=want.system,
    )


def compare_input(state: ReconciliationState, *_: object) -> findings.CompareInput:
    """Say which look to compare, and since when nothing may have changed."""
    assert state.opened_at is not None
    return findings.CompareInput(run=state.run, look=state.look, unchanged_since=state.opened_at)


@workflow.defn
@takes_steps_of(MACHINE)
class AccessReconciliation(Durable[ReconciliationState]):
    """Compares what portals, account system and register hold with what is granted."""

    machine = MACHINE
    operations: ClassVar[dict[str, Operation]] = {
        "list_applications": Operation(
            reconciliation.PortalLooks.list_applications, look_input, "looked"
        ),
        "count_keys": Operation(reconciliation.PortalLooks.count_keys, look_input, "looked"),
        "list_system_accounts": Operation(
            reconciliation.AccountLooks.list_system_accounts, look_input, "looked"
        ),
        "look_at_people": Operation(
            reconciliation.AccountLooks.look_at_people, look_input, "looked"
        ),
        "list_agreements": Operation(
            reconciliation.RegisterLooks.list_agreements, look_input, "looked"
        ),
        "compare": Operation(findings.Findings.compare, compare_input, "compared"),
        "deal": Operation(
            findings.Findings.deal,
            lambda state, *_: findings.DealInput(
                run=state.run, may_cut=state.may_cut, only_reports=state.only_reports
            ),
            "dealt",
        ),
        "close": Operation(
            findings.Findings.close,
            lambda state, *_: findings.CloseInput(run=state.run, outcome=state.outcome or ""),
            "closed",
        ),
    }

    @workflow.init
    def __init__(self, start: Start) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: Start) -> Result:
        """Run once: a schedule that starts it says nothing more, so it begins by itself."""
        del start
        if not self.state.is_opened:
            self._apply(Act(EntryKind.WORD, "begin", Begin()))
        return await self.live()
