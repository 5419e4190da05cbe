"""Faults on demand, shown on the agreement register; control itself on nothing at all."""

import time
from typing import Any

import httpx
import pytest

from simulators.faults import Faults
from tests.simulators.conftest import Program
from tests.simulators.test_programs import AGREEMENT


def put(server: Program) -> httpx.Response:
    """Register an agreement."""
    return server.http.put("/agreements/1", json=AGREEMENT)


def test_a_status(register_server: Program) -> None:
    """A request is answered with a status, headers and a body, as often as was asked."""
    fault = {"status": 503, "headers": {"Retry-After": "7"}, "body": {"why": "asked for"}}
    register_server.fault("PUT /agreements/*", times=2, **fault)

    first, second, third = (put(register_server) for _ in range(3))

    assert [each.status_code for each in (first, second, third)] == [503, 503, 201]
    assert (first.headers["Retry-After"], first.json()) == ("7", {"why": "asked for"})


@pytest.mark.parametrize("fault", ["drop", "half"])
def test_a_lost_answer(register_server: Program, fault: str) -> None:
    """The work is done and the answer lost."""
    register_server.fault("PUT /agreements/*", **{fault: True})

    with pytest.raises(httpx.RemoteProtocolError):
        put(register_server)

    assert [each["key"] for each in register_server.state()] == ["1"]
    assert put(register_server).status_code == 200


def test_nothing_comes_of_a_dropped_answer(register_server: Program) -> None:
    """Not even a status line arrives: no client can take it for success."""
    register_server.fault("PUT /agreements/*", drop=True)

    with (
        pytest.raises(httpx.RemoteProtocolError, match="without sending a response"),
        register_server.http.stream("PUT", "/agreements/1", json=AGREEMENT),
    ):
        pass


def test_silence(register_server: Program) -> None:
    """Nothing is done nor answered for a while, then the connection closes."""
    register_server.fault("PUT /agreements/*", hang=True, seconds=0.3)
    started = time.monotonic()

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        put(register_server)

    assert time.monotonic() - started >= 0.3
    assert register_server.state() == []


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ("*", True),
        ("PUT /agreements/1", True),
        ("PUT *", True),
        ("* /agreements/*", True),
        ("PUT /agreements", False),
        ("GET /agreements/1", False),
    ],
)
def test_what_a_match_hits(register_server: Program, match: str, *, hits: bool) -> None:
    """`*` stands for anything; without one a match is method and whole path."""
    register_server.fault(match, status=500)

    assert put(register_server).status_code == (500 if hits else 201)


@pytest.mark.parametrize("times", [{}, {"times": 0}])
@pytest.mark.parametrize(("method", "path"), [("DELETE", "faults"), ("POST", "reset")])
def test_until_cleared(
    register_server: Program, times: dict[str, int], method: str, path: str
) -> None:
    """Without a number, or with 0, a fault lasts until faults are cleared; the data stays."""
    put(register_server)
    fault = {"match": "*", "status": 500, **times}
    register_server.http.post("/_control/faults", json=fault).raise_for_status()
    assert [put(register_server).status_code for _ in range(3)] == [500] * 3

    register_server.http.request(method, f"/_control/{path}").raise_for_status()

    assert put(register_server).status_code == 200


def test_several_faults(register_server: Program) -> None:
    """Of several faults the first that matches hits, and is used up before the next."""
    register_server.fault("PUT *", status=503)
    register_server.fault("*", status=429)

    assert [put(register_server).status_code for _ in range(3)] == [503, 429, 201]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"match": "*"},
        {"status": 500},
        {"match": 1, "status": 500},
        {"match": "*", "status": 500, "drop": True},
        {"match": "*", "explode": True},
        [],
        "x",
    ],
)
def test_a_fault_that_makes_no_sense(register_server: Program, fault: object) -> None:
    """A fault that could not happen is refused, so that no test waits for it in vain."""
    assert register_server.http.post("/_control/faults", json=fault).status_code == 400
    assert put(register_server).status_code == 201


def test_no_such_control(register_server: Program) -> None:
    """A control call that is not there says which are."""
    answer = register_server.http.get("/_control/nothing")

    assert answer.status_code == 404
    assert "POST faults" in answer.json()["error"]


async def test_control_from_another_machine() -> None:
    """Control is refused to another machine, whatever address a simulator listens on."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/_control/state", "client": ("10.0.0.7", 1)}
    control = Faults(lambda: "secret", lambda: None).around(None)  # type: ignore[arg-type]
    await control(scope, receive, send)

    assert sent[0]["status"] == 403
    assert b"secret" not in sent[1]["body"]
