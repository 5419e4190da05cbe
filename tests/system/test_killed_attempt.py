"""A worker that ends in the middle of an attempt: killed it is no outage, stopped it finishes."""

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowHandle

from adapters.organisation_registers import OrganisationRegisters
from commands.context import opened
from commands.demo import Demo, plain_http
from records import incidents
from records.journal import journal_of
from runtime.settings import ROOT
from runtime.stack import Stack

CREATE = "POST /api/am/devportal/v3/applications"


@pytest.mark.timeout(300)
async def test_a_worker_killed_in_an_attempt_leaves_no_incident(stack: Stack) -> None:
    """The attempt is made again when its time is out; no incident shows, then or afterwards."""
    addresses = {name: address for name, address in stack.addresses().items() if address}
    entries = OrganisationRegisters(ROOT / "data").all()
    entry = [each for each in entries if each.kind == "municipality"][250]
    async with opened(stack.data_dir) as context:
        demo = Demo(context, entry, addresses, patience_seconds=150)
        await demo.apply()
        await demo.activate_account()
        await demo.hand_in()
        await demo.accept()
        await demo.decide()
        fault = {"match": CREATE, "hang": True, "seconds": 120, "times": 1}
        async with plain_http() as http:
            where = f"{addresses['portal_verification']}/_control/faults"
            (await http.post(where, json=fault)).raise_for_status()
        await demo.countersign()
        ref = demo.part("credential", demo.entry.org_number, "verification")
        await demo.until("the attempt", lambda v: v["stage"] == "issuing", ref, whole=False)
        await stack.kill_worker()
        await stack.start_worker()

        waiting = asyncio.create_task(demo.stage("offered", ref=ref))
        while not waiting.done():
            assert [] == await incidents.shown(context.pool, [ref])
            await asyncio.wait({waiting}, timeout=0.2)

        view = await waiting
        assert [] == view["incidents"]
        failing = await incidents.failing(context.pool, "portal_verification")
        assert ref not in [each.workflow_id for each in failing]
        assert {"verification": 1, "production": 0} == await demo.count("applications")


@pytest.mark.timeout(120)
async def test_a_worker_that_is_stopped_finishes_its_attempt(stack: Stack) -> None:
    """SIGTERM while it writes: it waits for the answer, which is kept, and ends with 0."""
    addresses = {name: address for name, address in stack.addresses().items() if address}
    entries = OrganisationRegisters(ROOT / "data").all()
    entry = [each for each in entries if each.kind == "municipality"][252]
    async with opened(stack.data_dir) as context:
        demo = Demo(context, entry, addresses)
        await demo.apply()
        await demo.activate_account()
        handle = context.client.get_workflow_handle(demo.ref)
        process = stack._children["worker"].process
        async with context.pool.acquire() as connection, connection.transaction():
            await connection.execute("lock table journal in exclusive mode")
            await demo.act("case_handler", "note", {"text": "Stopp.", "visibility": "internal"})
            await _is_under_way(handle, "record")
            process.terminate()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(process.wait(), 1)
        try:
            assert 0 == await asyncio.wait_for(process.wait(), 20)
        finally:
            await stack.start_worker()
        events = (await handle.fetch_history()).events
        assert "note" in [line["name"] for line in await journal_of(context.pool, demo.ref)]
        started = [
            event.activity_task_started_event_attributes
            for event in events
            if event.HasField("activity_task_started_event_attributes")
        ]
        assert {1} == {each.attempt for each in started}


async def _is_under_way(handle: WorkflowHandle[Any, Any], activity: str) -> None:
    """Wait until a worker has an attempt of an activity."""
    async with asyncio.timeout(30):
        while True:
            described = (await handle.describe()).raw_description
            for each in described.pending_activities:
                is_started = each.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
                if each.activity_type.name == activity and is_started:
                    return
            await asyncio.sleep(0.05)
