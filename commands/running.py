"""Running the whole stack in the foreground, and the demo against it or one of its own."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from json import loads as read_json
from pathlib import Path
from typing import Any

from commands.context import DATA_DIR, opened, print_json, say
from commands.playing import run_demo
from records.errors import OldPostgresError
from records.keys import make_key_file
from records.migrate import migrate
from runtime.processes import ProcessEndedError
from runtime.settings import StackSettings
from runtime.stack import Stack
from runtime.stack_directory import StackDirectory, StackInUseError, StoreChangedError
from workflows.case import SEARCH_ATTRIBUTES

StackError = (StackInUseError, StoreChangedError, ProcessEndedError, OldPostgresError)


def make_stack(data_dir: Path, **options: Any) -> Stack:
    """Return a stack on a directory, with our keys, schema and search attributes."""
    return Stack(
        data_dir,
        make_keys=make_key_file,
        migrate=migrate,
        search_attributes=SEARCH_ATTRIBUTES,
        **options,
    )


async def up(data_dir: Path | None, *, auto_ports: bool, json: bool) -> None:
    """Run the stack until Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    say("Startar / starting …")
    own = StackSettings().database_dsn
    dsn = own.get_secret_value() if own else None
    stack = make_stack(data_dir or DATA_DIR, auto_ports=auto_ports, database_dsn=dsn)
    if not await _started(stack, stop):
        return
    try:
        assert stack.temporal is not None
        say(f"Temporal: {stack.temporal.source}")
        if json:
            print_json(stack.addresses())
        else:
            for name, address in stack.addresses().items():
                say(f"  {name:22} {address or '–'}")
        say("Klart. Avsluta med Ctrl-C. / Ready. Stop with Ctrl-C.")
        watching = asyncio.create_task(stack.watch())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if watching.done():
            await watching
        watching.cancel()
        say("Avslutar / stopping …")
    finally:
        await stack.__aexit__()


async def _started(stack: Stack, stop: asyncio.Event) -> bool:
    """Start a stack, unless somebody stops it while it starts."""
    starting = asyncio.create_task(stack.__aenter__())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    await starting
    return True


async def demo(scenario: str, organisation: str | None, data_dir: Path | None) -> dict[str, Any]:
    """Play a scenario against the running stack, or against one of its own."""
    async with _some_stack(data_dir) as (stack_dir, addresses), opened(stack_dir) as context:
        return await run_demo(context, addresses, scenario, organisation)


@contextlib.asynccontextmanager
async def _some_stack(data_dir: Path | None) -> AsyncIterator[tuple[Path, dict[str, str]]]:
    folder = data_dir or Path(os.environ.get("NGP_DATA_DIR", DATA_DIR))
    if folder.exists() and await StackDirectory(folder).published() is not None:
        say(f"Använder det som är igång / using the running stack: {folder.name}")
        yield folder, _addresses_in(folder)
        return
    with tempfile.TemporaryDirectory(prefix="ngp-demo-") as own:
        say("Startar en egen miljö / starting a stack of its own …")
        async with make_stack(Path(own)) as stack:
            assert stack.temporal is not None
            say(f"Temporal: {stack.temporal.source}")
            found = {name: address for name, address in stack.addresses().items() if address}
            yield Path(own), found


def _addresses_in(data_dir: Path) -> dict[str, str]:
    known = read_json((data_dir / "stack.json").read_text("utf-8"))["ports"]
    names = ("account_system", "agreement_register", "portal_verification", "portal_production")
    found = {name: f"http://127.0.0.1:{known[name]}" for name in names}
    return found | {"mail": f"http://127.0.0.1:{known['mail_control']}"}
