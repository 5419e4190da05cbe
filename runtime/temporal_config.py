"""The configuration of the embedded Temporal server, as it was measured to be quick."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
FOR_TESTS: dict[str, object] = {
    "system.forceSearchAttributesCacheRefreshOnRead": True,
    "limit.historyCount.suggestContinueAsNew": 600,  # of 4,096: more than an onboarding takes
}
STORES = {"default": "temporal", "visibility": "temporal_visibility"}
SQLITE_FILES = {"default": "temporal.db", "visibility": "visibility.db"}
Datastores = dict[str, dict[str, Any]]


def sqlite_stores(folder: Path) -> Datastores:
    """Return both stores as SQLite files, which the server makes itself."""
    options = {"cache": "private", "setup": "true", "journal_mode": "wal", "synchronous": "2"}
    return {
        name: {
            "sql": {
                "pluginName": "sqlite",
                "databaseName": str(folder / file),
                "connectAddr": "localhost",
                "connectProtocol": "tcp",
                "connectAttributes": options,
            }
        }
        for name, file in SQLITE_FILES.items()
    }


def postgres_stores(dsn: str) -> Datastores:
    """Return both stores as databases of the Postgres at a DSN."""
    server = urlsplit(dsn)
    return {
        name: {
            "sql": {
                "pluginName": "postgres12",
                "databaseName": database,
                "connectAddr": f"{server.hostname}:{server.port or 5432}",
                "connectProtocol": "tcp",
                "user": server.username,
                "password": server.password,
                "maxConns": 20,
                "maxIdleConns": 20,
            }
        }
        for name, database in STORES.items()
    }


def dynamic_config(values: Mapping[str, object]) -> dict[str, object]:
    """Return values in the form of the server's dynamic configuration file."""
    return {name: [{"value": value}] for name, value in values.items()}


def server_config(
    stores: Datastores, dynamic: Path, ports: Mapping[str, tuple[int, int]]
) -> dict[str, object]:
    """Return the server's configuration.

    Args:
        stores: the stores `default` and `visibility`.
        dynamic: file of the dynamic configuration.
        ports: for each service, the port it answers on and the one it finds the others by.
    """
    address = f"127.0.0.1:{ports['frontend'][0]}"
    services = {
        name: {"rpc": {"grpcPort": grpc, "membershipPort": member, "bindOnLocalHost": True}}
        for name, (grpc, member) in ports.items()
    }
    active = {
        "enabled": True,
        "initialFailoverVersion": 1,
        "rpcName": "frontend",
        "rpcAddress": address,
    }
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "default",
            "visibilityStore": "visibility",
            "numHistoryShards": 1,
            "datastores": stores,
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"}},
        "services": services,
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": active},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "publicClient": {"hostPort": address},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
    }
