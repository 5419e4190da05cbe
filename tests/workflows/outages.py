"""What can go wrong with one kind of request to an outside system, and its end."""

import asyncio
import fnmatch
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import httpx
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.common import RetryPolicy

from adapters.outside import Connection
from commands.demo import plain_http
from domain.state import Pending
from records.incidents import Incident, failing
from tests.adapters.conftest import free_port
from tests.world import World
from workflows import doing

ATTEMPT_SECONDS = 1.0
PAUSE = timedelta(minutes=1)
SETTLED_SECONDS = 0.5
SKIPPING = ("TIME_SKIPPING", "OPTIONS_UPDATED")
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


class Log(logging.Handler):
    """Keeps everything that is logged, with its traces."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(logging.Formatter().format(record))


@dataclass
class Outages:
    """Lets single kinds of requests fail, by system; keeps what is logged meanwhile."""

    world: World
    gates: dict[str, Gate] = field(default_factory=dict)
    log: Log = field(default_factory=Log)

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

    async def open_secrets(self, ref: str) -> list[str]:
        """Return the secrets that a portal has issued and that can be read outside the sealed.

        Looked at are what is kept of a workflow, all mails, and the log.
        """
        async with plain_http() as http:
            issued: list[str] = []
            for portal in ("portal_verification", "portal_production"):
                where = f"{self.world.addresses[portal]}/_control/secrets"
                issued += (await http.get(where)).json()
            mails = (await http.get(f"{self.world.addresses['mail']}/messages")).text
        readable = "\n".join([await everything_readable(self.world, ref), mails, *self.log.lines])
        return [secret for secret in issued if secret in readable]


@contextmanager
def slow_outages(world: World) -> Iterator[Outages]:
    """Let attempts end after a second and their requests pass a gate; pauses are a minute.

    A minute is longer than any test waits: what clears was tried again, or its time skipped.
    """
    outages = Outages(world)
    with ExitStack() as changed:
        for name in ("RETRY", "SHUT_OFF_RETRY"):
            policy = RetryPolicy(initial_interval=PAUSE, maximum_interval=PAUSE)
            changed.enter_context(patch.object(doing, name, policy))
        for connection in _connections(world):
            seconds = patch.object(connection, "_timeout_seconds", ATTEMPT_SECONDS)
            changed.enter_context(seconds)
            gate = Gate(connection.client._transport)
            outages.gates[connection.system] = gate
            changed.enter_context(patch.object(connection.client, "_transport", gate))
        logging.getLogger().addHandler(outages.log)
        changed.callback(logging.getLogger().removeHandler, outages.log)
        yield outages


def _connections(world: World) -> list[Connection]:
    adapters = world.adapters
    systems: list[Any] = [adapters.accounts, adapters.register, *adapters.portals.values()]
    return [system._connection for system in systems]


async def events_of(world: World, ref: str) -> list[str]:
    """Return the kinds of a history's events, but for those of the test's own time skipping."""
    history = await world.handle(ref).fetch_history()
    names = [EventType.Name(event.event_type) for event in history.events]
    return [name for name in names if not any(each in name for each in SKIPPING)]


async def settled_events_of(world: World, ref: str) -> list[str]:
    """Return a history's events when nothing more comes: what happened has been recorded."""
    events = await events_of(world, ref)
    while True:
        await asyncio.sleep(SETTLED_SECONDS)
        before, events = events, await events_of(world, ref)
        if before == events:
            return events


async def is_in_pause(world: World, ref: str) -> bool:
    """Whether all that a workflow wants outside has been tried and waits for its next attempt."""
    wanted = {Pending(**each).key for each in (await world.state(ref))["pending"]}
    described = await world.handle(ref).describe()
    pending = described.raw_description.pending_activities
    mine = [each for each in pending if each.activity_id in wanted]
    paused = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return bool(mine) and all(each.state == paused and each.attempt > 1 for each in mine)


async def everything_readable(world: World, ref: str) -> str:
    """Return all that is kept of a workflow in plain text, here and in Temporal."""
    handle = world.handle(ref)
    kept = [json.dumps(await world.state(ref)), str((await handle.describe()).raw_description)]
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
