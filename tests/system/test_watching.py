"""What a running worker tells of itself, and the read model written again beside it."""

from typing import Any

import httpx

from adapters.organisation_registers import OrganisationRegisters
from commands.context import opened
from commands.demo import Demo, plain_http
from runtime.settings import ROOT
from runtime.stack import Stack
from tests.system.conftest import ready, starter
from worker import polls


async def _metrics(port: int) -> str:
    async with plain_http() as http:
        answer: httpx.Response = await http.get(f"http://127.0.0.1:{port}/metrics")
        return answer.text


async def test_a_worker_serves_its_figures(stack: Stack) -> None:
    """Ours beside the health, those of the SDK at their own port; no bug, nothing overdue."""
    ours = await _metrics(stack.ports["health"])

    for line in ("ngp_failed_workflow_tasks 0.0", "ngp_shutoffs_overdue 0.0", "ngp_open_cases "):
        assert line in ours
    assert "temporal_" in await _metrics(stack.ports["metrics"])


async def test_only_who_polls_is_ready(stack: Stack) -> None:
    """A worker that polls says so; a client beside it that runs none is not taken for it."""
    async with opened(stack.data_dir) as context:
        assert not await polls(context.client)
    assert (200, {"polls": True, "migrations": True}) == await ready(stack)


async def _listed(stack: Stack, ref: str) -> Any:
    number = ref.partition("/")[2]
    command = ("list", "--all-kinds", "--organisation", number, "--json")
    listed: Any = (await starter(*command, data_dir=stack.data_dir)).last
    return [row for row in listed if row["workflow_id"] == ref]


async def test_rebuild_prints_data_alone_and_leaves_lists_as_they_are(stack: Stack) -> None:
    """Beside a running worker every row is written again; progress goes elsewhere."""
    addresses = {name: address for name, address in stack.addresses().items() if address}
    entries = OrganisationRegisters(ROOT / "data").all()
    entry = [each for each in entries if each.kind == "municipality"][251]
    async with opened(stack.data_dir) as context:
        demo = Demo(context, entry, addresses)
        await demo.apply()
        await demo.activate_account()
    before = await _listed(stack, demo.ref)

    done = await starter("rebuild", "--json", data_dir=stack.data_dir)

    counted: Any = done.last
    assert 0 == done.code, done.err
    assert [] == counted["unknown"]
    assert counted["from_workflows"] >= 1
    assert 1 == len(done.out.strip().splitlines())
    assert 1 == len(before)
    assert before == await _listed(stack, demo.ref)
