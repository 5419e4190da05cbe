"""Locks on files: held by an open descriptor, given back by the system however a process ends."""

import asyncio
import fcntl
import time
from pathlib import Path
from typing import IO


async def take_lock(path: Path, *, seconds: float = 0) -> IO[str] | None:
    """Return the file, locked; None when somebody else still holds it after so many seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a")
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                lock.close()
                return None
            await asyncio.sleep(0.05)
        else:
            return lock
