"""The simulated portal's OAuth2 server: `client_credentials` tokens for the keys it has issued."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulators.program import Record, Store

LIFETIME_SECONDS = 3600


class Key(ClientMixin):  # type: ignore[misc]
    """One issued key as an OAuth2 client."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def get_client_id(self) -> str:
        """Return the consumer key."""
        return str(self.record["consumerKey"])

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether a secret is one that counts."""
        return client_secret in self.record["secrets"].values()

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Only HTTP Basic, only at the token endpoint."""
        return method == "client_secret_basic" and endpoint == "token"

    def check_grant_type(self, grant_type: str) -> bool:
        """Only `client_credentials`."""
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str) -> str:
        """No scopes are used."""
        del scope
        return ""


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, method: str, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, "https://portal.example/oauth2/token", headers=headers)
        self._form = form
        self.payload = BasicOAuth2Payload(form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self._form


class TokenServer(AuthorizationServer):  # type: ignore[misc]
    """Issues tokens for keys, and knows which tokens still count."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.register_grant(grants.ClientCredentialsGrant)
        self.register_token_generator("default", _new_token)

    def routes(self) -> list[Route]:
        """Return where the server is served."""
        return [Route("/oauth2/token", self.token, methods=["POST"])]

    def query_client(self, client_id: str) -> Key | None:
        """Find a living key."""
        for record in self._store.all("key").values():
            if record["consumerKey"] == client_id and record["status"] == "APPROVED":
                return Key(record)
        return None

    def issue(self, key: Record) -> str:
        """Issue a token for a key without more ado."""
        token = _new_token()
        self._remember(token, key["consumerKey"])
        return str(token["access_token"])

    def _remember(self, token: dict[str, Any], consumer_key: str) -> None:
        record = {"consumerKey": consumer_key, "expires": time.time() + LIFETIME_SECONDS}
        self._store.put("token", token["access_token"], record)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Remember a token and whose it is."""
        self._remember(token, request.client.get_client_id())

    def create_oauth2_request(self, request: _Request) -> _Request:
        """Take the request as it is."""
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """No signals are used."""

    def handle_response(
        self, status: int, body: dict[str, Any], headers: list[tuple[str, str]]
    ) -> JSONResponse:
        """Answer in JSON."""
        return JSONResponse(body, status, dict(headers))

    async def token(self, request: Request) -> JSONResponse:
        """Answer `POST /oauth2/token`."""
        form = dict(parse_qsl((await request.body()).decode()))
        headers = {name.title(): value for name, value in request.headers.items()}
        answer: JSONResponse = self.create_token_response(_Request("POST", form, headers))
        return answer

    def key_of(self, access_token: str) -> Record | None:
        """Return the living key behind a token; a revoked key's tokens no longer count."""
        token = self._store.get("token", access_token)
        if token is None or token["expires"] < time.time():
            return None
        key = self.query_client(token["consumerKey"])
        return key.record if key else None


def _new_token(**_: object) -> dict[str, Any]:
    access_token = secrets.token_urlsafe(24)
    return {"token_type": "Bearer", "access_token": access_token, "expires_in": LIFETIME_SECONDS}
