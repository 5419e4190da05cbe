"""A Postgres of our own for the records, and a fresh database for each test."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from records.database import connect
from records.keys import FileKeyRing, make_key_file
from records.migrate import migrate
from runtime.postgres import EmbeddedPostgres

TEMPLATE = "records_template"
numbers = count(1)


@pytest_asyncio.fixture(scope="session")
async def records_postgres(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[EmbeddedPostgres]:
    """A server with one migrated database to copy."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("records") / "postgres", durable=False)
    await server.start()
    await migrate(await server.create_database(TEMPLATE))
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def pool(records_postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Pool]:
    """An open pool on a database that nobody else uses."""
    name = f"records_{next(numbers)}"
    opened = await connect(await records_postgres.create_database(name, template=TEMPLATE))
    yield opened
    await opened.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A key ring's file with one key, `k1`."""
    path = tmp_path / "keys.json"
    make_key_file(path)
    return path


@pytest.fixture
def keys(key_file: Path) -> FileKeyRing:
    """A key ring with one key, `k1`."""
    return FileKeyRing(key_file)
