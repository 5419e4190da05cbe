"""People who act as soon as the record says that they can, and wait without looking."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg

from adapters.organisation_registers import RegisterEntry
from benchmarks.stage import Namesakeless, Stage
from records import cases

LOOK_ANYWAY_SECONDS = 1.0


class Changes:
    """What the records announce about workflows, for everybody who waits."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}

    def next_of(self, ref: str) -> asyncio.Event:
        """Return what is set when the row of a workflow changes next."""
        return self._events.setdefault(ref, asyncio.Event())

    def announce(self, _connection: object, _pid: int, _channel: str, ref: object) -> None:
        """Wake who waits for a workflow."""
        if event := self._events.pop(str(ref), None):
            event.set()


@contextlib.asynccontextmanager
async def listening(on: Stage) -> AsyncIterator[Changes]:
    """Hear what the records announce, as long as the context lasts."""
    changes = Changes()
    connection = await asyncpg.connect(on.stack.environment()["DATABASE_DSN"])
    await connection.add_listener("cases", changes.announce)
    try:
        yield changes
    finally:
        await connection.close()


class Prepared(Namesakeless):
    """People who filled in the form before the clock started: that is done at their own desk.

    They look when the record says that something has changed, not ten times a second: what they
    wait with is not what is measured.
    """

    form: bytes
    changes: Changes

    async def until(
        self,
        what: str,
        holds: Callable[[dict[str, Any]], bool],
        ref: str,
        *,
        whole: bool = True,
    ) -> dict[str, Any]:
        """Wait until a view is as expected; looks after each change of the workflow's own row."""
        del what
        async with asyncio.timeout(self.patience_seconds):
            while True:
                changed = self.changes.next_of(ref)
                row = await cases.find(self.context.pool, ref)
                view = row and (await self.view(ref) if whole else row["view"])
                if view and holds(view):
                    return dict(view)
                with contextlib.suppress(TimeoutError):  # a part's change shows in the whole view
                    await asyncio.wait_for(changed.wait(), LOOK_ANYWAY_SECONDS)

    def filled_form(self, kind: str) -> bytes:
        """Return the form as it was filled in."""
        del kind
        return self.form


def prepared_people(on: Stage, entry: RegisterEntry, changes: Changes) -> Prepared:
    """Return the people of a producer, with the form filled in."""
    demo = on.demo(entry)
    prepared = Prepared(demo.context, demo.entry, demo.addresses)
    prepared.changes = changes
    prepared.form = demo.filled_form("producer")
    return prepared
