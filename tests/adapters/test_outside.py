"""What goes wrong on the way to any outside system."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from adapters.outside import Busy, Connection, OutsideError, Refused, Unreachable
from tests.adapters.conftest import free_port

Handler = Callable[[httpx.Request], httpx.Response]


async def failure(handler: Handler, **options: Any) -> OutsideError:
    """Return the error that a GET ends with."""
    connection = Connection(
        "portal",
        "http://portal.example",
        "a-secret-token",
        said_in=("message",),
        transport=httpx.MockTransport(handler),
        **options,
    )
    with pytest.raises(OutsideError) as raised:
        connection.read(await connection.send("GET", "/things"), dict[str, int])
    await connection.close()
    return raised.value


async def test_nobody_listens() -> None:
    """A refused connection is unreachable; the error does not tell the address."""
    connection = Connection("portal", f"http://127.0.0.1:{free_port()}", "token", said_in=())

    with pytest.raises(Unreachable) as raised:
        await connection.send("GET", "/?filter=anna@example.se")
    await connection.close()

    assert raised.value.said == "ConnectError"


async def test_a_whole_exchange_has_one_limit() -> None:
    """A server that takes the connection and says nothing is given up after the limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        connection = Connection(
            "portal", f"http://127.0.0.1:{port}", "token", said_in=(), timeout_seconds=0.1
        )
        with pytest.raises(Unreachable):
            await connection.send("GET", "/")
        await connection.close()


async def test_half_a_body() -> None:
    """A body that is no JSON is half an answer: what was asked may have been done."""
    error = await failure(lambda _: httpx.Response(200, text='{"a": 1'))

    assert type(error) is Unreachable


async def test_another_shape() -> None:
    """An answer of another shape is told by its places, never by its values."""
    error = await failure(lambda _: httpx.Response(200, json={"a": "consumer-secret"}))

    assert type(error) is Refused
    assert error.said == "an answer of another shape: a"
    assert error.__cause__ is None


async def test_what_was_said_holds_no_personal_data() -> None:
    """Only the fields that are known to be safe are repeated, without addresses."""
    body = {"message": "anna@example.se is taken", "detail": "Anna Berg"}

    error = await failure(lambda _: httpx.Response(400, json=body))

    assert error.said == "400 … is taken"


async def test_what_was_said_is_left_out_with_a_personal_number() -> None:
    """A message with a personnummer is not repeated at all."""
    body = {"message": "19811228-9874 exists"}

    error = await failure(lambda _: httpx.Response(400, json=body))

    assert error.said == "400 Bad Request"


async def test_what_was_said_is_short() -> None:
    """No more than 300 characters are kept."""
    error = await failure(lambda _: httpx.Response(400, json={"message": "long " * 200}))

    assert len(error.said) == 300


@pytest.mark.parametrize(
    ("header", "seconds"), [("12", 12.0), ("soon", None), ("", None)], ids=["number", "bad", "none"]
)
async def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    """`Retry-After` in seconds is passed on; nonsense is not."""
    error = await failure(lambda _: httpx.Response(429, headers={"Retry-After": header}))

    assert type(error) is Busy
    assert error.retry_after_seconds == seconds


async def test_retry_after_as_a_date() -> None:
    """`Retry-After` may be a date."""
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    error = await failure(lambda _: httpx.Response(503, headers={"Retry-After": until}))

    assert error.retry_after_seconds == pytest.approx(60, abs=2)


async def test_a_redirect_is_no_success() -> None:
    """A redirect, say to a login page, is not followed and not taken for success."""
    error = await failure(lambda _: httpx.Response(302, headers={"Location": "/login"}))

    assert type(error) is Refused
