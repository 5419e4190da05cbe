"""Starting the next attempt of waiting activities at once: the one use of the server's reset."""

from collections.abc import Iterable
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import ResetActivityExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

GONE = {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}


async def wake_activities(
    client: Client, operations: Iterable[tuple[str, str]], *, jitter_seconds: float
) -> int:
    """Start the next attempt of `(workflow id, activity id)` pairs, spread over the jitter.

    Returns how many were still waiting; one that has ended meanwhile is passed over.
    """
    woken = 0
    jitter = Duration()
    jitter.FromTimedelta(timedelta(seconds=jitter_seconds))
    for workflow_id, activity_id in operations:
        request = ResetActivityExecutionRequest(
            namespace=client.namespace,
            workflow_id=workflow_id,
            activity_id=activity_id,
            jitter=jitter,
        )
        try:
            await client.workflow_service.reset_activity_execution(request)
        except RPCError as error:
            if error.status not in GONE:
                raise
        else:
            woken += 1
    return woken
