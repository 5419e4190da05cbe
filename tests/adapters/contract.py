"""Holds every call of an httpx client, request and answer, to a published OpenAPI contract."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

CONTRACTS = Path(__file__).parents[2] / "contracts"
BEARER = {"type": "http", "scheme": "bearer"}
HOST = "http://contract.example"

# WSO2's contract leaves these out: refusals of any interface, and 409 for a second key or
# subscription (read in its source).
NOT_DESCRIBED = {401, 403, 409, 429, 500, 503}


class Contract:
    """One contract."""

    def __init__(self, name: str, *, base_path: str = "") -> None:
        spec = plain(yaml.safe_load((CONTRACTS / name).read_text("utf-8")))
        spec["servers"] = [{"url": f"{HOST}{base_path}"}]
        # The checker knows no OAuth2; what it asks for on the wire is a bearer token.
        schemes = spec["components"].get("securitySchemes", {})
        spec["components"]["securitySchemes"] = dict.fromkeys(schemes, BEARER)
        self._openapi = OpenAPI.from_dict(spec)
        self.calls = 0

    def watch(self, client: httpx.AsyncClient) -> None:
        """Check every call of a client from now on."""
        client.event_hooks = {"response": [self._check]}

    async def _check(self, answer: httpx.Response) -> None:
        await answer.aread()
        sent = answer.request
        request = MockRequest(
            HOST,
            sent.method.lower(),
            sent.url.raw_path.decode().partition("?")[0],
            args=dict(sent.url.params),
            headers=dict(sent.headers),
            data=sent.content or None,
            content_type=sent.headers.get("content-type", ""),
        )
        self._openapi.validate_request(request)
        self.calls += 1
        if answer.status_code not in NOT_DESCRIBED:
            kind = answer.headers.get("content-type", "application/json")
            response = MockResponse(
                data=answer.content, status_code=answer.status_code, content_type=kind
            )
            self._openapi.validate_response(request, response)


def plain(node: Any) -> Any:
    """Return a contract as the checker reads it.

    Without extensions, which point at files that are not published, and without a `content` that
    is empty, which the checker takes for one that must not be; status codes and times as text,
    which YAML takes for numbers and dates.
    """
    if isinstance(node, dict):
        named = [(str(key), value) for key, value in node.items()]
        return {
            key: plain(value)
            for key, value in named
            if not key.startswith("x-") and (key, value) != ("content", {})
        }
    if isinstance(node, list):
        return [plain(each) for each in node]
    return node.isoformat() if isinstance(node, date | datetime) else node
