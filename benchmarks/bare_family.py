"""A bare Temporal family: as many updates, activities, timers and workflows, with empty bodies.

Plain Temporal in every way: default converter, no codec, children instead of words.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow

BARE_QUEUE = "bare"
FAR = timedelta(days=30)


@dataclass
class Shape:
    """How often each primitive is used by a workflow, and the workflows that it starts."""

    updates: int
    activities: int
    timers: int
    children: dict[str, "Shape"] = field(default_factory=dict)


@activity.defn
async def nothing() -> None:
    """Do nothing."""


@workflow.defn
class Bare:
    """Does its share of activities and timers after each update."""

    def __init__(self) -> None:
        self._acts = 0

    @workflow.run
    async def run(self, shape: Shape) -> None:
        """Run until every update has come and all is done."""
        for ref, child in shape.children.items():
            await workflow.start_child_workflow(
                Bare.run, child, id=ref, parent_close_policy=workflow.ParentClosePolicy.ABANDON
            )
        for number in range(shape.activities):
            due = number * (shape.updates + 1) // shape.activities
            await workflow.wait_condition(lambda due=due: self._acts >= due)  # type: ignore[misc]
            timer = asyncio.create_task(workflow.sleep(FAR)) if number < shape.timers else None
            await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=30))
            if timer is not None:
                timer.cancel()
        await workflow.wait_condition(lambda: self._acts >= shape.updates)

    @workflow.update
    def act(self) -> int:
        """Take an act that means nothing."""
        self._acts += 1
        return self._acts
