"""What tests of the whole share: Postgres, Temporal and the simulated outside world, once a run."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from records.migrate import migrate
from runtime.postgres import EmbeddedPostgres
from runtime.temporal_server import TemporalServer
from workflows.case import SEARCH_ATTRIBUTES

TEMPLATE = "migrated"
numbers = count(1)


@pytest_asyncio.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """Run a Postgres that does not wait for the disk; `migrated` is its database to copy."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    await server.start()
    await migrate(await server.create_database(TEMPLATE))
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module")
async def database(postgres: EmbeddedPostgres) -> str:
    """Return how to connect to a fresh, migrated database of the module's own."""
    return await postgres.create_database(f"module_{next(numbers)}", template=TEMPLATE)


@pytest_asyncio.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """Run a Temporal server that skips time."""
    server = TemporalServer(tmp_path_factory.mktemp("temporal"), for_tests=True)
    await server.start(SEARCH_ATTRIBUTES)
    yield server
    await server.stop()
