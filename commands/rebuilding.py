"""Writing the read model again, from the workflows and from the closing views."""

from datetime import timedelta
from typing import Any

from rich.progress import Progress
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from commands.context import STDERR, Context
from domain.machines import MACHINES
from domain.view import is_listed_as_case
from records import rebuilding
from records.rebuilding import Truth
from runtime.asking import ask

ANSWER_LIMIT = timedelta(seconds=5)  # the record waits for no longer


async def rebuild(context: Context) -> dict[str, Any]:
    """Write every row of the read model again; returns what was counted."""

    async def ask(workflow_id: str, chain_id: str) -> Truth | None:
        return await _ask(context, workflow_id, chain_id)

    with Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("rebuild", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        rebuilt = await rebuilding.rebuild(context.pool, ask, tell)
    return rebuilt.model_dump()


async def _ask(context: Context, workflow_id: str, chain_id: str) -> Truth | None:
    """Ask a workflow for its view; None when its runs are another chain's, or it says nothing."""
    newest = context.client.get_workflow_handle(workflow_id)
    try:
        described = await newest.describe(rpc_timeout=ANSWER_LIMIT)
        if described.raw_description.workflow_execution_info.first_run_id != chain_id:
            return None
        run = context.client.get_workflow_handle(workflow_id, run_id=described.run_id)
        view = await ask(run, "view", limit=ANSWER_LIMIT)
        said = await ask(run, "state", limit=ANSWER_LIMIT)
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    machine = MACHINES[view["type"]]
    is_case = is_listed_as_case(machine, machine.state.model_validate(said))
    return Truth(kind="case" if is_case else "entity", view=view)
