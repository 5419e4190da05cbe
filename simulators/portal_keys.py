"""The simulated portal's keys: one of each type for an application, their secrets shown once.

A portal lets a key have one secret, which is regenerated, or several (`--multiple-secrets`, or
`POST /_control/secrets {"several": true}`), which are generated and revoked one by one. The other
kind's operations are refused (403).
"""

import secrets
import uuid
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.portal_answers import BASE, body_of, not_found, partial, pending, refusal
from simulators.portal_applications import Applications
from simulators.portal_tokens import LIFETIME_SECONDS, TokenServer
from simulators.program import Record, Store

KEY_MANAGER: Final = "Resident Key Manager"
MASK: Final = "********"


class Keys:
    """The operations on keys."""

    def __init__(
        self, store: Store, applications: Applications, tokens: TokenServer, *, several: bool
    ) -> None:
        self._store = store
        self._applications = applications
        self._tokens = tokens
        self._several = several

    def let_have_several(self, asked: dict[str, Any]) -> None:
        """Let keys have several secrets from now on, or one only."""
        self._several = bool(asked["several"])

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        application = f"{BASE}/applications/{{id}}"
        key = f"{application}/oauth-keys/{{key}}"
        return [
            Route(f"{BASE}/key-managers", self.key_managers, methods=["GET"]),
            Route(f"{application}/generate-keys", self.generate, methods=["POST"]),
            Route(f"{application}/oauth-keys", self.find, methods=["GET"]),
            Route(key, self.read, methods=["GET"]),
            Route(key, self.revoke, methods=["DELETE"]),
            Route(f"{key}/clean-up", self.revoke, methods=["POST"]),
            Route(f"{key}/regenerate-secret", self.regenerate, methods=["POST"]),
            Route(f"{key}/generate-secret", self.add_secret, methods=["POST"]),
            Route(f"{key}/secrets", self.list_secrets, methods=["GET"]),
            Route(f"{key}/revoke-secret", self.revoke_secret, methods=["POST"]),
            Route(f"{key}/generate-token", self.generate_token, methods=["POST"]),
        ]

    async def key_managers(self, request: Request) -> Response:
        """List the one key manager."""
        del request
        manager = {"id": "km-1", "name": KEY_MANAGER, "type": "default", "enabled": True}
        return JSONResponse({"count": 1, "list": [manager]})

    # ---- keys ----------------------------------------------------------------------------

    def _of(self, application_id: str) -> list[Record]:
        self._applications.get(application_id)
        found = self._store.all("key").values()
        return [each for each in found if each["applicationId"] == application_id]

    def _one(self, request: Request) -> Record:
        for each in self._of(request.path_params["id"]):
            if each["keyMappingId"] == request.path_params["key"]:
                return each
        raise not_found()

    async def generate(self, request: Request) -> Response:
        """Generate the keys of an application, once for each type."""
        application = self._applications.get(request.path_params["id"])
        body = await body_of(request, "keyType")
        grants = body.get("grantTypesToBeSupported")
        if body["keyType"] not in {"PRODUCTION", "SANDBOX"} or not isinstance(grants, list):
            raise refusal(400, 900314, "Bad Request: keyType or grantTypesToBeSupported")
        if application["status"] != "APPROVED":
            raise refusal(400, 900967, "The application is not approved")
        application_id = application["applicationId"]
        if any(each["keyType"] == body["keyType"] for each in self._of(application_id)):
            raise refusal(409, 901409, "Keys already generated")
        secret, until = self._new_secret(), pending(request)
        key = {
            "keyMappingId": str(uuid.uuid4()),
            "applicationId": application_id,
            "keyType": body["keyType"],
            "supportedGrantTypes": grants,
            "consumerKey": secrets.token_urlsafe(20),
            "secrets": {str(uuid.uuid4()): secret},
            "status": "APPROVED" if until is None else "CREATED",
            "until": until,
        }
        if partial(request):
            key |= {"consumerKey": None, "secrets": {}}
        self._store.put("key", str(key["keyMappingId"]), key)
        return JSONResponse(_shown(key, secret))

    async def find(self, request: Request) -> Response:
        """List an application's keys, their secrets masked."""
        found = [_shown(each) for each in self._of(request.path_params["id"])]
        return JSONResponse({"count": len(found), "list": found})

    async def read(self, request: Request) -> Response:
        """Read a key, its secret masked."""
        return JSONResponse(_shown(self._one(request)))

    async def revoke(self, request: Request) -> Response:
        """Delete a key, or what a failed generation left; its tokens stop counting."""
        self._applications.get(request.path_params["id"])
        cleaning = request.url.path.endswith("/clean-up")
        if self._store.get("key", request.path_params["key"]) is not None or not cleaning:
            self._store.delete("key", self._one(request)["keyMappingId"])
        return Response(status_code=200)

    # ---- secrets -------------------------------------------------------------------------

    def _new_secret(self) -> str:
        secret = secrets.token_urlsafe(30)
        self._store.put("secret", secret, {})
        return secret

    def _with_secrets(self, request: Request, *, several: bool) -> Record:
        key = self._one(request)
        if self._several and not several:
            raise refusal(403, 900917, "Multiple client secrets are enabled")
        if several and not self._several:
            raise refusal(403, 900918, "Multiple client secrets are not enabled")
        if key["status"] != "APPROVED":
            raise refusal(400, 900967, "The key is not approved")
        return key

    def _keep(self, key: Record, kept: dict[str, str]) -> None:
        self._store.put("key", key["keyMappingId"], {**key, "secrets": kept})

    async def regenerate(self, request: Request) -> Response:
        """Give a key a new secret; the old one stops at once."""
        key, secret = self._with_secrets(request, several=False), self._new_secret()
        self._keep(key, {str(uuid.uuid4()): secret})
        return JSONResponse({"consumerKey": key["consumerKey"], "consumerSecret": secret})

    async def add_secret(self, request: Request) -> Response:
        """Give a key one more secret."""
        key = self._with_secrets(request, several=True)
        secret_id, secret = str(uuid.uuid4()), self._new_secret()
        self._keep(key, {**key["secrets"], secret_id: secret})
        return JSONResponse({"secretId": secret_id, "secretValue": secret}, 201)

    async def list_secrets(self, request: Request) -> Response:
        """List a key's secrets, masked."""
        key = self._with_secrets(request, several=True)
        found = [{"secretId": secret_id, "secretValue": MASK} for secret_id in key["secrets"]]
        return JSONResponse({"count": len(found), "list": found})

    async def revoke_secret(self, request: Request) -> Response:
        """Revoke one secret of a key."""
        key = self._with_secrets(request, several=True)
        secret_id = (await body_of(request, "secretId"))["secretId"]
        if secret_id not in key["secrets"]:
            raise not_found()
        self._keep(
            key, {each: key["secrets"][each] for each in key["secrets"] if each != secret_id}
        )
        return Response(status_code=204)

    async def generate_token(self, request: Request) -> Response:
        """Give a token for a key, to who knows its secret."""
        key, body = self._one(request), await body_of(request, "consumerSecret")
        if body["consumerSecret"] not in key["secrets"].values() or key["status"] != "APPROVED":
            raise refusal(400, 900967, "The secret is not this key's")
        token = self._tokens.issue(key)
        return JSONResponse(
            {"accessToken": token, "tokenScopes": ["default"], "validityTime": LIFETIME_SECONDS}
        )


def _shown(key: Record, secret: str = MASK) -> dict[str, Any]:
    names = ("keyMappingId", "keyType", "supportedGrantTypes")
    shown = {name: key[name] for name in names} | {"keyState": key["status"]}
    shown |= {"keyManager": KEY_MANAGER, "mode": "CREATED"}
    if key["status"] != "APPROVED" or key["consumerKey"] is None:
        return shown
    return shown | {"consumerKey": key["consumerKey"], "consumerSecret": secret}
