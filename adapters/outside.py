"""What goes wrong outside, and the one place that sends an HTTP request.

An adapter raises these errors and nothing else; what they mean for the next attempt is not
decided here.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from domain.personal_numbers import contains_personal_number

T = TypeVar("T")

TIMEOUT_SECONDS: Final = 20.0
PAGE_PAUSE_SECONDS: Final = 0.05
"""Between two pages of a listing: it may be long, and people are served meanwhile."""
KEPT_ALIVE_SECONDS: Final = 2.0
SAID_CHARACTERS_MAX: Final = 300

EMAIL = re.compile(r"\S+@\S+")


class OutsideError(Exception):
    """An outside system did not do what was asked.

    `said` is what the system said, without personal data or secrets; `status` its HTTP or SMTP
    status, and `code` its own error code, where there was one.
    """

    def __init__(
        self,
        system: str,
        said: str,
        *,
        status: int | None = None,
        code: int | str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.system = system
        self.said = said[:SAID_CHARACTERS_MAX]
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{system}: {self.said}")


class Unreachable(OutsideError):
    """No answer, or half of one: what was asked may have been done."""


class Busy(OutsideError):
    """The system cannot do it now (408, 429, 5xx); what was asked may have been done."""


class NotAllowed(OutsideError):
    """The system does not let us (401, 403)."""


class Refused(OutsideError):
    """The system understood and will not (other 4xx), or its answer makes no sense to us."""


class NotFound(Refused):
    """There is no such thing (404)."""


class Conflict(Refused):
    """Something is in the way (409)."""


class Foreign(Refused):
    """Something with our name exists that does not carry our key: a person must look."""


class Connection:
    """One outside system over HTTP, with bearer token.

    Args:
        system: its name in errors.
        base_url: what paths are added to.
        token: bearer token.
        said_in: the fields of an error body that never hold personal data.
        headers: sent with every request.
        timeout_seconds: for a whole exchange, from connecting to the end of the answer.
        transport: another one than the network, or one around it.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        token: str,
        *,
        said_in: tuple[str, ...],
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.system = system
        self._said_in = said_in
        self._timeout_seconds = timeout_seconds
        self.client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            timeout=timeout_seconds,
            # Let go of a connection before the servers do (uvicorn: 5 s): one that the server
            # is just closing fails the next request.
            limits=httpx.Limits(keepalive_expiry=KEPT_ALIVE_SECONDS),
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request and return its answer, whole and of a 2xx status.

        Raises:
            Unreachable: timeout, refused or lost connection, half a body.
            Busy: 408, 429, 5xx.
            NotAllowed: 401, 403.
            NotFound: 404.
            Conflict: 409.
            Refused: any other status.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self.client.request(method, path, **request)
        except TimeoutError as error:
            raise Unreachable(self.system, f"no answer in {self._timeout_seconds:g} s") from error
        except httpx.TransportError as error:
            # Its own text may hold an address with a query.
            raise Unreachable(self.system, type(error).__name__) from error
        if answer.is_success:
            return answer
        raise self._error(answer)

    def read(self, answer: httpx.Response, shape: type[T]) -> T:
        """Return the body of an answer in a shape.

        Raises:
            Unreachable: it is no JSON, so not the whole body.
            Refused: it is of another shape.
        """
        try:
            body = json.loads(answer.content)
        except ValueError:
            # `from None` here and below: the cause holds the body, which may hold a secret.
            raise Unreachable(self.system, "half an answer", status=answer.status_code) from None
        try:
            return TypeAdapter(shape).validate_python(body)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            said = f"an answer of another shape: {places}"
            raise Refused(self.system, said, status=answer.status_code) from None

    def _error(self, answer: httpx.Response) -> OutsideError:
        status = answer.status_code
        body = _body(answer)
        words = [str(body[name]) for name in self._said_in if body.get(name)]
        said = without_personal_data(" ".join(dict.fromkeys(words)))
        code = body.get("code")
        return _kind_of(status)(
            self.system,
            f"{status} {said or answer.reason_phrase}".strip(),
            status=status,
            code=code if isinstance(code, int | str) else None,
            retry_after_seconds=_retry_after_seconds(answer),
        )


def without_personal_data(said: str) -> str:
    """Return what a system said, on one line, unless it names a person by number; no addresses."""
    line = EMAIL.sub("…", " ".join(said.split()))
    return "" if contains_personal_number(line) else line


def _kind_of(status: int) -> type[OutsideError]:
    known: dict[int, type[OutsideError]] = {
        401: NotAllowed,
        403: NotAllowed,
        404: NotFound,
        408: Busy,
        409: Conflict,
        429: Busy,
    }
    return known.get(status) or (Busy if status >= httpx.codes.INTERNAL_SERVER_ERROR else Refused)


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after_seconds(answer: httpx.Response) -> float | None:
    """Read `Retry-After`: seconds or a date (RFC 9110 § 10.2.3)."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
