import asyncio
import subprocess
from pathlib import Path

import asyncpg
import pytest

from records import migrate as migrations
from records.errors import EditedMigrationError, OldPostgresError
from records.migrate import is_current, migrate
from records.sql import FOLDER
from runtime.postgres import EmbeddedPostgres


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations to try with."""
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)
    (tmp_path / "0001_one.sql").write_text("create table one (n integer)", "utf-8")
    (tmp_path / "0002_two.sql").write_text("create table two (n integer)", "utf-8")
    return tmp_path


async def _fresh(server: EmbeddedPostgres, name: str) -> str:
    return await server.create_database(name, template="template0")


def _schema(server: EmbeddedPostgres, dsn: str) -> list[str]:
    options = ["--schema-only", "--exclude-table=migrations", "--restrict-key=x"]
    command = [str(server._bin / "pg_dump"), *options, dsn]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in dump.splitlines() if line and not line.startswith("--")]


async def test_the_schema_is_all_migrations(records_postgres: EmbeddedPostgres) -> None:
    """A database from `schema.sql` and one from every migration do not differ."""
    by_schema = await _fresh(records_postgres, "by_schema")
    by_migrations = await _fresh(records_postgres, "by_migrations")
    connection = await asyncpg.connect(by_schema)
    await connection.execute((FOLDER / "schema.sql").read_text("utf-8"))
    await connection.close()

    await migrate(by_migrations)

    schema = await asyncio.to_thread(_schema, records_postgres, by_schema)
    assert schema == await asyncio.to_thread(_schema, records_postgres, by_migrations)
    assert any("CREATE TABLE public.journal" in line for line in schema)


def test_migrations_are_numbered_without_gaps() -> None:
    """`NNNN_name.sql`, from 0001 on."""
    names = sorted(path.name for path in migrations.FOLDER.iterdir())

    assert [f"{n:04d}_" for n in range(1, len(names) + 1)] == [name[:5] for name in names]


async def test_migrations_are_applied_once(records_postgres: EmbeddedPostgres, files: Path) -> None:
    """Several at once, and again, apply each file one time; it is known what is missing."""
    dsn = await _fresh(records_postgres, "applied_once")
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        assert not await is_current(pool)

        found = await asyncio.gather(*(migrate(dsn) for _ in range(4)))
        assert sorted(found) == [[], [], [], ["0001_one.sql", "0002_two.sql"]]
        assert await is_current(pool)

        (files / "0003_three.sql").write_text("create table three (n integer)", "utf-8")
        assert not await is_current(pool)
        assert await migrate(dsn) == ["0003_three.sql"]
        assert await is_current(pool)


async def test_an_edited_migration_is_refused(
    records_postgres: EmbeddedPostgres, files: Path
) -> None:
    """What has been applied is history: a changed file is an error that names it."""
    dsn = await _fresh(records_postgres, "edited")
    await migrate(dsn)

    (files / "0001_one.sql").write_text("create table one (n bigint)", "utf-8")

    with pytest.raises(EditedMigrationError, match=r"0001_one\.sql"):
        await migrate(dsn)


async def test_an_old_server_is_refused(
    records_postgres: EmbeddedPostgres, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says in both languages what is needed and what it found, and changes nothing."""
    dsn = await _fresh(records_postgres, "old_server")
    assert migrations.OLDEST_POSTGRES == 15
    monkeypatch.setattr(migrations, "OLDEST_POSTGRES", 99)

    with pytest.raises(OldPostgresError, match=r"är för gammal.*is too old.*needed\.: 1\d\.\d"):
        await migrate(dsn)

    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("select to_regclass('migrations')") is None
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing(
    records_postgres: EmbeddedPostgres, files: Path
) -> None:
    """Each runs in a transaction of its own: those before it stay, nothing of it does."""
    dsn = await _fresh(records_postgres, "fails")
    (files / "0002_two.sql").write_text("create table two (n integer); select 1/0", "utf-8")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn)
    (files / "0002_two.sql").write_text("create table two (n integer)", "utf-8")

    assert await migrate(dsn) == ["0002_two.sql"]
