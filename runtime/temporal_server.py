"""The Temporal server of a stack: the user's own cluster, or one that is started for it."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from runtime.processes import (
    Child,
    ProcessEndedError,
    free_port,
    is_free,
    listens,
    start,
    wait_until,
)
from runtime.temporal_config import (
    FOR_TESTS,
    TUNED,
    Datastores,
    dynamic_config,
    postgres_stores,
    server_config,
    sqlite_stores,
)
from runtime.temporal_namespace import (
    register_namespace,
    register_search_attributes,
    wait_until_usable,
)
from runtime.temporal_schema import prepare_databases
from runtime.temporal_source import Kind, Source, find_source

NAMESPACE = "default"
SET_UP_SECONDS = 60.0
SERVICES = ("frontend", "matching", "history", "worker")
CLI_KINDS = {"keyword_list": "KeywordList"}


class Temporal(Protocol):
    """What a stack needs of a server, whoever runs it."""

    source: str

    @property
    def address(self) -> str:
        """Where clients reach it."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the variables by which a client finds it."""
        ...

    async def start(self, search_attributes: Mapping[str, str]) -> None:
        """Return when a workflow can be started and can set the search attributes."""
        ...

    async def stop(self) -> None:
        """Stop what `start` started."""
        ...

    async def kill(self) -> None:
        """Kill what `start` started, as a crash would."""
        ...


class OwnCluster:
    """The user's own cluster, as `TEMPORAL_*` or a profile in `temporal.toml` names it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self.source = f"your own cluster at {self.address}"

    @classmethod
    def if_named(cls) -> "OwnCluster | None":
        """Return the cluster that the environment names, if it names one."""
        config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
        return cls(config) if config.get("target_host") else None

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return str(self._config["target_host"])

    def environment(self) -> dict[str, str]:
        """Return the variables by which a client finds it, from whatever terminal and folder."""
        given = {
            name: str(Path(value).absolute()) if name.endswith(("_FILE", "_PATH")) else value
            for name, value in os.environ.items()
            if name.startswith("TEMPORAL_")
        }
        namespace = str(self._config.get("namespace", NAMESPACE))
        return given | {"TEMPORAL_ADDRESS": self.address, "TEMPORAL_NAMESPACE": namespace}

    async def start(self, search_attributes: Mapping[str, str]) -> None:
        """Register the search attributes that it lacks; its namespace is the user's to make."""
        client = await Client.connect(**self._config)
        if await register_search_attributes(client, search_attributes):
            await wait_until_usable(client, search_attributes)

    async def stop(self) -> None:
        """Leave it running."""

    async def kill(self) -> None:
        """Leave it running."""


class TemporalServer:
    """A server of the stack's own, with its data in a folder or in Postgres."""

    def __init__(
        self, data_dir: Path, *, port: int = 0, for_tests: bool = False, postgres_dsn: str = ""
    ) -> None:
        self._home = data_dir
        self._dynamic = TUNED | (FOR_TESTS if for_tests else {})
        self.postgres_dsn = postgres_dsn
        self._child: Child | None = None
        self.port = port or free_port()
        self.source = ""

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables by which a client finds it, whatever the user's profile says."""
        return {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "TEMPORAL_CONFIG_FILE": os.devnull,
        }

    @property
    def child(self) -> Child:
        """The running program."""
        assert self._child is not None
        return self._child

    async def start(self, search_attributes: Mapping[str, str]) -> None:
        """Start the server; returns when the namespace and search attributes can be used.

        Raises:
            ProcessEndedError: it could not start; says why.
            RuntimeError: there is no server to start, or it was not ready in time.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        source = await find_source(self._only())
        self.source = source.said
        command = await self._command(source, search_attributes)
        self._child = await start("Temporal", command, log=self._home / "temporal.log")
        try:
            await wait_until(lambda: listens(self.port), self._child)
            await self._set_up(search_attributes)
        except BaseException:
            await self.kill()
            raise

    def _only(self) -> Kind | None:
        if self.postgres_dsn or (self._home / "visibility.db").exists():
            return "server"
        return "cli" if (self._home / "cli.db").exists() else None

    async def _command(self, source: Source, search_attributes: Mapping[str, str]) -> list[str]:
        if source.kind == "cli":
            return self._cli_command(source.program, search_attributes)
        stores = sqlite_stores(self._home)
        if self.postgres_dsn:
            await prepare_databases(self.postgres_dsn, self._home / "schema.log")
            stores = postgres_stores(self.postgres_dsn)
        config = self._write_config(stores)
        return [str(source.program), "--config-file", str(config), "--allow-no-auth", "start"]

    def _cli_command(self, program: Path, search_attributes: Mapping[str, str]) -> list[str]:
        command = [str(program), "server", "start-dev", "--ip", "127.0.0.1", "--headless"]
        command += ["--port", str(self.port), "--namespace", NAMESPACE, "--log-level", "warn"]
        command += ["--db-filename", str(self._home / "cli.db")]
        for name, value in self._dynamic.items():
            text = f'"{value}"' if isinstance(value, str) else str(value).lower()
            command += ["--dynamic-config-value", f"{name}={text}"]
        for name, kind in search_attributes.items():
            command += ["--search-attribute", f"{name}={CLI_KINDS.get(kind, kind.capitalize())}"]
        return command

    def _write_config(self, stores: Datastores) -> Path:
        dynamic = self._home / "dynamic.yaml"
        dynamic.write_text(yaml.safe_dump(dynamic_config(self._dynamic)), "utf-8")
        ports = self._ports()
        path = self._home / "server.yaml"
        path.touch(mode=0o600)  # it may name a password
        path.write_text(yaml.safe_dump(server_config(stores, dynamic, ports)), "utf-8")
        return path

    def _ports(self) -> dict[str, tuple[int, int]]:
        """Return the ports its services find each other by: those of the last start, if free.

        Else the server takes its former self for a lost member, and waits 40 s for it.
        """
        path = self._home / "ports.json"
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if not all(map(is_free, known.values())) or not known:
            known = {
                f"{name} {use}": free_port() for name in SERVICES for use in ("grpc", "member")
            }
            path.write_text(json.dumps(known), "utf-8")
        ports = {name: (known[f"{name} grpc"], known[f"{name} member"]) for name in SERVICES}
        return ports | {"frontend": (self.port, ports["frontend"][1])}

    async def _set_up(self, search_attributes: Mapping[str, str]) -> None:
        deadline = asyncio.get_running_loop().time() + SET_UP_SECONDS
        while True:
            try:
                client = await Client.connect(self.address, namespace=NAMESPACE)
                await register_namespace(client)
                await register_search_attributes(client, search_attributes)
                await wait_until_usable(client, search_attributes)
            except (RPCError, RuntimeError) as error:
                if not self.child.is_running:
                    said = self.child.last_lines()
                    raise ProcessEndedError(f"Temporal ended:\n{said}") from error
                if asyncio.get_running_loop().time() > deadline:
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
            await self._child.kill()
