"""Faults on demand: `POST /_control/faults {match, status|drop|half|hang|pending|partial, times}`.

`match` is `METHOD /path`, where `*` stands for anything, or `*` alone; without a `*` it is the
whole path. One of these happens to a request that it hits:

- `status`: it is answered with, and with `headers` and `body` where given; nothing is done;
- `drop`: the work is done, the answer lost: the connection closes without a byte;
- `half`: the work is done, and the connection closes in the middle of the body;
- `hang`: nothing is done or answered for `seconds` (60), then the connection closes;
- `pending`: what a portal's people approve first is accepted only (202, or 201 by `status`),
  until `seconds` have passed or, without them, until `POST /_control/release`;
- `partial`: a portal generates a key half-way: it is listed, but has no consumer key.

`times` is how many requests it hits; 0 or none means until the reset. `DELETE /_control/faults`
and `POST /_control/reset` clear all faults, the latter with `{"state": true}` all data too.
`GET /_control/state` tells what the system holds. Control is for the same machine only.
"""

import asyncio
import contextlib
import fnmatch
import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
Control = Callable[[dict[str, Any]], Any]

HANG_SECONDS = 60


@dataclass
class Fault:
    """One fault.

    Raises:
        ValueError: it says nothing that could happen.
    """

    match: str
    status: int | None = None
    headers: dict[str, str] | None = None
    body: Any = None
    drop: bool = False
    half: bool = False
    hang: bool = False
    pending: bool = False
    partial: bool = False
    times: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        self.times = self.times or None
        answered = self.pending or self.status is not None
        happens = [self.drop, self.half, self.hang, self.partial, answered]
        if sum(map(bool, happens)) != 1 or not isinstance(self.match, str):
            raise ValueError("match, and one of status, drop, half, hang, pending, partial")

    def hits(self, method: str, path: str) -> bool:
        """Whether it applies to a request."""
        return self.match == "*" or fnmatch.fnmatchcase(f"{method} {path}", self.match)


class Faults:
    """The faults of one simulator, and its control interface."""

    def __init__(self, state: Callable[[], Any], clear: Callable[[], None]) -> None:
        self._faults: list[Fault] = []
        self._clear = clear
        self.controls: dict[str, Control] = {
            "POST faults": self._set,
            "DELETE faults": lambda _: self._faults.clear(),
            "POST reset": self._reset,
            "GET state": lambda _: state(),
        }

    def _set(self, asked: dict[str, Any]) -> dict[str, Any]:
        self._faults.append(Fault(**asked))
        return asked

    def _reset(self, asked: dict[str, Any]) -> None:
        self._faults.clear()
        if asked.get("state"):
            self._clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits a request, and count it."""
        for fault in self._faults:
            if fault.hits(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._faults.remove(fault)
                return fault
        return None

    def around(self, app: ASGI, *, reliable: bool = False) -> ASGI:
        """Put faults and control in front of an application; only control when `reliable`."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith("/_control/"):
                await self._control(scope, receive, send)
            elif scope["path"] == "/health" and scope["method"] == "GET":
                await answer(send, 200, {"status": "UP"})
            elif reliable:
                await app(scope, receive, send)
            else:
                await self._through(app, scope, receive, send)

        return faulty

    async def _through(self, app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.take(scope["method"], scope["path"])
        scope["fault"] = fault
        if fault is None or fault.pending or fault.partial:
            await app(scope, receive, send)
        elif fault.status is not None:
            said = {"code": fault.status, "message": "fault", "description": "by the simulator"}
            body = said if fault.body is None else fault.body
            await answer(send, fault.status, body, fault.headers)
        else:
            try:
                await _lose(fault, app, scope, receive, send)
            finally:
                scope["close"]()
            await _gone(receive)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope['method']} {scope['path'].removeprefix('/_control/')}"
        if not ipaddress.ip_address(scope["client"][0]).is_loopback:
            await answer(send, 403, {"error": "control is for the same machine only"})
        elif call not in self.controls:
            await answer(send, 404, {"error": f"one of {', '.join(self.controls)}"})
        else:
            try:
                body = await read_body(receive)
                said = self.controls[call](json.loads(body) if body else {})
            except (ValueError, TypeError, AttributeError) as error:
                await answer(send, 400, {"error": str(error)})
            else:
                await answer(send, 200, said if said is not None else {})


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
    content = json.dumps(body).encode()
    sent = {"content-type": "application/json", "content-length": str(len(content))}
    encoded = [(name.encode(), value.encode()) for name, value in (sent | (headers or {})).items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})


async def _lose(fault: Fault, app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.drop:
        await app(scope, receive, _nowhere)
    elif fault.half:
        await app(scope, receive, _half(send))
    else:
        seconds = HANG_SECONDS if fault.seconds is None else fault.seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_gone(receive), seconds)


async def _gone(receive: Receive) -> None:
    """Wait until the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _nowhere(message: Message) -> None:
    del message


def _half(send: Send) -> Send:
    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return cut
