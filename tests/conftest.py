"""What tests of the whole share: Postgres, Temporal and the simulated outside world, once a run."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from records.migrate import migrate
from runtime.postgres import EmbeddedPostgres

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
