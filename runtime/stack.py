"""The whole stack on one machine: Postgres, Temporal, the simulated outside world, the worker.

One process tree: what is started dies with its parent, and a data directory is used by one stack
at a time. A second start on the same directory goes on where the first was.
"""

import asyncio
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import IO, Self

from runtime.postgres import EmbeddedPostgres
from runtime.processes import Child, ProcessEndedError, free_port, listens, start, wait_until
from runtime.temporal_server import TemporalServer

ROOT = Path(__file__).parents[1]
DATABASE = "ngp"
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
HTTP_SIMULATORS = {
    "account_system": "account_system",
    "agreement_register": "agreement_register",
    "portal_verification": "api_portal",
    "portal_production": "api_portal",
}
MakeKeys = Callable[[Path], None]
Migrate = Callable[[str], Awaitable[object]]


class StackInUseError(RuntimeError):
    """Another stack runs on the same data directory."""


class Stack:
    """Everything that a development machine or a test needs, in one directory."""

    def __init__(
        self,
        data_dir: Path,
        *,
        make_keys: MakeKeys,
        migrate: Migrate,
        search_attributes: Mapping[str, str],
        auto_ports: bool = True,
        durable: bool = True,
        for_tests: bool = False,
        with_worker: bool = True,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._make_keys = make_keys
        self._migrate = migrate
        self._search_attributes = search_attributes
        self._auto_ports = auto_ports
        self._durable = durable
        self._for_tests = for_tests
        self._with_worker = with_worker
        self._lock: IO[str] | None = None
        self._children: dict[str, Child] = {}
        self.ports: dict[str, int] = {}
        self.token = ""
        self.postgres: EmbeddedPostgres | None = None
        self.temporal: TemporalServer | None = None

    async def __aenter__(self) -> Self:
        self._take_directory()
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    # ---- what others need to know ---------------------------------------------------------

    def addresses(self) -> dict[str, str | None]:
        """Return where everything is; None for what does not exist yet."""
        assert self.postgres is not None
        found: dict[str, str | None] = {"console": None}
        found |= {"temporal": f"127.0.0.1:{self.ports['temporal']}"}
        found |= {"postgres": self.postgres.dsn(DATABASE)}
        found |= {name: f"http://127.0.0.1:{self.ports[name]}" for name in HTTP_SIMULATORS}
        return found | {"mail": f"http://127.0.0.1:{self.ports['mail_control']}"}

    def environment(self) -> dict[str, str]:
        """Return the settings under which the worker and the command line use this stack."""
        assert self.postgres is not None
        url = {name: f"http://127.0.0.1:{self.ports[name]}" for name in HTTP_SIMULATORS}
        settings = {
            "ENVIRONMENT": "development",
            "DATABASE_DSN": self.postgres.dsn(DATABASE),
            "KEY_FILE": str(self.data_dir / "keys.json"),
            "ACCOUNT_SYSTEM_URL": url["account_system"],
            "AGREEMENT_REGISTER_URL": url["agreement_register"],
            "PORTAL_VERIFICATION_URL": url["portal_verification"],
            "PORTAL_PRODUCTION_URL": url["portal_production"],
            "DELIVERY_API_URL": f"{url['portal_verification']}/producent",
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(self.ports["mail"]),
            "TEMPORAL_ADDRESS": f"127.0.0.1:{self.ports['temporal']}",
            "HEALTH_PORT": str(self.ports["health"]),
            "METRICS_PORT": str(self.ports["metrics"]),
        }
        guarded = ("ACCOUNT_SYSTEM", "AGREEMENT_REGISTER", "PORTAL_VERIFICATION")
        for name in (*guarded, "PORTAL_PRODUCTION", "DELIVERY_API"):
            settings[f"{name}_TOKEN"] = self.token
        return settings

    # ---- starting -------------------------------------------------------------------------

    def _take_directory(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = (self.data_dir / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise StackInUseError(f"another stack runs on {self.data_dir}") from None
        self._make_keys(self.data_dir / "keys.json")
        self.ports, self.token = self._remembered()

    def _remembered(self) -> tuple[dict[str, int], str]:
        path = self.data_dir / "stack.json"
        if path.exists():
            known = json.loads(path.read_text("utf-8"))
            return known["ports"], known["token"]
        ports = {name: free_port() for name in FIXED_PORTS} if self._auto_ports else FIXED_PORTS
        token = secrets.token_urlsafe(24)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"ports": ports, "token": token}, file)
        return dict(ports), token

    async def _start(self) -> None:
        self.postgres = EmbeddedPostgres(
            self.data_dir / "postgres", port=self.ports["postgres"], durable=self._durable
        )
        self.temporal = TemporalServer(
            self.data_dir / "temporal", port=self.ports["temporal"], for_tests=self._for_tests
        )
        await asyncio.gather(
            self._start_records(),
            self.temporal.start(self._search_attributes),
            self._start_simulators(),
        )
        if self._with_worker:
            await self.start_worker()
        self._write_environment()

    async def _start_records(self) -> None:
        assert self.postgres is not None
        await self.postgres.start()
        await self._migrate(await self.postgres.create_database(DATABASE))

    async def _start_simulators(self) -> None:
        starting = [
            self._start_simulator(name, program) for name, program in HTTP_SIMULATORS.items()
        ]
        mail = self._start_simulator(
            "mail", "mail", "--control-port", str(self.ports["mail_control"])
        )
        await asyncio.gather(*starting, mail)

    async def _start_simulator(self, name: str, program: str, *extra: str) -> None:
        command = [sys.executable, "-m", f"simulators.{program}", "--port", str(self.ports[name])]
        command += ["--data-dir", str(self.data_dir / name), f"--token={self.token}", *extra]
        log = self.data_dir / "logs" / f"{name}.log"
        child = await start(name, command, log=log, cwd=ROOT)
        self._children[name] = child
        port = self.ports["mail_control"] if name == "mail" else self.ports[name]
        await wait_until(lambda: listens(port), child)

    async def start_worker(self, name: str = "worker", **changes: str) -> Child:
        """Start a worker and wait until it is ready."""
        log = self.data_dir / "logs" / f"{name}.log"
        environment = self.environment() | changes
        child = await start(name, [sys.executable, "worker.py"], log=log, env=environment, cwd=ROOT)
        self._children[name] = child
        await wait_until(lambda: _is_ready(int(environment["HEALTH_PORT"])), child)
        return child

    def _write_environment(self) -> None:
        path = self.data_dir / "environment.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.environment(), file)

    # ---- running and stopping ---------------------------------------------------------------

    async def watch(self) -> None:
        """Wait until a program ends that should not.

        Raises:
            ProcessEndedError: says which, and its last lines.
        """
        while True:
            for child in self._children.values():
                if not child.is_running:
                    raise ProcessEndedError(f"{child.name} ended:\n{child.last_lines()}")
            await asyncio.sleep(0.5)

    async def _stop(self) -> None:
        workers = [c for name, c in self._children.items() if name.startswith("worker")]
        await asyncio.gather(*(child.stop(seconds=25) for child in workers))
        others = [child for child in self._children.values() if child not in workers]
        await asyncio.gather(*(child.stop(seconds=3) for child in others))
        if self.temporal is not None:
            await self.temporal.stop()
        if self.postgres is not None:
            await self.postgres.stop()
        if self._lock is not None:
            (self.data_dir / "environment.json").unlink(missing_ok=True)
            self._lock.close()


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/ready HTTP/1.1\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in line
