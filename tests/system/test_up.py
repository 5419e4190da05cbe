"""`up` as a person runs it: beside another one, ended by Ctrl-C, started again."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.organisation_registers import OrganisationRegisters
from commands.context import opened
from commands.demo import Demo
from runtime.postgres import EmbeddedPostgres
from runtime.settings import ROOT
from tests.runtime.test_stack import NAMES, living_on
from tests.system.conftest import starter

Addresses = dict[str, str]


@asynccontextmanager
async def _up(folder: Path, **settings: str) -> AsyncIterator[tuple[Process, Addresses]]:
    """Run `up` in a process group of its own, as a shell does; yields it and what it printed."""
    command = ["starter.py", "up", "--json", "--ports", "auto", "--data-dir", str(folder)]
    with folder.with_suffix(".log").open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=PIPE,
            stderr=said,
            process_group=0,
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line, folder.with_suffix(".log").read_text("utf-8")
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ctrl_c(process: Process) -> tuple[int, bytes]:
    """Do what a terminal does: the whole group gets the signal. Returns code and further output."""
    os.killpg(process.pid, signal.SIGINT)
    further, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, further


def _ports(addresses: Addresses) -> set[str]:
    """Return the ports of what was started, Postgres apart."""
    assert addresses.keys() == NAMES
    assert addresses["console"] is None
    return {where.rpartition(":")[2] for where in addresses.values() if where and "@" not in where}


async def _listed(org_number: str, folder: Path) -> Any:
    command = ("list", "--all-kinds", "--organisation", org_number, "--json")
    return (await starter(*command, data_dir=folder)).last


@pytest.mark.timeout(300)
async def test_two_side_by_side_and_one_again(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    """They share no port and no case; after Ctrl-C nothing lives, and the next start goes on.

    The first keeps Temporal's data in its own Postgres, the second its records in the user's.
    """
    entry = OrganisationRegisters(ROOT / "data").look_up("212000-0142")
    assert entry is not None
    one, other, dsn = tmp_path / "one", tmp_path / "other", await postgres.create_database("own")
    on_postgres = {"NGP_TEMPORAL_STORE": "postgres"}
    async with AsyncExitStack() as running:
        (first, addresses), (second, others) = await asyncio.gather(
            running.enter_async_context(_up(one, **on_postgres)),
            running.enter_async_context(_up(other, NGP_DATABASE_DSN=dsn)),
        )
        assert not _ports(addresses) & _ports(others)
        assert (others["postgres"], (other / "postgres").exists()) == (dsn, False)
        async with opened(one) as context:
            demo = Demo(context, entry, addresses)
            number = await demo.apply()
            await demo.stage("account")
        assert number in [row["number"] for row in await _listed(entry.org_number, one)]
        assert [] == await _listed(entry.org_number, other)

        assert (0, b"") == await _ctrl_c(first)
        assert [] == living_on(one)
        assert not (one / "temporal" / "temporal.db").exists()

        async with _up(one, **on_postgres) as (again, same), opened(one) as context:
            assert addresses == same
            await Demo(context, entry, same).activate_account()
            assert (0, b"") == await _ctrl_c(again)
        assert (0, b"") == await _ctrl_c(second)
    assert [] == living_on(tmp_path)
