"""HTTP for the adapters that still wait for the shared connection."""

from typing import Any

import httpx

from adapters.outside import Busy, NotAllowed, OutsideError, Refused, Unreachable

LIMIT_SECONDS = 20.0


def error_of(system: str, response: httpx.Response) -> OutsideError:
    """Return the error that an answer stands for."""
    status = response.status_code
    said = f"HTTP {status}"
    if status in {401, 403}:
        return NotAllowed(system, said, status=status)
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - server errors
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isdigit() else None
        return Busy(system, said, status=status, retry_after_seconds=seconds)
    return Refused(system, said, status=status)


class Http:
    """A client of one outside system: bearer token, time limit, and errors of our own."""

    def __init__(
        self, system: str, base_url: str, token: str, *, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._system = system
        self.client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=limit_seconds,
            limits=httpx.Limits(keepalive_expiry=2),
        )

    async def send(
        self, method: str, path: str, *, expect: frozenset[int] = frozenset({200, 201}), **what: Any
    ) -> httpx.Response:
        """Send a request and return an expected answer."""
        try:
            response = await self.client.request(method, path, **what)
        except httpx.HTTPError as error:
            raise Unreachable(self._system, type(error).__name__) from error
        if response.status_code in expect:
            return response
        raise error_of(self._system, response)

    def json(self, response: httpx.Response) -> Any:
        """Return the body of an answer."""
        try:
            return response.json()
        except ValueError as error:
            raise Unreachable(self._system, "the answer was cut off") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
