"""What the worker keeps for Temporal to start by the clock."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import worker
from commands.context import opened
from records import reconciliations
from runtime.asking import ask
from runtime.stack import Stack

NIGHTLY = worker.RECONCILIATION


async def _tonights(client: Client) -> str:
    """Let the schedule start its run now; returns the run's workflow id."""
    schedule = client.get_schedule_handle(NIGHTLY.schedule_id)
    await schedule.trigger()
    while True:
        if started := (await schedule.describe()).info.recent_actions:
            return str(started[-1].action.workflow_id)  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)


async def _reached(handle: WorkflowHandle[Any, Any], *stages: str) -> str:
    while True:
        stage = str((await ask(handle, "state"))["stage"])
        if stage in stages:
            return stage
        await asyncio.sleep(0.2)


@pytest.mark.timeout(120)
async def test_the_worker_keeps_a_nightly_reconciliation(stack: Stack) -> None:
    """Started by its schedule, a run looks, looks again where it must, and leaves its report."""
    async with opened(stack.data_dir) as context:
        ref = await _tonights(context.client)
        assert ref.startswith(f"{NIGHTLY.workflow_id}-")
        skipper = TimeSkipper(context.client, config=TimeSkippingConfig(enabled=False))
        handle = skipper.client.get_workflow_handle(ref)
        if await _reached(handle, "pause", "dealing", "ended") == "pause":
            await skipper.fast_forward(handle, timedelta(minutes=11))
            await _reached(handle, "dealing", "ended")
        await handle.result()

        report = await reconciliations.report(context.pool)
        assert report is not None
        assert (report.workflow_id, report.ended_at is not None) == (ref, True)
        assert report.outcome in {"agrees", "dealt_with", "only_reported"}
