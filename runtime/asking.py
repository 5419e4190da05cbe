"""Workflows are asked from here.

Between two runs, right after a continue-as-new, the server has nobody to ask for a moment and says
so with FAILED_PRECONDITION. That alone is asked again: other answers of the status are failures.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

LIMIT: Final = timedelta(seconds=30)
NOBODY_YET: Final = "workflow task is not scheduled yet"  # ErrWorkflowTaskNotScheduled
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.5


async def ask(
    handle: WorkflowHandle[Any, Any], question: str, *, limit: timedelta = LIMIT
) -> dict[str, Any]:
    """Ask a workflow its `view` or its `state`.

    Args:
        handle: the workflow, or one run of it.
        question: the query's name.
        limit: for each try, and for trying again while there is nobody to ask.
    """
    loop = asyncio.get_running_loop()
    stop = loop.time() + limit.total_seconds()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            said: dict[str, Any] = await handle.query(question, result_type=dict, rpc_timeout=limit)
        except RPCError as error:
            if not _is_between_runs(error) or loop.time() + pause > stop:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            return said


def _is_between_runs(error: RPCError) -> bool:
    is_not_ready = error.status is RPCStatusCode.FAILED_PRECONDITION
    return is_not_ready and NOBODY_YET in error.message.lower()
