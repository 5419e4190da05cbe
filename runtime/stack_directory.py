"""The data directory of a stack: used by one at a time, it remembers the ports and the token."""

import asyncio
import json
import os
import secrets
from pathlib import Path
from typing import IO

from runtime.locking import take_lock
from runtime.processes import free_port, is_free

FIXED_PORTS = {
    "postgres": 55432,
    "temporal": 7233,
    "account_system": 8091,
    "agreement_register": 8092,
    "portal_verification": 8093,
    "portal_production": 8094,
    "mail": 8025,
    "mail_control": 8026,
    "health": 8080,
    "metrics": 9464,
}
PORT_LOOKS = 30  # 0.1 s apart


class StackInUseError(RuntimeError):
    """Another stack, or another program, is where this one would be."""


class PortInUseError(StackInUseError):
    """Somebody else listens on a port that the stack wants; says which and what to do."""


class StoreChangedError(RuntimeError):
    """The setting names another store than the one that holds Temporal's data; says what to do."""

    def __init__(self, known: str, wanted: str) -> None:
        super().__init__(
            f"Temporals data ligger i {known}, men NGP_TEMPORAL_STORE är {wanted}: de öppna "
            f"ärendena skulle saknas. Sätt NGP_TEMPORAL_STORE={known}, eller börja om i en annan "
            f"mapp med --data-dir. / Temporal's data are in {known}, but NGP_TEMPORAL_STORE is "
            f"{wanted}: the open cases would be missing. Set NGP_TEMPORAL_STORE={known}, or begin "
            f"anew in another folder with --data-dir."
        )


class StackDirectory:
    """One directory, its lock, and what a later start and other programs read there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = folder / "environment.json"
        self._lock: IO[str] | None = None
        self.ports: dict[str, int] = {}
        self.token = ""

    async def take(self) -> None:
        """Take the directory until `give_back`, or until this process ends.

        Raises:
            StackInUseError: another stack has it.
        """
        self._lock = await take_lock(self._folder / "lock")
        if self._lock is None:
            raise StackInUseError(f"another stack runs on {self._folder}")

    def give_back(self) -> None:
        """Let others take it."""
        if self._lock is not None:
            self._lock.close()

    async def remember(self, *, auto_ports: bool) -> None:
        """Take the ports and the token of the last start, or new ones, and keep them.

        Raises:
            PortInUseError: a port is taken, and no other may be chosen.
        """
        path = self._folder / "stack.json"
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        self.token = known.get("token") or secrets.token_urlsafe(24)
        first = {name: free_port() for name in FIXED_PORTS} if auto_ports else FIXED_PORTS
        self.ports = first | known.get("ports", {})
        free = await asyncio.gather(*map(_comes_free, self.ports.values()))
        taken = [name for name, is_so in zip(self.ports, free, strict=True) if not is_so]
        if taken and not auto_ports:
            said = ", ".join(f"{self.ports[name]} ({name})" for name in taken)
            raise PortInUseError(f"in use: port {said}. Stop who listens there, or `--ports auto`.")
        self.ports |= {name: free_port() for name in taken}
        _write_secret(path, known | {"ports": self.ports, "token": self.token})

    def keep_store(self, wanted: str) -> None:
        """Remember in which store Temporal's data are: `sqlite` or `postgres`.

        Raises:
            StoreChangedError: they are in the other one.
        """
        path = self._folder / "stack.json"
        known = json.loads(path.read_text("utf-8"))
        store = known.get("temporal_store") or self._store_of_before() or wanted
        if store != wanted:
            raise StoreChangedError(store, wanted)
        _write_secret(path, known | {"temporal_store": store})

    def _store_of_before(self) -> str | None:
        """Return the store of a stack that did not remember it yet; None when it has no data."""
        home = self._folder / "temporal"
        if (home / "temporal.db").exists() or (home / "cli.db").exists():
            return "sqlite"
        return "postgres" if (home / "server.yaml").exists() else None

    def publish(self, environment: dict[str, str]) -> None:
        """Tell other programs of this user how to use the stack."""
        _write_secret(self._environment, environment)

    def withdraw(self) -> None:
        """Tell other programs that it is no longer there."""
        self._environment.unlink(missing_ok=True)

    async def published(self) -> dict[str, str] | None:
        """Return how to use the stack that runs here; None when none does.

        What a killed stack has left behind does not count.
        """
        lock = await take_lock(self._folder / "lock")
        if lock is not None:
            lock.close()
            return None
        if not self._environment.exists():
            return None
        found: dict[str, str] = json.loads(self._environment.read_text("utf-8"))
        return found


async def _comes_free(port: int) -> bool:
    """Whether a port is free, or becomes so while the programs of a killed stack end."""
    for _ in range(PORT_LOOKS):
        if is_free(port):
            return True
        await asyncio.sleep(0.1)
    return False


def _write_secret(path: Path, content: object) -> None:
    """Write JSON for its owner only, whole or not at all."""
    aside = path.with_name(f"{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    aside.replace(path)
