"""Acts are sent from here: one step to one workflow, as often as it takes, done once.

A continue-as-new that meets an update fails its caller with FAILED_PRECONDITION, or "update
aborted", and the SDK does not repeat it. The same request id is then sent again: the workflow
answers a request that it has seen with its first answer.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

PATIENCE_SECONDS = 60.0
LARGEST_BYTES = 64_000
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
AGAIN = {
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.ABORTED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
}


class StepRefusedError(Exception):
    """The workflow refused a step; `refusal` says why, in both languages, and what is open."""

    def __init__(self, refusal: dict[str, Any]) -> None:
        self.refusal = refusal
        super().__init__(refusal.get("code", "refused"))


class NoSuchCaseError(Exception):
    """There is no open workflow of that id."""


class NotAnsweredError(Exception):
    """Nobody answered in time; sent again with the same `request_id`, the act is done once."""

    def __init__(self, workflow_id: str, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(workflow_id)


def _refusal(error: WorkflowUpdateFailedError) -> StepRefusedError | None:
    """Return the refusal; None when the update was caught by a continue-as-new."""
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return None
    if cause.details:
        return StepRefusedError(dict(cause.details[0]))
    if cause.type is None or "aborted" in cause.message.lower():
        return None
    text = {"sv": cause.message, "en": cause.message}
    return StepRefusedError({"code": cause.type, "text": text, "open_steps": []})


def refuse_too_large(request: dict[str, Any]) -> None:
    """Refuse at the door what would not fit into a history; documents go by their id.

    Raises:
        StepRefusedError: the payload is larger than 64 kB.
    """
    size = len(json.dumps(request, default=str))
    if size <= LARGEST_BYTES:
        return
    text = {
        "sv": f"Uppgifterna är för stora ({size // 1000} kB, högst {LARGEST_BYTES // 1000}). "
        "Lämna dokument med starter.py document och ange deras id.",
        "en": f"The payload is too large ({size // 1000} kB, at most {LARGEST_BYTES // 1000}). "
        "Store documents with starter.py document and give their ids.",
    }
    raise StepRefusedError({"code": "too_large", "text": text, "field": "payload"})


def _update_id(step: str, request: dict[str, Any]) -> str:
    """Return the id by which the server knows a request that is sent again.

    It tells other content under the same `request_id` apart: the server would answer that with the
    first receipt, where the workflow refuses it.
    """
    content = json.dumps(request, sort_keys=True, default=str).encode()
    return f"{request['request_id']}/{step}/{hashlib.sha256(content).hexdigest()[:16]}"


async def send_step(
    client: Client, workflow_id: str, step: str, request: dict[str, Any]
) -> dict[str, Any]:
    """Take a step and return its receipt.

    Raises:
        StepRefusedError: it may not be taken now, by this person, or in this form.
        NoSuchCaseError: nothing runs under the id.
        NotAnsweredError: neither a receipt nor a refusal came within `PATIENCE_SECONDS`.
    """
    refuse_too_large(request)
    handle = client.get_workflow_handle(workflow_id)

    async def attempt() -> dict[str, Any]:
        receipt: dict[str, Any] = await handle.execute_update(
            step, request, id=_update_id(step, request), result_type=dict
        )
        return receipt

    return await _as_often_as_it_takes(attempt, workflow_id, request["request_id"])


async def open_case(
    client: Client,
    type_: str,
    start: dict[str, Any],
    request: dict[str, Any],
    *,
    workflow_id: str,
    task_queue: str,
    task_limit: timedelta,
) -> dict[str, Any]:
    """Open a case and return its receipt; a second one for the same id is refused.

    Raises:
        StepRefusedError: the application is not in order, or one is open.
        NotAnsweredError: neither a receipt nor a refusal came within `PATIENCE_SECONDS`.
    """
    refuse_too_large(request)

    async def attempt() -> dict[str, Any]:
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            type_,
            start,
            id=workflow_id,
            task_queue=task_queue,
            task_timeout=task_limit,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{type_} {workflow_id.partition('/')[2]}",
        )
        receipt: dict[str, Any] = await client.execute_update_with_start_workflow(
            "apply",
            request,
            start_workflow_operation=operation,
            id=_update_id("apply", request),
            result_type=dict,
        )
        return receipt

    return await _as_often_as_it_takes(attempt, workflow_id, request["request_id"])


async def _as_often_as_it_takes(
    attempt: Callable[[], Awaitable[dict[str, Any]]], workflow_id: str, request_id: str
) -> dict[str, Any]:
    """Try until there is an answer; a server or a worker that is down is waited for.

    The time counts and not the tries: the server refuses updates at once while a task whose
    workers were lost is given to the next, and takes longer to see the loss each time.
    """
    pause = FIRST_PAUSE_SECONDS
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for number in count():
                try:
                    receipt = await _answer(attempt)
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise
                    if number > 0:  # else it may be between two runs
                        raise NoSuchCaseError(workflow_id) from None
                    receipt = None
                if receipt is not None:
                    return receipt
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
    except TimeoutError:
        pass
    raise NotAnsweredError(workflow_id, request_id)


async def _answer(attempt: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any] | None:
    """Return the receipt; None when nobody answered and the same must be sent again."""
    try:
        return await attempt()
    except WorkflowUpdateFailedError as error:
        refused = _refusal(error)
        if refused is not None:
            raise refused from None
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        if isinstance(error.__cause__, asyncio.CancelledError):  # the SDK takes it for its own
            raise error.__cause__ from None
    except RPCError as error:
        if error.status not in AGAIN:
            raise
    return None
