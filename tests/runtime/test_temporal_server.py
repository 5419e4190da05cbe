import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from runtime import temporal_source
from runtime.postgres import EmbeddedPostgres
from runtime.processes import free_port
from runtime.temporal_namespace import register_search_attributes
from runtime.temporal_server import OwnCluster, TemporalServer

ATTRIBUTES = {"CaseNumber": "keyword", "DueAt": "datetime"}
NUMBER = SearchAttributeKey.for_keyword("CaseNumber")
DUE = SearchAttributeKey.for_datetime("DueAt")
PROGRAM = """#!/bin/sh
echo "temporal version 1.9.1 (Server {version}, UI 2.50.0)"
"""


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A server of the test's own."""
    started = TemporalServer(tmp_path)
    await started.start(ATTRIBUTES)
    yield started
    await started.stop()


async def _open(server: TemporalServer, workflow_id: str) -> Client:
    """Start a workflow that nobody runs, with its search attributes."""
    client = await Client.connect(server.address)
    pairs = TypedSearchAttributes(
        [
            SearchAttributePair(NUMBER, "NGP 2026/1"),
            SearchAttributePair(DUE, datetime(2026, 12, 1, tzinfo=UTC)),
        ]
    )
    await client.start_workflow(
        "Nothing", id=workflow_id, task_queue="nobody", search_attributes=pairs
    )
    return client


async def test_search_attributes_can_be_set_as_soon_as_it_has_started(
    server: TemporalServer,
) -> None:
    """What `start` registered is seen by every part of the server when it returns."""
    client = await _open(server, "first")

    described = await client.get_workflow_handle("first").describe()

    assert described.typed_search_attributes.get(NUMBER) == "NGP 2026/1"


async def test_the_namespace_keeps_closed_workflows_for_a_month(server: TemporalServer) -> None:
    """Retention is 30 days; what must be kept longer is in our own records."""
    client = await Client.connect(server.address)

    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace="default")
    )

    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30


async def test_open_workflows_survive_a_kill(server: TemporalServer) -> None:
    """After SIGKILL the same folder and port go on with what was open, within seconds."""
    await _open(server, "kept")
    await server.kill()

    await server.start(ATTRIBUTES)

    client = await Client.connect(server.address)
    described = await client.get_workflow_handle("kept").describe()
    assert described.typed_search_attributes.get(NUMBER) == "NGP 2026/1"


async def test_an_attribute_of_another_kind_is_an_error(server: TemporalServer) -> None:
    """A user's own cluster may use our name for something else: it is said, not passed over."""
    client = await Client.connect(server.address)

    with pytest.raises(RuntimeError, match=r"another kind.*DueAt"):
        await register_search_attributes(client, {"CaseNumber": "keyword", "DueAt": "keyword"})


async def test_registering_again_changes_nothing(server: TemporalServer) -> None:
    """Every start registers what is missing, and nothing is."""
    client = await Client.connect(server.address)

    assert await register_search_attributes(client, ATTRIBUTES) == []


@pytest.mark.skipif(not shutil.which("go"), reason="the schema tool is built with Go")
async def test_it_runs_on_postgres(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    """The same server keeps its data in Postgres, and a second start goes on with them."""
    port = free_port()
    for workflow_id in ("before", "after"):
        server = TemporalServer(tmp_path, port=port, postgres_dsn=postgres.dsn())
        await server.start(ATTRIBUTES)
        client = await _open(server, workflow_id)
        await server.stop()
    await server.start(ATTRIBUTES)

    assert (await client.get_workflow_handle("before").describe()).id == "before"
    assert not (tmp_path / "temporal.db").exists()
    await server.stop()


def _put_on_path(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = folder / "temporal"
    program.write_text(PROGRAM.format(version=version), "utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return program


async def test_the_official_cli_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CLI on PATH is taken before anything else, and it is said which."""
    program = _put_on_path(tmp_path, "1.32.0", monkeypatch)

    source = await temporal_source.find_source()

    assert source.kind == "cli"
    assert source.program == program
    assert "temporal version 1.9.1" in source.said


async def test_a_cli_that_cannot_skip_time_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An old CLI would fail every test that waits for days."""
    _put_on_path(tmp_path, "1.29.1", monkeypatch)

    source = await temporal_source.find_source()

    assert source.program.parent != tmp_path
    assert "too old" in capsys.readouterr().err


async def test_without_any_source_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with neither CLI nor download nor Go, the error names the ways out."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(temporal_source, "_downloaded_by_the_sdk", _nothing)

    with pytest.raises(RuntimeError, match="install the Temporal CLI or Go, or set TEMPORAL_ADD"):
        await temporal_source.find_source()


async def _nothing() -> None:
    return None


def test_the_cli_is_told_what_the_server_is_told(tmp_path: Path) -> None:
    """Dynamic configuration and search attributes are the same, whoever serves."""
    server = TemporalServer(tmp_path, for_tests=True)

    command = server._cli_command(Path("temporal"), ATTRIBUTES | {"Tags": "keyword_list"})

    assert "frontend.WorkflowTimeSkippingEnabled=true" in command
    assert 'history.timerProcessorMaxTimeShift="10ms"' in command
    assert "system.forceSearchAttributesCacheRefreshOnRead=true" in command
    assert {"CaseNumber=Keyword", "DueAt=Datetime", "Tags=KeywordList"} < {*command}


def test_data_stay_with_the_kind_of_server_that_wrote_them(tmp_path: Path) -> None:
    """A CLI that is installed later does not open an empty database beside the open cases."""
    (tmp_path / "visibility.db").touch()

    assert TemporalServer(tmp_path)._only() == "server"


def test_the_users_own_cluster_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address or a profile names the cluster; without either there is none."""
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "temporal.toml"))
    (tmp_path / "temporal.toml").write_text(
        '[profile.lab]\naddress = "temporal.lab.example:7233"\nnamespace = "lab"\n', "utf-8"
    )
    assert OwnCluster.if_named() is None

    monkeypatch.setenv("TEMPORAL_PROFILE", "lab")
    cluster = OwnCluster.if_named()

    assert cluster is not None
    assert cluster.address == "temporal.lab.example:7233"
    assert "your own cluster" in cluster.source
    monkeypatch.setenv("TEMPORAL_API_KEY", "k3y")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "temporal.toml")
    assert cluster.environment() == {
        "TEMPORAL_ADDRESS": "temporal.lab.example:7233",
        "TEMPORAL_NAMESPACE": "lab",
        "TEMPORAL_PROFILE": "lab",
        "TEMPORAL_CONFIG_FILE": str(tmp_path / "temporal.toml"),
        "TEMPORAL_API_KEY": "k3y",
    }
