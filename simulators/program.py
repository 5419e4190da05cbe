"""What every simulator is: a small ASGI program with faults, state on disk, and a clean end."""

import argparse
import asyncio
import json
import signal
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulators.faults import ASGI, Faults, Receive, Scope, Send

Record = Mapping[str, Any]

# Requests still under way after this are cut off: a simulator ends within a second.
LAST_ANSWERS_SECONDS = 0.3


class Store:
    """Records by kind and id, each written through to disk, so that a kill loses nothing.

    What is read is never changed in place: a changed record is `put`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(folder / f"{name}.db", isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute(
            "create table if not exists records"
            " (kind text, id text, record text, primary key (kind, id))"
        )
        self._records: dict[str, dict[str, Record]] = {}
        rows = self._connection.execute("select kind, id, record from records order by rowid")
        for kind, record_id, record in rows:
            self._records.setdefault(kind, {})[record_id] = json.loads(record)

    def all(self, kind: str) -> dict[str, Record]:
        """Return every record of a kind by id, in the order they came."""
        return dict(self._records.get(kind, {}))

    def get(self, kind: str, record_id: str) -> Record | None:
        """Return one record."""
        return self._records.get(kind, {}).get(record_id)

    def put(self, kind: str, record_id: str, record: Record) -> None:
        """Write a record."""
        self._connection.execute(
            "insert into records values (?, ?, ?)"
            " on conflict (kind, id) do update set record = excluded.record",
            (kind, record_id, json.dumps(record)),
        )
        self._records.setdefault(kind, {})[record_id] = record

    def delete(self, kind: str, record_id: str) -> None:
        """Forget a record."""
        self._connection.execute("delete from records where kind = ? and id = ?", (kind, record_id))
        self._records.get(kind, {}).pop(record_id, None)

    def clear(self) -> None:
        """Forget everything."""
        self._connection.execute("delete from records")
        self._records.clear()


class Refused(Exception):
    """A request gets this answer instead of what it asked for."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def application(routes: list[Route]) -> Starlette:
    """Return an application whose operations may raise `Refused`."""

    def refused(request: Request, error: Exception) -> Response:
        del request
        return cast("Refused", error).answer

    return Starlette(routes=routes, exception_handlers={Refused: refused})


async def json_of(request: Request, otherwise: Response) -> Any:
    """Return the JSON body of a request; `otherwise` is the answer when it is none."""
    try:
        return await request.json()
    except ValueError:
        raise Refused(otherwise) from None


def arguments(description: str) -> argparse.ArgumentParser:
    """Return the options that every simulator takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--token", required=True, help="bearer token of the one client")
    return parser


class _Protocol(H11Protocol):
    """HTTP/1.1 whose connection an application can close: `scope["close"]()`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        app = cast("ASGI", self.app)

        async def closable(scope: Scope, receive: Receive, send: Send) -> None:
            scope["close"] = self.transport.close
            await app(scope, receive, send)

        self.app = cast("Any", closable)


async def serve(app: ASGI, host: str, port: int) -> None:
    """Serve an application until SIGTERM or Ctrl-C, then return."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises what ended it once more, for whoever was there before it: nobody.
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        cast("Any", app),
        host=host,
        port=port,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=cast("int", LAST_ANSWERS_SECONDS),
    )
    await uvicorn.Server(config).serve()


def run(app: ASGI, faults: Faults, options: argparse.Namespace) -> None:
    """Serve an application behind its faults until SIGTERM."""
    asyncio.run(serve(faults.around(app), options.host, options.port))
