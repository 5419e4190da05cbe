"""What can go wrong with one kind of request to an outside system, and its end."""

import fnmatch
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import httpx

from adapters.outside import Connection
from records.incidents import Incident, failing
from tests.adapters.conftest import free_port
from tests.world import World

ATTEMPT_SECONDS = 1.0
STATUSES: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "503 with Retry-After": {"status": 503, "headers": {"Retry-After": "120"}},
    "429": {"status": 429},
    "401": {"status": 401},
    "403": {"status": 403},
    "409": {"status": 409},
}
ONCE: dict[str, dict[str, Any]] = {
    "hang until time-out": {"hang": True},
    "answer lost": {"drop": True},
    "half a body": {"half": True},
}
REFUSED = "connection refused"
PENDING = "202 pending"
KINDS = (*STATUSES, *ONCE, REFUSED, PENDING)
UNMENDABLE = {"401", "403", "409"}


class Gate(httpx.AsyncBaseTransport):
    """The network, on which some requests find a port that nobody listens on."""

    def __init__(self, network: httpx.AsyncBaseTransport) -> None:
        self._network = network
        self._port = free_port()
        self.match: str | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, to the closed port when it matches."""
        asked = f"{request.method} {request.url.path}"
        if self.match is not None and fnmatch.fnmatchcase(asked, self.match):
            request.url = request.url.copy_with(port=self._port)
        return await self._network.handle_async_request(request)


@dataclass
class Outages:
    """Lets single kinds of requests fail, by system."""

    world: World
    gates: dict[str, Gate] = field(default_factory=dict)

    async def begin(self, system: str, match: str, kind: str) -> None:
        """Let requests of a kind fail: once when their answer is lost or slow, else until healed.

        Raises:
            KeyError: no such kind.
        """
        if kind == REFUSED:
            self.gates[system].match = match
        elif kind == PENDING:
            await self.world.fault(system, match=match, times=1, pending=True)
        elif kind in ONCE:
            await self.world.fault(system, match=match, times=1, **ONCE[kind])
        else:
            await self.world.fault(system, match=match, **STATUSES[kind])

    async def end(self, system: str) -> None:
        """Let a system be well again."""
        self.gates[system].match = None
        await self.world.heal(system)
        if system.startswith("portal"):
            await self.world.release(system)

    async def incident(self, system: str, ref: str) -> Incident | None:
        """Return what fails at a system for one workflow, from its first failed attempt on."""
        found = await failing(self.world.context.pool, system)
        return next((each for each in found if each.workflow_id == ref and each.attempts), None)


@contextmanager
def short_attempts(world: World) -> Iterator[Outages]:
    """Let attempts end after a second, and their requests pass a gate."""
    outages = Outages(world)
    with ExitStack() as changed:
        for connection in _connections(world):
            seconds = patch.object(connection, "_timeout_seconds", ATTEMPT_SECONDS)
            changed.enter_context(seconds)
            gate = Gate(connection.client._transport)
            outages.gates[connection.system] = gate
            changed.enter_context(patch.object(connection.client, "_transport", gate))
        yield outages


def _connections(world: World) -> list[Connection]:
    adapters = world.adapters
    systems: list[Any] = [adapters.accounts, adapters.register, *adapters.portals.values()]
    return [system._connection for system in systems]


async def everything_readable(world: World, ref: str) -> str:
    """Return all that is kept of a workflow in plain text, here and in Temporal."""
    handle = world.handle(ref)
    kept = [json.dumps(await world.state(ref))]
    history = await handle.fetch_history()
    kept.append(history.to_json())
    converter = world.client.data_converter
    for event in history.events:
        done = event.activity_task_completed_event_attributes.result.payloads
        asked = event.activity_task_scheduled_event_attributes.input.payloads
        failed = event.activity_task_failed_event_attributes.failure
        kept += [str(each) for each in await converter.decode([*done, *asked])]
        kept.append(str(failed))
    for table in ("journal", "cases", "incidents"):
        rows = await world.context.pool.fetch(
            f"select t::text as row from {table} t where workflow_id = $1",  # noqa: S608
            ref,
        )
        kept += [row["row"] for row in rows]
    return "\n".join(kept)
