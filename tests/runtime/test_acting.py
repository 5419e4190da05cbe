"""Acts: sent until somebody answers, for as long as a person should wait, and no longer."""

import asyncio
from typing import Any, cast

import pytest
from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from runtime import acting
from runtime.acting import NoSuchCaseError, NotAnsweredError, send_step

FAILED_STATE = RPCError(
    "Unable to perform workflow execution update due to Workflow Task in failed state.",
    RPCStatusCode.FAILED_PRECONDITION,
    b"",
)
MISSING = RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
REQUEST = {"request_id": "r-1", "actor": {}, "payload": {}}


class _Says:
    """A client and a workflow that gives these answers in turn, the last one over and over."""

    def __init__(self, *answers: dict[str, Any] | RPCError | None) -> None:
        self._answers = list(answers)
        self.asked = 0

    def get_workflow_handle(self, _: str) -> "_Says":
        return self

    async def execute_update(self, *_: object, **__: object) -> dict[str, Any]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if isinstance(answer, RPCError):
            raise answer
        if answer is None:  # nobody is there; the SDK waits, and takes a cancellation for its own
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                raise WorkflowUpdateRPCTimeoutOrCancelledError from error
        return cast("dict[str, Any]", answer)

    async def send(self) -> dict[str, Any]:
        return await send_step(cast("Client", self), "onboarding/212000-0001", "note", REQUEST)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "FIRST_PAUSE_SECONDS", 0.0)


async def test_a_task_that_is_between_workers_is_waited_for() -> None:
    """However often the server refuses at once, the time decides."""
    workflow = _Says(*[FAILED_STATE] * 50, {"version": 2})
    assert await workflow.send() == {"version": 2}


@pytest.mark.parametrize("answer", [FAILED_STATE, None], ids=["refused at once", "silence"])
async def test_nobody_is_waited_for_for_ever(
    answer: RPCError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is up the error names the request, which may be sent again."""
    monkeypatch.setattr(acting, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(NotAnsweredError) as caught:
        await _Says(answer).send()
    assert caught.value.request_id == "r-1"


async def test_who_gives_up_is_let_go() -> None:
    """An act that is called off ends, it is not sent again."""
    workflow = _Says(None)
    sending = asyncio.create_task(workflow.send())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert workflow.asked == 1


async def test_a_case_is_missing_when_it_is_missing_twice() -> None:
    """Between two runs there is none for a moment."""
    assert await _Says(MISSING, {"version": 1}).send() == {"version": 1}
    with pytest.raises(NoSuchCaseError):
        await _Says(MISSING).send()
