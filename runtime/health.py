"""Liveness, readiness and figures over HTTP: ready only when every check says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

Check = Callable[[], Awaitable[bool]]
CHECK_SECONDS = 5.0
REQUEST_SECONDS = 5.0
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def _holds(check: Check) -> bool:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except Exception:  # noqa: BLE001 - whatever went wrong, it is not ready
        return False


class HealthServer:
    """Answers `GET /health/live`, `GET /health/ready` and, when there are any, `GET /metrics`.

    `metrics` returns figures in the text format of Prometheus.
    """

    def __init__(
        self, checks: Mapping[str, Check], metrics: Callable[[], str] | None = None
    ) -> None:
        self._checks = checks
        self._metrics = metrics
        self._server: asyncio.Server | None = None

    async def readiness(self) -> dict[str, bool]:
        """Return what holds, by the name of the check."""
        held = await asyncio.gather(*(_holds(check) for check in self._checks.values()))
        return dict(zip(self._checks, held, strict=True))

    async def start(self, port: int, host: str = "127.0.0.1") -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._answer, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await asyncio.wait_for(reader.readline(), REQUEST_SECONDS)
            line = asked.decode("ascii", "replace").split()
            path = line[1] if len(line) > 1 else ""
            status, kind, text = await self._reply(path)
            content = text.encode()
            head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nconnection: close\r\n"
            writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # whoever asked is gone, silent, or says too much
        finally:
            writer.close()

    async def _reply(self, path: str) -> tuple[str, str, str]:
        if path == "/metrics" and self._metrics is not None:
            return "200 OK", PROMETHEUS, self._metrics()
        status, body = await self._health(path)
        return status, "application/json", json.dumps(body)

    async def _health(self, path: str) -> tuple[str, dict[str, object]]:
        if path == "/health/live":
            return "200 OK", {"status": "UP"}
        if path == "/health/ready":
            held = await self.readiness()
            up = all(held.values())
            status = "200 OK" if up else "503 Service Unavailable"
            return status, {"status": "UP" if up else "DOWN", "checks": held}
        return "404 Not Found", {}
