"""Where the Temporal server comes from when there is no cluster of the user's own.

In this order: the official CLI on PATH, the SDK's own download where it can be reached, else the
real server, built once with Go from its module proxy and cached per user.
"""

import asyncio
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from temporalio.testing import WorkflowEnvironment

from runtime.locking import take_lock
from runtime.processes import start

VERSION = "1.32.2"
OLDEST = (1, 32)  # the first that skips time
GO_TOOLCHAIN = "go1.26.10"
SERVER = "go.temporal.io/server/cmd/server"
SQL_TOOL = "go.temporal.io/server/cmd/tools/sql"
REACH_SECONDS = 4.0
DOWNLOAD_SECONDS = 300.0
BUILD_SECONDS = 3600.0
Kind = Literal["cli", "server"]


@dataclass(frozen=True)
class Source:
    """A program that can serve, and where it came from in words."""

    kind: Kind
    program: Path
    said: str


def say(text: str) -> None:
    """Tell a person how it goes, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def cache_folder() -> Path:
    """Return the folder of this user, for this version, that built programs are kept in."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ngp-onboarding" / f"temporal-server-{VERSION}"


async def find_source(only: Kind | None = None) -> Source:
    """Return the first that is there; data that one kind has written stay with that kind.

    Raises:
        RuntimeError: there is none, or not of the kind; says what to do.
    """
    if only != "server":
        found = await _cli_on_path() or await _downloaded_by_the_sdk()
        if found is not None:
            return found
    if only == "cli":
        raise RuntimeError(
            "These data were written by the Temporal CLI's server, and there is no CLI: "
            "install it, or start with an empty data directory."
        )
    program = await built_with_go(SERVER)
    return Source("server", program, f"Temporal server {VERSION}, built with Go")


async def _cli_on_path() -> Source | None:
    program = shutil.which("temporal")
    if program is None:
        return None
    asked = await asyncio.create_subprocess_exec(program, "--version", stdout=-1, stderr=-3)
    said = (await asked.communicate())[0].decode("utf-8", "replace").strip()
    version = re.search(r"Server (\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        say(f"Not used, too old to skip time: {program} ({said or 'no version'}).")
        return None
    return Source("cli", Path(program), f"the Temporal CLI at {program} ({said})")


async def _downloaded_by_the_sdk() -> Source | None:
    """Let the SDK download its server, unless it cannot be reached within a few seconds."""
    if (cache_folder() / "server").exists():
        return None  # built on this machine, because there was no download
    folder = cache_folder().parent / "temporal-cli"
    folder.mkdir(parents=True, exist_ok=True)
    trying = asyncio.ensure_future(WorkflowEnvironment.start_local(download_dest_dir=str(folder)))
    await asyncio.wait({trying}, timeout=REACH_SECONDS)
    if not trying.done() and any(folder.iterdir()):
        say("Downloading the Temporal CLI ...")
        await asyncio.wait({trying}, timeout=DOWNLOAD_SECONDS)
    if not trying.done() or trying.exception() is not None:
        trying.cancel()
        return None
    await trying.result().shutdown()
    programs = [path for path in folder.iterdir() if os.access(path, os.X_OK) and path.is_file()]
    return Source("cli", programs[0], "the Temporal SDK's own download") if programs else None


async def built_with_go(package: str) -> Path:
    """Return a program of the server's, from the cache or built now.

    Raises:
        RuntimeError: it cannot be built; says why.
    """
    program = cache_folder() / package.rpartition("/")[2]
    if program.exists():
        return program
    lock = await take_lock(cache_folder() / "lock", seconds=BUILD_SECONDS)
    try:
        if not program.exists():
            await _build(package, program)
    finally:
        if lock is not None:
            lock.close()
    return program


async def _build(package: str, program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise RuntimeError(
            "No Temporal server: install the Temporal CLI or Go, or set TEMPORAL_ADDRESS."
        )
    say(f"Building {package} {VERSION} with Go: five to ten minutes, once per user ...")
    began = time.monotonic()
    aside = program.parent / "building"
    shutil.rmtree(aside, ignore_errors=True)
    environment = {"GOBIN": str(aside), "GOTOOLCHAIN": GO_TOOLCHAIN}
    log = program.parent / f"{program.name}.log"
    command = [go, "install", f"{package}@v{VERSION}"]
    child = await start("go install", command, log=log, env=environment)
    try:
        await child.process.wait()
    finally:
        await child.stop()
    if child.process.returncode != 0:
        raise RuntimeError(f"{package} could not be built:\n{child.last_lines()}")
    (aside / program.name).rename(program)
    aside.rmdir()
    say(f"Built in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    say(asyncio.run(find_source()).said)
