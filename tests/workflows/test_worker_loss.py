"""What workers that are slow or die leave behind: cases that go on, and histories that replay."""

import time
from itertools import pairwise
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from activities.messages import HeardWord
from domain.act import Actor, Role
from runtime.acting import open_case
from tests.world import World
from worker import WORKFLOWS
from workflows.case import TASK_LIMIT

HANDLER = Actor(subject="hanna.handlaggare", name="Hanna Handläggare", role=Role.CASE_HANDLER)


class _Slowly(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        """Take longer than a workflow task may, as on a machine that has too much to do."""
        time.sleep(TASK_LIMIT.total_seconds() * 1.2)  # noqa: ASYNC251 - time that nobody can skip
        return await super().execute_workflow(input)


class _Slow(Interceptor):
    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        """Slow every workflow down."""
        del input
        return _Slowly


def _kinds(history: WorkflowHistory) -> list[str]:
    names = [EventType.Name(event.event_type) for event in history.events]
    return [name.removeprefix("EVENT_TYPE_") for name in names]


async def test_a_worker_slower_than_the_limit_gets_on(world: World) -> None:
    """A task that takes too long is given more time after some attempts: nobody is stuck."""
    demo = world.demo()
    queue = "slow"
    request = {
        "request_id": "slow",
        "actor": demo.contact.model_dump(mode="json"),
        "payload": demo.application(),
    }
    async with Worker(world.client, task_queue=queue, workflows=WORKFLOWS, interceptors=[_Slow()]):
        receipt = await open_case(
            world.client,
            "ProducerOnboarding",
            {"policy": world.context.policy.model_dump(mode="json")},
            request,
            workflow_id=demo.ref,
            task_queue=queue,
            task_limit=TASK_LIMIT,
        )
        history = await world.handle(demo.ref).fetch_history()

    assert receipt["stage"] == "intake"
    assert "WORKFLOW_TASK_TIMED_OUT" in _kinds(history)


async def test_no_workflow_task_is_empty(world: World) -> None:
    """Whatever comes, also what changes nothing, each task leaves an event behind.

    Words that are unknown, unreadable or come twice; acts while a record is on its way.
    """
    demo = world.demo()
    await demo.apply()
    handle = world.handle(demo.ref)
    word = HeardWord(message_id="one", sender="test", what="nobody_knows_this", content={})
    for each in (word, word, "unreadable"):
        await handle.signal("heard", each)
        note = {"text": "en rad", "visibility": "internal"}
        receipts = [await world.step(demo.ref, "note", HANDLER, note) for _ in range(3)]
        last = receipts[-1]["version"]
        await demo.until("recorded", lambda v, last=last: v["version"] >= last, demo.ref)  # type: ignore[misc]

    kinds = _kinds(await handle.fetch_history())

    pairs = set(pairwise(kinds))
    assert ("WORKFLOW_EXECUTION_SIGNALED", "WORKFLOW_TASK_SCHEDULED") in pairs
    assert ("WORKFLOW_TASK_COMPLETED", "WORKFLOW_TASK_SCHEDULED") not in pairs
