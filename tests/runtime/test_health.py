import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from runtime import health as module
from runtime.health import HealthServer

holds: dict[str, bool] = {}


async def _database() -> bool:
    if "database" not in holds:
        raise ConnectionError("refused")
    return holds["database"]


async def _polls() -> bool:
    return True


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A health server with two checks, one of which the test decides."""
    holds.clear()
    server = HealthServer({"database": _database, "polls": _polls})
    yield await server.start(0)
    await server.stop()


async def _get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: health\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), json.loads(body)


async def test_it_is_ready_when_every_check_holds(port: int) -> None:
    """Readiness is 200 and lists what was looked at."""
    holds["database"] = True

    assert await _get(port, "/health/ready") == (
        200,
        {"status": "UP", "checks": {"database": True, "polls": True}},
    )


@pytest.mark.parametrize("how", ["says no", "fails"])
async def test_it_says_which_check_does_not_hold(port: int, how: str) -> None:
    """Readiness is 503 and names it, whether the check said no or broke."""
    if how == "says no":
        holds["database"] = False

    status, body = await _get(port, "/health/ready")

    assert status == 503
    assert body["checks"] == {"database": False, "polls": True}


async def test_a_check_that_hangs_does_not_hold(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness answers all the same, in time for whoever asks."""
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.05)

    async def hangs() -> bool:
        await asyncio.sleep(3600)
        return True

    server = HealthServer({"hangs": hangs})

    assert await server.readiness() == {"hangs": False}


async def test_it_is_alive_whatever_the_checks_say(port: int) -> None:
    """Liveness asks nobody else, so that no outage elsewhere restarts the worker."""
    assert await _get(port, "/health/live") == (200, {"status": "UP"})


async def test_other_paths_are_not_found(port: int) -> None:
    """Nothing else is served, and nonsense breaks nothing."""
    assert (await _get(port, "/metrics"))[0] == 404
    assert (await _get(port, ""))[0] == 404


async def test_who_says_nothing_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that asks nothing is closed, and others are served meanwhile."""
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    assert (await _get(port, "/health/live"))[0] == 200
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_figures_are_served_as_prometheus_reads_them() -> None:
    """What the worker counts is plain text beside the health, umlauts and all."""
    server = HealthServer({}, lambda: "# HELP open öppna\nopen 3.0\n")
    port = await server.start(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await server.stop()

    assert b"text/plain; version=0.0.4" in head
    assert f"content-length: {len(body)}".encode() in head
    assert body.decode() == "# HELP open öppna\nopen 3.0\n"
