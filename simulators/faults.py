"""Faults on demand: `POST /_control/faults {match, status|drop|half|hang|pending, times, seconds}`.

`match` is `METHOD /path-pattern` (shell-style) or `*`. `status` answers with it; `drop` does the
work and loses the answer; `half` sends half a body; `hang` answers nothing for `seconds`;
`pending` lets a create be accepted only (202) where the system knows that. `times` is how many
requests it hits; none means until reset. `GET /_control/state` tells what the system holds.
"""

import asyncio
import fnmatch
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Fault:
    """One fault."""

    match: str
    status: int | None = None
    headers: dict[str, str] | None = None
    drop: bool = False
    half: bool = False
    hang: bool = False
    pending: bool = False
    times: int | None = None
    seconds: float = 60

    def hits(self, method: str, path: str) -> bool:
        """Whether it applies to a request."""
        return self.match == "*" or fnmatch.fnmatch(f"{method} {path}", self.match)


class ConnectionLostError(Exception):
    """The connection is closed before, or in the middle of, an answer."""


class Faults:
    """The faults of one simulator, and its control interface."""

    def __init__(self, state: Callable[[], Any], clear: Callable[[], None] = lambda: None) -> None:
        self._state = state
        self._clear = clear
        self._faults: list[Fault] = []
        self.extra: dict[str, Callable[[], Any]] = {}

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits a request, and count it."""
        for fault in self._faults:
            if fault.hits(method, path) and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def around(self, app: ASGI) -> ASGI:
        """Put the faults in front of an application."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            if scope["path"].startswith("/_control/"):
                await self._control(scope, receive, send)
            elif scope["path"] == "/health" and scope["method"] == "GET":
                await answer(send, 200, {"status": "UP"})
            else:
                await self._through(app, scope, receive, send)

        return faulty

    async def _through(self, app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.take(scope["method"], scope["path"])
        scope["fault"] = fault
        if fault is None or fault.pending:
            await app(scope, receive, send)
        elif fault.hang:
            await asyncio.sleep(fault.seconds)
        elif fault.drop:
            await app(scope, receive, _nowhere)
            await _lose(send)
        elif fault.half:
            await app(scope, receive, _half(send))
        else:
            body = {"code": fault.status, "message": "fault", "description": "by the simulator"}
            await answer(send, fault.status or 500, body, fault.headers)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope['method']} {scope['path'].removeprefix('/_control/')}"
        body = await read_body(receive)
        asked = json.loads(body) if body else {}
        if call == "POST faults":
            self._faults.append(Fault(**asked))
            await answer(send, 201, asked)
        elif call == "POST reset":
            self._faults.clear()
            if asked.get("state"):
                self._clear()
            await answer(send, 200, {})
        elif call == "GET state":
            await answer(send, 200, self._state())
        elif call in self.extra:
            await answer(send, 200, self.extra[call]())
        else:
            await answer(send, 404, {})


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def answer(
    send: Send, status: int, body: object, headers: dict[str, str] | None = None
) -> None:
    """Send a JSON answer."""
    sent = {"content-type": "application/json"} | (headers or {})
    encoded = [(name.encode(), value.encode()) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def _lose(send: Send) -> None:
    """Close the connection before the answer is whole: a promised body never comes."""
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    raise ConnectionLostError


async def _nowhere(message: Message) -> None:
    del message


def _half(send: Send) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        body = message.get("body", b"")
        await send(
            {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
        )
        raise ConnectionLostError

    return cut
