"""The Temporal server for development and tests: where it comes from and how it is set up.

In this order: the official CLI on PATH, the SDK's own download where it can be reached, else the
real server built once with Go from its module proxy and cached per user.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import yaml
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.processes import Child, ProcessEndedError, free_port, listens, start, wait_until

VERSION = "1.32.2"
GO_TOOLCHAIN = "go1.26.10"
NAMESPACE = "default"
RETENTION = timedelta(days=30)
KINDS = {
    "keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}
TUNED: dict[str, object] = {
    "frontend.WorkflowTimeSkippingEnabled": True,
    "frontend.WorkflowTimeSkippingMaxSkipPerSession": 100_000,
    "history.transferProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxPollRPS": 1000,
    "history.timerProcessorMaxTimeShift": "10ms",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": 2,
    "frontend.namespaceRPS": 20_000,
    "frontend.rps": 20_000,
}
FOR_TESTS: dict[str, object] = {"system.forceSearchAttributesCacheRefreshOnRead": True}


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ngp-onboarding" / f"temporal-server-{VERSION}"


def build_server() -> Path:
    """Return the cached server binary, building it first when it is not there (about 5 minutes)."""
    binary = _cache() / "server"
    binary.parent.mkdir(parents=True, exist_ok=True)
    with (binary.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            _build(binary)
    return binary


def _build(binary: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise RuntimeError(
            "No Temporal server: install the Temporal CLI or Go, or set TEMPORAL_ADDRESS."
        )
    _say(f"Building Temporal server {VERSION} with Go: about five minutes, once per user ...")
    began = time.monotonic()
    target = binary.parent / f"building-{os.getpid()}"
    environment = {**os.environ, "GOBIN": str(target), "GOTOOLCHAIN": GO_TOOLCHAIN}
    done = subprocess.run(  # noqa: S603 - a fixed command
        [go, "install", f"go.temporal.io/server/cmd/server@v{VERSION}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"Temporal server could not be built:\n{done.stderr[-2000:]}")
    (target / "server").rename(binary)
    target.rmdir()
    _say(f"Built in {time.monotonic() - began:.0f} s.")


class TemporalServer:
    """One server for development or tests, on free ports, with its data in a folder."""

    def __init__(self, data_dir: Path, *, port: int = 0, for_tests: bool = False) -> None:
        self._home = data_dir
        self._dynamic = TUNED | (FOR_TESTS if for_tests else {})
        self._child: Child | None = None
        self.port = port or free_port()
        self.source = ""

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"127.0.0.1:{self.port}"

    async def start(self, search_attributes: Mapping[str, str]) -> None:
        """Start the server; returns when the namespace and search attributes can be used."""
        self._home.mkdir(parents=True, exist_ok=True)
        cli = shutil.which("temporal")
        if cli is not None:
            self.source = f"the Temporal CLI at {cli}"
            command = self._cli_command(cli, search_attributes)
        else:
            binary = await asyncio.to_thread(build_server)
            self.source = f"Temporal server {VERSION}, built with Go"
            command = [str(binary), "--config-file", str(self._write_config()), "--allow-no-auth"]
            command.append("start")
        log = self._home / "temporal.log"
        self._child = await start("Temporal", command, log=log)
        await wait_until(lambda: listens(self.port), self._child)
        await self._set_up(search_attributes)

    def _cli_command(self, cli: str, search_attributes: Mapping[str, str]) -> list[str]:
        command = [cli, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--headless", "--db-filename", str(self._home / "temporal.db")]
        for name, value in self._dynamic.items():
            text = f'"{value}"' if isinstance(value, str) else str(value).lower()
            command += ["--dynamic-config-value", f"{name}={text}"]
        for name, kind in search_attributes.items():
            command += ["--search-attribute", f"{name}={kind.capitalize()}"]
        return command

    def _write_config(self) -> Path:
        dynamic = self._home / "dynamic.yaml"
        dynamic.write_text(yaml.safe_dump({k: [{"value": v}] for k, v in self._dynamic.items()}))
        services = {}
        for name in ("frontend", "matching", "history", "worker"):
            port = self.port if name == "frontend" else free_port()
            rpc = {"grpcPort": port, "membershipPort": free_port(), "bindOnLocalHost": True}
            services[name] = {"rpc": rpc}
        config = {
            "log": {"stdout": True, "level": "warn"},
            "persistence": self._persistence(),
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
            "services": services,
            "clusterMetadata": self._cluster(),
            "dcRedirectionPolicy": {"policy": "noop"},
            "publicClient": {"hostPort": self.address},
            "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
        }
        path = self._home / "server.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def _persistence(self) -> dict[str, object]:
        def store(name: str) -> dict[str, object]:
            options = {"cache": "private", "setup": "true", "journal_mode": "wal"}
            return {
                "sql": {
                    "pluginName": "sqlite",
                    "databaseName": str(self._home / f"{name}.db"),
                    "connectAddr": "localhost",
                    "connectProtocol": "tcp",
                    "connectAttributes": options | {"synchronous": "2"},
                }
            }

        return {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": 1,
            "datastores": {"default": store("temporal"), "visibility": store("visibility")},
        }

    def _cluster(self) -> dict[str, object]:
        active = {
            "enabled": True,
            "initialFailoverVersion": 1,
            "rpcName": "frontend",
            "rpcAddress": self.address,
        }
        return {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": active},
        }

    async def _set_up(self, search_attributes: Mapping[str, str]) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                client = await Client.connect(self.address, namespace=NAMESPACE)
                await _register_namespace(client)
                await register_search_attributes(client, search_attributes)
            except (RPCError, RuntimeError) as error:
                if self._child is not None and not self._child.is_running:
                    raise ProcessEndedError(
                        f"Temporal ended:\n{self._child.last_lines()[:2000]}"
                    ) from error
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Temporal is not ready: {error}") from error
                await asyncio.sleep(0.2)
            else:
                return

    async def stop(self) -> None:
        """Stop the server and wait for it."""
        if self._child is not None:
            await self._child.stop()

    async def kill(self) -> None:
        """Kill the server as a crash would."""
        if self._child is not None:
            self._child.process.kill()
            await self._child.process.wait()


async def _register_namespace(client: Client) -> None:
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=NAMESPACE, workflow_execution_retention_period=retention
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))


async def register_search_attributes(client: Client, wanted: Mapping[str, str]) -> None:
    """Register search attributes that are missing, and wait until the server knows them.

    An attribute that is not registered would stop a workflow for ever when it is set.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        name: KINDS[kind] for name, kind in wanted.items() if name not in listed.custom_attributes
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
        raise RuntimeError("search attributes are being registered")
