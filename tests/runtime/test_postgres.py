import asyncio
import os
import pwd
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from runtime import postgres as module
from runtime.postgres import EmbeddedPostgres, PostgresInUseError

ROOT = Path(__file__).parents[2]
STARTS_AND_WAITS = """
import asyncio, sys
from pathlib import Path
from runtime.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.child.process.pid, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of the test's own."""
    started = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    await started.start()
    yield started
    await started.stop()


async def _value(server: EmbeddedPostgres, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn("cases"))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def _with_one_row(server: EmbeddedPostgres) -> None:
    await server.create_database("cases")
    await _value(server, "create table kept (number int)")
    await _value(server, "insert into kept values (7)")


async def test_what_was_committed_survives_a_kill(server: EmbeddedPostgres) -> None:
    """After SIGKILL the same directory starts again at once, stale pid file or not."""
    await _with_one_row(server)
    await server.kill()
    assert (server._data / "postmaster.pid").exists()

    await server.start()

    assert await _value(server, "select number from kept") == 7


async def test_a_pid_file_of_somebody_else_is_no_obstacle(server: EmbeddedPostgres) -> None:
    """After a reboot the number in the pid file may belong to any other program."""
    await _with_one_row(server)
    await server.kill()
    pid_file = server._data / "postmaster.pid"
    lines = pid_file.read_text("utf-8").splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]), "utf-8")

    await server.start()

    assert await _value(server, "select number from kept") == 7


async def test_two_on_one_directory_are_refused(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second says so, and the first goes on."""
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.2)
    second = EmbeddedPostgres(server._home)

    with pytest.raises(PostgresInUseError, match="another Postgres runs on"):
        await second.start()

    assert await server._answers()


async def test_a_directory_that_was_half_made_is_made_again(tmp_path: Path) -> None:
    """A crash in the middle of the first start stops no later one."""
    half = tmp_path / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n", "utf-8")
    server = EmbeddedPostgres(tmp_path)

    await server.start()

    assert await server._answers()
    await server.stop()


async def test_it_has_a_password_of_its_own(server: EmbeddedPostgres) -> None:
    """It is drawn at random, readable by its owner only, and asked for."""
    mode = (server._home / "password").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600
    assert len(server.password) >= 32
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.dsn().replace(server.password, "postgres"))


async def test_it_writes_durably_unless_told_otherwise(
    tmp_path: Path, postgres: EmbeddedPostgres
) -> None:
    """The stack that people run waits for the disk; the tests' one does not."""
    server = EmbeddedPostgres(tmp_path)
    await server.start()

    assert await _setting(server, "fsync") == "on"
    assert await _setting(postgres, "fsync") == "off"
    await server.stop()


async def _setting(server: EmbeddedPostgres, name: str) -> object:
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval("select current_setting($1)", name)
    finally:
        await connection.close()


async def test_it_is_never_root(server: EmbeddedPostgres) -> None:
    """Started by root or not, its processes belong to an ordinary user."""
    assert os.stat(f"/proc/{server.child.process.pid}").st_uid != 0  # noqa: PTH116 - no disk


AS_NOBODY = (
    "setpriv",
    "--reuid=nobody",
    "--regid=nogroup",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",  # to pass through folders that only root may enter
    "--ambient-caps=-all,+dac_override",
)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root can be somebody else; without it every test here runs not as root",
)
async def test_it_runs_when_nobody_is_root(tmp_path: Path) -> None:
    """A person who is not root starts it in a folder of one's own, as oneself."""
    shutil.chown(tmp_path, "nobody", "nogroup")
    parent = await asyncio.create_subprocess_exec(
        *AS_NOBODY, sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path), cwd=ROOT, stdout=-1
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    owners = {os.stat(f"/proc/{each}").st_uid for each in (pid, parent.pid)}  # noqa: PTH116
    parent.terminate()
    await parent.wait()

    assert owners == {pwd.getpwnam("nobody").pw_uid}


async def test_a_database_is_copied_from_a_template(server: EmbeddedPostgres) -> None:
    """Creating one that exists changes nothing."""
    await _with_one_row(server)

    await server.create_database("copy", template="cases")
    copy = await asyncpg.connect(await server.create_database("copy"))

    assert await copy.fetchval("select number from kept") == 7
    await copy.close()


async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """However the parent ends, no server is left, and the next start goes well."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path), cwd=ROOT, stdout=-1
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    server = EmbeddedPostgres(tmp_path)
    await server.start()

    assert not _is_alive(pid)
    await server.stop()


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text("utf-8")
