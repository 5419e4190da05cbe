"""`prepare`, where something it stands on is not there."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from pydantic import SecretStr

from commands import preparing
from commands.context import CommandError
from runtime.postgres import EmbeddedPostgres
from tests.conftest import TEMPLATE


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Awaitable[object]]:
    """`prepare`, with a Postgres at a DSN."""

    async def with_dsn(dsn: str) -> object:
        settings = SimpleNamespace(key_file=tmp_path / "keys.json", database_dsn=SecretStr(dsn))
        monkeypatch.setattr(preparing, "read_settings", lambda: settings)
        return await preparing.prepare(None)

    return with_dsn


DOES_NOT_ANSWER = r"Postgres svarar inte.*DATABASE_DSN.* / Postgres does"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid:5432"])
async def test_a_postgres_that_is_down_is_told_without_a_stack_trace(
    host: str, prepare: Callable[[str], Awaitable[object]]
) -> None:
    """It says which system does not answer and which setting to look at, in both languages."""
    with pytest.raises(CommandError, match=DOES_NOT_ANSWER):
        await prepare(f"postgresql://ngp@{host}/ngp")


async def test_a_database_that_is_not_there_is_told_likewise(
    postgres: EmbeddedPostgres, prepare: Callable[[str], Awaitable[object]]
) -> None:
    """As is a password that is wrong."""
    wrong = postgres.dsn().replace(postgres.password, "wrong")
    for dsn in (postgres.dsn("nowhere"), wrong):
        with pytest.raises(CommandError, match=DOES_NOT_ANSWER):
            await prepare(dsn)


async def test_a_migration_that_was_edited_is_named(
    postgres: EmbeddedPostgres, prepare: Callable[[str], Awaitable[object]]
) -> None:
    """In both languages, with its file."""
    dsn = await postgres.create_database("edited", template=TEMPLATE)
    connection = await asyncpg.connect(dsn)
    await connection.execute("update migrations set sha256 = 'x' where name like '0001%'")
    await connection.close()
    with pytest.raises(CommandError, match=r"har ändrats / .*edited.*0001_records\.sql"):
        await prepare(dsn)
