"""The world of a test: a real server, real Postgres, the simulated systems, and workers in process.

Time stands still for nobody, but each workflow can be moved forward by the server's time skipping.
"""

import json
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import worker
from activities.incidents import IncidentInterceptor
from adapters.organisation_registers import OrganisationRegisters, RegisterEntry
from commands.context import Context
from commands.demo import Demo, plain_http
from commands.running import make_stack
from domain.act import Actor
from domain.policy import Policy
from records.database import connect as connect_records
from records.keys import FileKeyRing
from runtime.acting import send_step
from runtime.asking import ask
from runtime.settings import Settings
from runtime.stack import Stack
from runtime.temporal import connect, make_plugin


@dataclass
class World:
    """Everything a workflow test needs."""

    stack: Stack
    context: Context
    adapters: worker.Adapters
    skipper: TimeSkipper
    organisations: Iterator[RegisterEntry]
    opened: list[str] = field(default_factory=list)

    @property
    def client(self) -> Client:
        """The client whose workflows' time can be skipped."""
        return self.context.client

    @property
    def addresses(self) -> dict[str, str]:
        """Where the simulated systems are."""
        return {name: address for name, address in self.stack.addresses().items() if address}

    def demo(self, **changes: Any) -> Demo:
        """Return a fresh producer to be onboarded."""
        entry = next(self.organisations)
        demo = Demo(self.context, entry, self.addresses, **changes)
        self.opened.append(demo.ref)
        return demo

    def handle(self, ref: str) -> WorkflowHandle[Any, Any]:
        """Return a workflow's handle."""
        return self.client.get_workflow_handle(ref)

    async def forward(self, ref: str, **time: float) -> None:
        """Move one workflow's time forward."""
        await self.skipper.fast_forward(self.handle(ref), timedelta(**time))

    async def state(self, ref: str) -> dict[str, Any]:
        """Return a workflow's state."""
        return await ask(self.handle(ref), "state")

    async def step(
        self, ref: str, name: str, actor: Actor, payload: object = None, request_id: str = ""
    ) -> dict[str, Any]:
        """Take a step as it comes from anywhere, without the command line."""
        request = {
            "request_id": request_id or str(uuid.uuid4()),
            "actor": actor.model_dump(mode="json"),
            "payload": payload or {},
        }
        return await send_step(self.client, ref, name, request)

    # ---- faults --------------------------------------------------------------------------

    async def fault(self, system: str, **fault: Any) -> None:
        """Let an outside system fail."""
        async with plain_http() as http:
            where = f"{self.addresses[system]}/_control/faults"
            (await http.post(where, json=fault)).raise_for_status()

    async def release(self, system: str) -> None:
        """Let a portal's own people approve everything that waits for them."""
        async with plain_http() as http:
            where = f"{self.addresses[system]}/_control/release"
            (await http.post(where, json={})).raise_for_status()

    async def heal(self, *systems: str) -> None:
        """Let outside systems be well again."""
        async with plain_http() as http:
            for system in systems or [n for n in self.addresses if n not in NOT_SIMULATED]:
                await http.post(f"{self.addresses[system]}/_control/reset")

    async def outside(self, system: str) -> Any:
        """Return what an outside system holds."""
        async with plain_http() as http:
            return (await http.get(f"{self.addresses[system]}/_control/state")).json()

    # ---- when something hangs ----------------------------------------------------------------

    async def describe_open(self) -> str:
        """Return the pending activities and last events of what this world opened."""
        lines = []
        for ref in self.opened:
            try:
                description = await self.handle(ref).describe()
            except RPCError as error:
                lines.append(f"{ref}: {error}")
                continue
            lines.append(f"{ref}: {description.status}")
            for pending in description.raw_description.pending_activities:
                failure = pending.last_failure.message
                lines.append(f"  {pending.activity_id} attempt {pending.attempt}: {failure}")
            history = await self.handle(ref).fetch_history()
            lines += [f"  {event.event_id} {event.event_type}" for event in history.events[-12:]]
        return "\n".join(lines)


NOT_SIMULATED = {"temporal", "postgres"}


@asynccontextmanager
async def running_world(
    folder: Path, *, keys_file: Path | None = None, policy_file: Path | None = None
) -> AsyncIterator[World]:
    """Start a world in a folder; stops it all at the end."""
    if keys_file is not None:
        shutil.copy(keys_file, folder / "keys.json")
    stack = make_stack(folder, durable=False, for_tests=True, with_worker=False)
    async with stack, AsyncExitStack() as running:
        environment = stack.environment()
        given: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
        if policy_file is not None:
            given["policy_file"] = policy_file
        settings = Settings(**given)
        keys = FileKeyRing(settings.key_file)
        pool = await connect_records(settings.database_dsn.get_secret_value())
        address = environment["TEMPORAL_ADDRESS"]
        plain = await connect(make_plugin(keys), target_host=address, namespace="default")
        skipper = TimeSkipper(plain, config=TimeSkippingConfig(enabled=False))
        policy, texts = worker.read_policy(settings), worker.read_texts(settings)
        context = Context(settings, skipper.client, pool, keys, policy, texts)
        adapters = worker.build_adapters(settings)
        running.push_async_callback(pool.close)
        running.push_async_callback(adapters.close)
        activities = worker.build_activities(settings, adapters, pool, skipper.client, keys)
        interceptor = IncidentInterceptor(pool, skipper.client)
        for each in worker.build_workers(skipper.client, activities, interceptor):
            await running.enter_async_context(each)
        entries = OrganisationRegisters(settings.data_dir).all()
        fresh = iter([each for each in entries if each.kind == "municipality"])
        yield World(stack, context, adapters, skipper, fresh)


def policy_with(policy: Policy, **changes: Any) -> dict[str, Any]:
    """Return a policy changed for a test, as a workflow's input takes it."""
    whole: dict[str, Any] = json.loads(policy.model_copy(update=changes).model_dump_json())
    return whole
