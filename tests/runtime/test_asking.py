"""Asking a workflow: again while the server has nobody to ask, and only then."""

from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from runtime.asking import ask

NOBODY_YET = RPCError("Workflow task is not scheduled yet.", RPCStatusCode.FAILED_PRECONDITION, b"")


class _Says:
    """A workflow that gives these answers in turn, the last one over and over."""

    def __init__(self, *answers: dict[str, Any] | RPCError) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def query(self, question: str, **_: object) -> dict[str, Any]:
        assert question == "view"
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if isinstance(answer, RPCError):
            raise answer
        return answer

    async def ask(self, limit: timedelta) -> dict[str, Any]:
        return await ask(cast("WorkflowHandle[Any, Any]", self), "view", limit=limit)


async def test_asks_again_while_there_is_nobody_to_ask() -> None:
    """Between two runs the server has no one for a moment."""
    workflow = _Says(NOBODY_YET, NOBODY_YET, {"stage": "review"})
    assert await workflow.ask(timedelta(seconds=5)) == {"stage": "review"}
    assert workflow.asked == 3


async def test_asks_again_while_a_task_is_done_once_more() -> None:
    """A slow worker may lose a task: it is asked again, and one that fails for good is said."""
    failed = RPCError("Workflow Task in failed state.", RPCStatusCode.FAILED_PRECONDITION, b"")
    workflow = _Says(failed, failed, {"stage": "review"})
    assert await workflow.ask(timedelta(seconds=5)) == {"stage": "review"}
    with pytest.raises(RPCError, match="failed state"):
        await _Says(failed).ask(timedelta(seconds=0.2))


async def test_gives_up_when_nobody_comes() -> None:
    """The wait has an end."""
    workflow = _Says(NOBODY_YET)
    with pytest.raises(RPCError, match="not scheduled yet"):
        await workflow.ask(timedelta(seconds=0.2))
    assert workflow.asked > 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (RPCStatusCode.FAILED_PRECONDITION, "Something else."),
        (RPCStatusCode.NOT_FOUND, "workflow not found"),
        (RPCStatusCode.UNKNOWN, "Workflow task is not scheduled yet."),
    ],
)  # fmt: skip
async def test_anything_else_is_said_at_once(status: RPCStatusCode, said: str) -> None:
    """A workflow that is not there does not get well by asking."""
    workflow = _Says(RPCError(said, status, b""))
    with pytest.raises(RPCError, match=said):
        await workflow.ask(timedelta(seconds=5))
    assert workflow.asked == 1
