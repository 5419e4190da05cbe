"""A worker that dies in the middle of an attempt is no fault of the outside system."""

import asyncio

import pytest

from adapters.organisation_registers import OrganisationRegisters
from commands.context import opened
from commands.demo import Demo, plain_http
from records import incidents
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
