"""What every simulator is: a small ASGI program with faults, state on disk, and a clean end."""

import argparse
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import uvicorn

from simulators.faults import ASGI, Faults

Record = dict[str, Any]


class Store:
    """Records by kind and id, each written through to disk, so that a kill loses nothing."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            folder / f"{name}.db", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute(
            "create table if not exists records"
            " (kind text, id text, record text, primary key (kind, id))"
        )

    def all(self, kind: str) -> dict[str, Record]:
        """Return every record of a kind by id, in the order they came."""
        rows = self._connection.execute(
            "select id, record from records where kind = ? order by rowid", (kind,)
        )
        return {row[0]: json.loads(row[1]) for row in rows}

    def put(self, kind: str, record_id: str, record: Record) -> None:
        """Write a record."""
        with self._lock:
            self._connection.execute(
                "insert into records values (?, ?, ?)"
                " on conflict (kind, id) do update set record = excluded.record",
                (kind, record_id, json.dumps(record)),
            )

    def delete(self, kind: str, record_id: str) -> None:
        """Forget a record."""
        with self._lock:
            self._connection.execute(
                "delete from records where kind = ? and id = ?", (kind, record_id)
            )

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._connection.execute("delete from records")


def arguments(description: str) -> argparse.ArgumentParser:
    """Return the options that every simulator takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--token", required=True, help="bearer token of the one client")
    return parser


def server(app: ASGI, host: str, port: int) -> uvicorn.Server:
    """Return a server for an application; it ends within a second of SIGTERM."""
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=1, lifespan="off"
    )
    return uvicorn.Server(config)


def run(app: ASGI, faults: Faults, options: argparse.Namespace) -> None:
    """Serve an application behind its faults until SIGTERM."""
    server(faults.around(app), options.host, options.port).run()
