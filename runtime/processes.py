"""Child processes that die with their parent, log to files, and are stopped by their own id."""

import asyncio
import ctypes
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PORTS = range(15_000, 32_768)
GIVEN: set[int] = set()
LAST_LINES = 15
LINE_WIDTH = 400
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ProcessEndedError(RuntimeError):
    """A program of the stack ended by itself; says which, and its last lines."""


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on now, another one at each call.

    It lies below those that the system gives to outgoing connections, so that none of them takes
    it before it is used, and below 32768, which is where Temporal's tables on Postgres end.
    """
    while True:
        port = secrets.choice(PORTS)
        if port not in GIVEN and is_free(port):
            GIVEN.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _die_with_parent(parent: int, how: int) -> Callable[[], None]:
    def before_the_program_starts() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return before_the_program_starts


@dataclass
class Child:
    """A running program."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    def last_lines(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(line[:LINE_WIDTH] for line in lines[-LAST_LINES:])

    async def stop(self, *, how: int = signal.SIGTERM, seconds: float = 20) -> None:
        """Ask it to end, wait, and kill it only when it does not."""
        if not self.is_running:
            return
        self.process.send_signal(how)
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it as a crash would."""
        if self.is_running:
            self.process.kill()
            await self.process.wait()


async def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    orphaned: int = signal.SIGKILL,
    keeps: Sequence[int] = (),
) -> Child:
    """Start a program whose output goes to a file.

    Args:
        name: what messages call it.
        command: the program and its arguments.
        log: file that its output is added to.
        env: variables beside those of this process.
        cwd: folder to run it in.
        orphaned: signal that it gets when this process dies, however it dies.
        keeps: open file descriptors that it inherits.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            preexec_fn=_die_with_parent(os.getpid(), orphaned),
            pass_fds=keeps,
            process_group=0,  # Ctrl-C at a terminal is for the stack alone: it stops them in order
        )
    return Child(name, process, log)


async def wait_until(
    ready: Callable[[], Awaitable[bool]], child: Child, *, seconds: float = 60
) -> None:
    """Wait until a program is ready.

    Raises:
        ProcessEndedError: it ended, or was not ready in time.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while not await ready():
        if not child.is_running:
            raise ProcessEndedError(f"{child.name} ended:\n{child.last_lines()}")
        if asyncio.get_running_loop().time() > deadline:
            raise ProcessEndedError(f"{child.name} is not ready:\n{child.last_lines()}")
        await asyncio.sleep(0.05)


async def listens(port: int) -> bool:
    """Whether somebody accepts connections on a port of loopback."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
