"""The whole stack as `up` runs it, worker included, once for the tests of this folder."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from commands.demo import plain_http
from commands.running import make_stack
from runtime.stack import Stack

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> object:
        """The last line of its output, as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


async def begin(*arguments: str, data_dir: Path | None = None) -> asyncio.subprocess.Process:
    """Begin a command as a person would."""
    environment = dict(os.environ)
    if data_dir is not None:
        environment["NGP_DATA_DIR"] = str(data_dir)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "starter.py",
        *arguments,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def starter(*arguments: str, data_dir: Path | None = None, seconds: float = 180) -> Done:
    """Run the command line as a person would."""
    process = await begin(*arguments, data_dir=data_dir)
    out, err = await asyncio.wait_for(process.communicate(), seconds)
    return Done(process.returncode or 0, out.decode(), err.decode())


async def ready(stack: Stack) -> tuple[int, dict[str, bool]]:
    """Return what the worker says of itself: the status, and what it looked at."""
    async with plain_http() as http:
        answer = await http.get(f"http://127.0.0.1:{stack.ports['health']}/health/ready")
        return answer.status_code, answer.json()["checks"]


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A running stack with its worker as a process of its own."""
    folder = tmp_path_factory.mktemp("stack")
    async with make_stack(folder, durable=False, for_tests=True) as started:
        yield started
