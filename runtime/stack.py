"""The whole stack on one machine: Postgres, Temporal, the simulated outside world, the worker.

One process tree: what is started dies with its parent, and a data directory is used by one stack
at a time. A second start on the same directory goes on where the first was.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from runtime.postgres import EmbeddedPostgres, OwnPostgres
from runtime.processes import (
    Child,
    ProcessEndedError,
    listens,
    start,
    wait_until,
)
from runtime.settings import StackSettings
from runtime.stack_directory import PortInUseError, StackDirectory, StackInUseError
from runtime.temporal_server import OwnCluster, Temporal, TemporalServer

__all__ = ["PortInUseError", "Stack", "StackInUseError"]

ROOT = Path(__file__).parents[1]
DATABASE = "ngp"
HTTP_SIMULATORS = {
    "account_system": "account_system",
    "agreement_register": "agreement_register",
    "portal_verification": "api_portal",
    "portal_production": "api_portal",
}
MakeKeys = Callable[[Path], None]
Migrate = Callable[[str], Awaitable[object]]


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
        temporal_store: Literal["sqlite", "postgres"] | None = None,
        database_dsn: str | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self._make_keys = make_keys
        self._migrate = migrate
        self._search_attributes = search_attributes
        self._auto_ports = auto_ports
        self._durable = durable
        self._for_tests = for_tests
        self._with_worker = with_worker
        self._temporal_store = temporal_store or StackSettings().temporal_store
        self._database_dsn = database_dsn
        self._directory = StackDirectory(self.data_dir)
        self._children: dict[str, Child] = {}
        self.postgres: EmbeddedPostgres | OwnPostgres | None = None
        self.temporal: Temporal | None = None

    async def __aenter__(self) -> Self:
        await self._directory.take()
        try:
            self._make_keys(self.data_dir / "keys.json")
            await self._directory.remember(auto_ports=self._auto_ports)
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the names of `FIXED_PORTS`."""
        return self._directory.ports

    @property
    def token(self) -> str:
        """The bearer token of the simulated systems."""
        return self._directory.token

    # ---- what others need to know ---------------------------------------------------------

    def addresses(self) -> dict[str, str | None]:
        """Return where everything is; None for what does not exist yet."""
        assert self.postgres is not None
        assert self.temporal is not None
        found: dict[str, str | None] = {"console": None}
        found |= {"temporal": self.temporal.address}
        found |= {"postgres": self.postgres.dsn(DATABASE)}
        found |= {name: f"http://127.0.0.1:{self.ports[name]}" for name in HTTP_SIMULATORS}
        return found | {"mail": f"http://127.0.0.1:{self.ports['mail_control']}"}

    def environment(self) -> dict[str, str]:
        """Return the settings under which the worker and the command line use this stack."""
        assert self.postgres is not None
        assert self.temporal is not None
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
            "HEALTH_PORT": str(self.ports["health"]),
            "METRICS_PORT": str(self.ports["metrics"]),
        }
        guarded = ("ACCOUNT_SYSTEM", "AGREEMENT_REGISTER", "PORTAL_VERIFICATION")
        for name in (*guarded, "PORTAL_PRODUCTION", "DELIVERY_API"):
            settings[f"{name}_TOKEN"] = self.token
        return settings | self.temporal.environment()

    # ---- starting -------------------------------------------------------------------------

    async def _start(self) -> None:
        self.postgres = (
            EmbeddedPostgres(
                self.data_dir / "postgres", port=self.ports["postgres"], durable=self._durable
            )
            if self._database_dsn is None
            else OwnPostgres(self._database_dsn)
        )
        own_cluster = None if self._for_tests else OwnCluster.if_named()
        if own_cluster is None:
            self._directory.keep_store(self._temporal_store)
        self.temporal = own_cluster or TemporalServer(
            self.data_dir / "temporal", port=self.ports["temporal"], for_tests=self._for_tests
        )
        await _together(self._start_servers(self.temporal), self._start_simulators())
        if self._with_worker:
            await self.start_worker()
        self._directory.publish(self.environment())

    async def _start_servers(self, temporal: Temporal) -> None:
        """Start Postgres and Temporal; beside each other unless one needs the other."""
        if isinstance(temporal, TemporalServer) and self._temporal_store == "postgres":
            await self._start_records()
            assert self.postgres is not None
            temporal.postgres_dsn = self.postgres.dsn()
            await temporal.start(self._search_attributes)
        else:
            await _together(self._start_records(), temporal.start(self._search_attributes))

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
        await _together(*starting, mail)

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

    async def kill_worker(self, name: str = "worker") -> None:
        """Kill a worker as a crash would."""
        child = self._children.pop(name)
        child.process.kill()
        await child.process.wait()

    # ---- running and stopping ---------------------------------------------------------------

    async def watch(self) -> None:
        """Wait until a program ends that should not.

        Raises:
            ProcessEndedError: says which, and its last lines.
        """
        while True:
            for child in self._watched():
                if not child.is_running:
                    raise ProcessEndedError(f"{child.name} ended:\n{child.last_lines()}")
            await asyncio.sleep(0.5)

    def _watched(self) -> list[Child]:
        servers = [self.postgres, self.temporal]
        return [
            *(
                each.child
                for each in servers
                if isinstance(each, EmbeddedPostgres | TemporalServer)
            ),
            *self._children.values(),
        ]

    async def _stop(self) -> None:
        """Stop all, those who use the others first; one that fails to stop keeps none running."""
        workers = [c for name, c in self._children.items() if name.startswith("worker")]
        others = [child for child in self._children.values() if child not in workers]
        self._directory.withdraw()
        async with contextlib.AsyncExitStack() as last_first:
            last_first.callback(self._directory.give_back)
            if self.postgres is not None:
                last_first.push_async_callback(self.postgres.stop)
            if self.temporal is not None:
                last_first.push_async_callback(self.temporal.stop)
            last_first.push_async_callback(_stop_all, others, seconds=3)
            last_first.push_async_callback(_stop_all, workers, seconds=25)


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """Do all at once; when one fails, the others are called off before its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _stop_all(children: list[Child], *, seconds: float) -> None:
    await asyncio.gather(*(child.stop(seconds=seconds) for child in children))


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/ready HTTP/1.1\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in line
