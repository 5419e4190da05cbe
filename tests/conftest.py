"""What all tests share: the world is started once, when the first test asks for it."""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

from records.migrate import migrate
from runtime import processes
from runtime.postgres import EmbeddedPostgres
from runtime.temporal_server import TemporalServer
from tests.world import World, running_world
from workflows.case import SEARCH_ATTRIBUTES

# A run that decides whether work lands must not depend on luck: there, examples are always the
# same ones. Everywhere else they are new in each run, and a seed is printed.
settings.register_profile("same_examples", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same_examples")
    for name in ("SEED", "WALK_SEED"):
        os.environ.setdefault(name, "20261124")

# The files whose tests last longest come first: at the end no processor waits for the other one.
LONGEST = ("system", "workflows", "records")
# A stack that starts again wants its ports again: tests beside each other take none of them.
BESIDE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
AT_ONCE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
processes.PORTS = processes.PORTS[BESIDE::AT_ONCE]
TEMPLATE = "migrated"
numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, each kept together."""
    ranks = {folder: rank for rank, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.parent.name, len(ranks)))


@pytest.fixture(autouse=True, scope="session")
def _own_settings() -> None:
    """Let no settings of the machine reach a test."""
    for name in list(os.environ):
        if name.startswith(("TEMPORAL_", "NGP_")) or name in {"DATABASE_DSN", "KEY_FILE"}:
            del os.environ[name]


@pytest_asyncio.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """Run a Postgres that does not wait for the disk; `migrated` is its database to copy."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    await server.start()
    await migrate(await server.create_database(TEMPLATE))
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A real server, Postgres, the simulated systems, and workers in this process."""
    folder: Path = tmp_path_factory.mktemp("world")
    async with running_world(folder) as started:
        yield started


@pytest.fixture(autouse=True)
async def _say_where_it_hung(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """When a test of the world fails, print its workflows' pending activities and histories."""
    yield
    report = getattr(request.node, "report_of_call", None)
    if report is not None and report.failed and "world" in request.fixturenames:
        started: World = request.getfixturevalue("world")
        print(await started.describe_open())  # noqa: T201 - shown by pytest with the failure


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the report of a test, for the fixture above."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.report_of_call = report  # type: ignore[attr-defined]


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
