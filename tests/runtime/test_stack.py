import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from records.keys import make_key_file
from records.migrate import migrate
from runtime.processes import ProcessEndedError, start
from runtime.stack import PortInUseError, Stack, StackInUseError
from runtime.stack_directory import FIXED_PORTS, StackDirectory, StoreChangedError
from workflows.case import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parents[2]
NAMES = {
    "console",
    "temporal",
    "postgres",
    "account_system",
    "agreement_register",
    "portal_verification",
    "portal_production",
    "mail",
}
RUNS_A_STACK = """
import asyncio, sys
from pathlib import Path
from tests.runtime.test_stack import stack_on

async def main():
    async with stack_on(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


def stack_on(folder: Path, *, with_worker: bool = False) -> Stack:
    """Return a stack of the test's own."""
    return Stack(
        folder,
        make_keys=make_key_file,
        migrate=migrate,
        search_attributes=SEARCH_ATTRIBUTES,
        durable=False,
        for_tests=True,
        with_worker=with_worker,
    )


def living_on(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command and int(process.name) != os.getpid():
                found.append(command)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@asynccontextmanager
async def _in_another_process(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-c", RUNS_A_STACK, str(folder)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=-1)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_whole_stack_starts_and_leaves_nothing_running(tmp_path: Path) -> None:
    """Every part of it answers, worker included; when it has stopped, no process is left."""
    async with stack_on(tmp_path, with_worker=True) as stack:
        addresses = stack.addresses()
        assert len(living_on(tmp_path)) >= 7
        published = await StackDirectory(tmp_path).published()

    assert addresses.keys() == NAMES
    assert [name for name, address in addresses.items() if address is None] == ["console"]
    assert published is not None
    assert published["TEMPORAL_ADDRESS"] == addresses["temporal"]
    assert living_on(tmp_path) == []
    assert await StackDirectory(tmp_path).published() is None


async def test_a_second_start_goes_on_with_the_same_data(tmp_path: Path) -> None:
    """Ports, token, keys and passwords are those of the first; secrets are their owner's only."""
    async with stack_on(tmp_path) as stack:
        first = (stack.addresses(), stack.environment())
    async with stack_on(tmp_path) as stack:
        assert (stack.addresses(), stack.environment()) == first
        for name in ("stack.json", "environment.json", "keys.json", "postgres/password"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name


async def test_a_killed_stack_leaves_nothing_that_stops_the_next(tmp_path: Path) -> None:
    """After SIGKILL of the one process, its programs end by themselves and a start goes well."""
    async with _in_another_process(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await StackDirectory(tmp_path).published() is None

    async with stack_on(tmp_path) as stack:
        assert stack.addresses()["postgres"]

    assert living_on(tmp_path) == []


async def test_two_on_one_directory_are_refused(tmp_path: Path) -> None:
    """The second says so at once, and takes nothing from the first when it goes."""
    async with stack_on(tmp_path):
        with pytest.raises(StackInUseError, match="another stack runs on"):
            async with stack_on(tmp_path):
                pass

        assert await StackDirectory(tmp_path).published() is not None


async def test_a_program_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    """The watch tells which program it was, with its last lines."""
    async with stack_on(tmp_path) as stack:
        watching = asyncio.create_task(stack.watch())
        await stack._children["mail"].kill()

        with pytest.raises(ProcessEndedError, match="mail ended"):
            await watching


async def test_ctrl_c_at_a_terminal_is_not_for_the_programs(tmp_path: Path) -> None:
    """They are in no group of the terminal's: the stack stops them in order, the worker first."""
    child = await start("sleep", ["sleep", "60"], log=tmp_path / "log")

    assert os.getpgid(child.process.pid) != os.getpgid(0)
    await child.stop()


async def test_a_stack_that_cannot_start_stops_what_has_started(tmp_path: Path) -> None:
    """The reason is told as it is, and no process is left."""

    async def fails(dsn: str) -> None:
        raise ValueError("no such migration")

    stack = Stack(
        tmp_path,
        make_keys=make_key_file,
        migrate=fails,
        search_attributes=SEARCH_ATTRIBUTES,
        durable=False,
        for_tests=True,
    )
    with pytest.raises(ValueError, match="no such migration"):
        async with stack:
            pass

    assert living_on(tmp_path) == []


async def test_a_fixed_port_in_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack never talks to another one's programs: it says which port, and what to do."""
    monkeypatch.setattr("runtime.stack_directory.PORT_LOOKS", 1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = dict.fromkeys(FIXED_PORTS, port)
        (tmp_path / "stack.json").write_text(json.dumps({"ports": ports, "token": "t"}), "utf-8")

        with pytest.raises(PortInUseError, match=f"port {port} .postgres.*--ports auto"):
            await StackDirectory(tmp_path).remember(auto_ports=False)


async def test_a_remembered_port_in_use_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With chosen ports, one that somebody else took meanwhile becomes another."""
    monkeypatch.setattr("runtime.stack_directory.PORT_LOOKS", 1)
    directory = StackDirectory(tmp_path)
    await directory.remember(auto_ports=True)
    before = dict(directory.ports)

    with socket.create_server(("127.0.0.1", before["mail"])):
        await directory.remember(auto_ports=True)

    changed = {name for name in before if directory.ports[name] != before[name]}
    assert changed == {"mail"}


async def test_another_store_on_existing_data_is_refused(tmp_path: Path) -> None:
    """A stack says where Temporal's data are, in both languages, instead of starting empty."""
    await StackDirectory(tmp_path).remember(auto_ports=True)
    StackDirectory(tmp_path).keep_store("sqlite")
    stack = Stack(
        tmp_path,
        make_keys=make_key_file,
        migrate=migrate,
        search_attributes=SEARCH_ATTRIBUTES,
        for_tests=True,
        temporal_store="postgres",
    )

    with pytest.raises(
        StoreChangedError, match=r"Sätt NGP_TEMPORAL_STORE=sqlite.*--data-dir\. / T"
    ):
        async with stack:
            pass

    assert living_on(tmp_path) == []
    StackDirectory(tmp_path).keep_store("sqlite")


@pytest.mark.parametrize(
    ("file", "store"), [("temporal.db", "sqlite"), ("server.yaml", "postgres")]
)
async def test_the_store_of_older_data_is_known(tmp_path: Path, file: str, store: str) -> None:
    """A folder from before stores were remembered tells by its files."""
    directory = StackDirectory(tmp_path)
    await directory.remember(auto_ports=True)
    (tmp_path / "temporal").mkdir()
    (tmp_path / "temporal" / file).touch()
    other = {"sqlite": "postgres", "postgres": "sqlite"}[store]

    with pytest.raises(StoreChangedError, match=f"Temporal's data are in {store}"):
        directory.keep_store(other)
    directory.keep_store(store)
    await directory.remember(auto_ports=True)
    with pytest.raises(StoreChangedError):
        directory.keep_store(other)
