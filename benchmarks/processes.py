"""What the programs of a stack use, read from `/proc`."""

import os
from collections import Counter
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
UTIME, STIME, PARENT = 13, 14, 3


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, in megabytes of a million bytes."""
    status = (PROC / str(pid) / "status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def cpu_ms() -> Counter[str]:
    """Return the milliseconds of processor time of this process and all below it, by program."""
    stats = {pid: _stat(pid) for pid in (int(each.name) for each in PROC.glob("[0-9]*"))}
    used: Counter[str] = Counter()
    for pid, fields in stats.items():
        if fields is not None and _is_below(pid, stats):
            used[_program(pid)] += 1000 * (int(fields[UTIME]) + int(fields[STIME])) // TICKS
    return used


def _stat(pid: int) -> list[str] | None:
    try:
        before, _, after = (PROC / str(pid) / "stat").read_text("utf-8").rpartition(") ")
    except OSError:
        return None
    return [str(pid), before, *after.split()]


def _is_below(pid: int, stats: dict[int, list[str] | None]) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        fields = stats.get(pid)
        if fields is None:
            return False
        pid = int(fields[PARENT])
    return False


def _program(pid: int) -> str:
    if pid == os.getpid():
        return "people"
    try:
        words = (PROC / str(pid) / "cmdline").read_text("utf-8").split("\0")
    except OSError:
        words = [""]
    if not words[0]:
        return "ended"
    if "-m" in words:
        return words[words.index("-m") + 1]
    named = [word for word in words if word.endswith(".py")]
    return Path(named[0] if named else words[0].partition(":")[0].split()[0]).name
