"""Workflows are asked from here.

Between two runs, right after a continue-as-new, the server has nobody to ask for a moment and says
so with FAILED_PRECONDITION. That is asked again; so is, for a few seconds, a workflow whose task is
being done once more: the server says the same of one that a slow worker lost and of one that fails.
Other answers of the status are failures.
"""

import asyncio
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

LIMIT: Final = timedelta(seconds=30)
NOBODY_YET: Final = "workflow task is not scheduled yet"  # ErrWorkflowTaskNotScheduled
DONE_ONCE_MORE: Final = "workflow task in failed state"  # attempted before, and not done
DONE_ONCE_MORE_LIMIT: Final = timedelta(seconds=3)
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
    began = loop.time()
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            said: dict[str, Any] = await handle.query(question, result_type=dict, rpc_timeout=limit)
        except RPCError as error:
            if loop.time() + pause > began + min(limit, _patience(error)).total_seconds():
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        else:
            return said


def _patience(error: RPCError) -> timedelta:
    """Return for how long an answer is no answer yet."""
    said = error.message.lower() if error.status is RPCStatusCode.FAILED_PRECONDITION else ""
    if NOBODY_YET in said:
        return LIMIT
    return DONE_ONCE_MORE_LIMIT if DONE_ONCE_MORE in said else timedelta()
