"""What every benchmark stands on: a stack of its own, people who act, and a clock."""

import asyncio
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapters.organisation_registers import OrganisationRegisters, RegisterEntry
from commands.context import Context, opened
from commands.demo import Demo
from commands.running import make_stack
from records import cases
from runtime.stack import Stack

T = TypeVar("T")
R = TypeVar("R")
MANY_AT_ONCE = 16


class Namesakeless(Demo):
    """The people of a producer, whose contact has a name that no other producer's has.

    Each namesake costs one more try at the account system, and three hundred have no name left.
    """

    def application(self, *datasets: dict[str, Any]) -> dict[str, Any]:
        """Return what the producer applies with."""
        whole = super().application(*datasets)
        return whole | {"contact": whole["contact"] | {"name": f"Anna {self.entry.name}"}}


@dataclass(frozen=True)
class Stage:
    """A running stack and a client of it."""

    stack: Stack
    context: Context

    def demo(self, entry: RegisterEntry) -> Demo:
        """Return the people of a producer."""
        found = {name: address for name, address in self.stack.addresses().items() if address}
        return Namesakeless(self.context, entry, found)

    def municipalities(self, count: int | None = None) -> list[RegisterEntry]:
        """Return the first municipalities of the register."""
        entries = OrganisationRegisters(self.context.settings.data_dir).all()
        return [entry for entry in entries if entry.kind == "municipality"][:count]


@contextlib.asynccontextmanager
async def stage(*, with_worker: bool = True) -> AsyncIterator[Stage]:
    """Run a stack in a folder of its own for the length of a benchmark."""
    with tempfile.TemporaryDirectory(prefix="ngp-bench-") as folder, silence():
        stack = make_stack(Path(folder), with_worker=with_worker)
        async with stack, opened(Path(folder)) as context:
            yield Stage(stack, context)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep the demo's people from telling what they do."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def say(text: str) -> None:
    """Tell how it goes, although the people are silent."""
    assert sys.__stderr__ is not None
    sys.__stderr__.write(text + "\n")
    sys.__stderr__.flush()


async def at_once(
    do: Callable[[T], Awaitable[R]], each: Iterable[T], limit: int = MANY_AT_ONCE
) -> list[R]:
    """Do something for each, at most so many at once."""
    free = asyncio.Semaphore(limit)

    async def one(item: T) -> R:
        async with free:
            return await do(item)

    return await asyncio.gather(*(one(item) for item in each))


async def seconds(doing: Awaitable[object]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    await doing
    return time.perf_counter() - began


async def open_and_wait(demo: Demo) -> None:
    """Apply, and wait until the case waits for its first human: the contact's account."""
    await demo.apply()

    def waits_for_a_human(view: dict[str, object]) -> bool:
        waiting = view["waiting"]
        return isinstance(waiting, dict) and waiting["on"] in {"producer", "person"}

    await demo.until("first human", waits_for_a_human, demo.ref)


async def family_of(context: Context, org_number: str) -> list[str]:
    """Return the ids of all workflows of one organisation: its onboarding and what that began."""
    rows = await cases.of_organisation(context.pool, org_number)
    return [str(row["workflow_id"]) for row in rows]
