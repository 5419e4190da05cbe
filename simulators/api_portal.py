"""One API portal: the part of the WSO2 Developer Portal v3 interface that the engine uses.

With its surprises: the search for applications is LIKE, repeated subscriptions and keys answer
409 (which the published contract does not say), creation may be pending (202), and a secret is
shown once. Its keys are real OAuth2 clients; behind it lies the producer's interface.
"""

import hashlib
import secrets
import time
import uuid
from collections import Counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.faults import ASGI, Fault, Faults, Receive, Scope, Send, answer
from simulators.portal_deliveries import Deliveries
from simulators.portal_keys import TokenServer
from simulators.program import Record, Store, arguments, run

BASE = "/api/am/devportal/v3"
APIS = ("NGP Uppdatering", "NGP Uppladdning", "NGP Sökning")
KEY_MANAGER = "Resident Key Manager"


def _error(status: int, code: int, message: str) -> JSONResponse:
    body = {"code": code, "message": message, "description": message, "moreInfo": "", "error": []}
    return JSONResponse(body, status)


def _not_found() -> JSONResponse:
    return _error(404, 404, "Not Found")


class Portal:
    """The portal's operations over its records."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.issued: list[str] = [*store.all("secret")]

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        application = f"{BASE}/applications/{{id}}"
        key = f"{application}/oauth-keys/{{key}}"
        subscriptions = f"{BASE}/subscriptions"
        return [
            Route(f"{BASE}/apis", self.apis, methods=["GET"]),
            Route(f"{BASE}/key-managers", self.key_managers, methods=["GET"]),
            Route(f"{BASE}/applications", self.search, methods=["GET"]),
            Route(f"{BASE}/applications", self.create, methods=["POST"]),
            Route(application, self.read, methods=["GET"]),
            Route(application, self.change, methods=["PUT"]),
            Route(application, self.remove, methods=["DELETE"]),
            Route(subscriptions, self.subscriptions, methods=["GET"]),
            Route(subscriptions, self.subscribe, methods=["POST"]),
            Route(f"{subscriptions}/{{id}}", self.unsubscribe, methods=["DELETE"]),
            Route(f"{application}/generate-keys", self.generate, methods=["POST"]),
            Route(f"{application}/oauth-keys", self.keys, methods=["GET"]),
            Route(key, self.revoke, methods=["DELETE"]),
            Route(f"{key}/regenerate-secret", self.regenerate, methods=["POST"]),
            Route(f"{key}/clean-up", self.clean_up, methods=["POST"]),
        ]

    # ---- interfaces and key managers -----------------------------------------------------

    async def apis(self, request: Request) -> Response:
        """List the interfaces, narrowed by `query=name:X`."""
        name = request.query_params.get("query", "").removeprefix("name:").strip('"')
        found = [
            {"id": _api_id(api), "name": api, "context": f"/{_api_id(api)[:8]}", "version": "1.1",
             "provider": "admin"}
            for api in APIS
            if name.casefold() in api.casefold()
        ]  # fmt: skip
        return JSONResponse(
            {"count": len(found), "list": found, "pagination": _page(0, len(found))}
        )

    async def key_managers(self, request: Request) -> Response:
        """List the one key manager."""
        del request
        manager = {"id": "km-1", "name": KEY_MANAGER, "type": "default", "enabled": True}
        return JSONResponse({"count": 1, "list": [manager]})

    # ---- applications --------------------------------------------------------------------

    async def search(self, request: Request) -> Response:
        """List applications; `query` is matched anywhere in the name, whatever the case."""
        wanted = request.query_params.get("query", "").casefold()
        limit = int(request.query_params.get("limit", 25))
        offset = int(request.query_params.get("offset", 0))
        found = [a for a in self._applications().values() if wanted in a["name"].casefold()]
        page = [_listed(each) for each in found[offset : offset + limit]]
        return JSONResponse(
            {"count": len(page), "list": page, "pagination": _page(offset, len(found), limit)}
        )

    def _applications(self) -> dict[str, Record]:
        now = time.time()
        found = self._store.all("application")
        for application_id, record in list(found.items()):
            if record["approvedAt"] <= now and record["status"] == "CREATED":
                record["status"] = "APPROVED"
                self._store.put("application", application_id, record)
            if record.get("gone_at", now + 1) <= now:
                self._forget(application_id)
                del found[application_id]
        return found

    async def create(self, request: Request) -> Response:
        """Create an application; names are unique."""
        body = await request.json()
        if any(each["name"] == body["name"] for each in self._applications().values()):
            return _error(409, 900301, "Application already exists")
        pending = _pending(request)
        record = {
            "applicationId": str(uuid.uuid4()),
            "name": body["name"],
            "throttlingPolicy": body["throttlingPolicy"],
            "description": body.get("description", ""),
            "tokenType": body.get("tokenType", "JWT"),
            "attributes": body.get("attributes", {}),
            "status": "CREATED" if pending else "APPROVED",
            "approvedAt": time.time() + (pending.seconds if pending else 0),
        }
        self._store.put("application", record["applicationId"], record)
        if pending:
            return JSONResponse({"workflowStatus": "CREATED", "jsonPayload": ""}, 202)
        return JSONResponse(_shown(record), 201)

    async def read(self, request: Request) -> Response:
        """Read an application."""
        record = self._applications().get(request.path_params["id"])
        return JSONResponse(_shown(record)) if record else _not_found()

    async def change(self, request: Request) -> Response:
        """Change an application."""
        record = self._applications().get(request.path_params["id"])
        if record is None:
            return _not_found()
        body = await request.json()
        names = ("name", "throttlingPolicy", "description", "attributes")
        record |= {name: body[name] for name in names if name in body}
        self._store.put("application", record["applicationId"], record)
        return JSONResponse(_shown(record))

    async def remove(self, request: Request) -> Response:
        """Delete an application and all that is in it."""
        application_id = request.path_params["id"]
        record = self._applications().get(application_id)
        if record is None:
            return _not_found()
        if pending := _pending(request):
            record["gone_at"] = time.time() + pending.seconds
            self._store.put("application", application_id, record)
            return JSONResponse({"workflowStatus": "CREATED", "jsonPayload": ""}, 202)
        self._forget(application_id)
        return Response(status_code=200)

    def _forget(self, application_id: str) -> None:
        self._store.delete("application", application_id)
        for kind in ("subscription", "key"):
            for record_id, record in self._store.all(kind).items():
                if record["applicationId"] == application_id:
                    self._store.delete(kind, record_id)

    # ---- subscriptions -------------------------------------------------------------------

    def _subscriptions(self, application_id: str) -> list[Record]:
        found = self._store.all("subscription").values()
        now = time.time()
        mine = [each for each in found if each["applicationId"] == application_id]
        for each in mine:
            if each["status"] == "ON_HOLD" and each["approvedAt"] <= now:
                each["status"] = "UNBLOCKED"
                self._store.put("subscription", each["subscriptionId"], each)
        return mine

    async def subscriptions(self, request: Request) -> Response:
        """List an application's subscriptions."""
        found = self._subscriptions(request.query_params["applicationId"])
        shown = [_subscription(each) for each in found]
        return JSONResponse(
            {"count": len(shown), "list": shown, "pagination": _page(0, len(shown))}
        )

    async def subscribe(self, request: Request) -> Response:
        """Subscribe an application to an interface."""
        body = await request.json()
        application_id = body["applicationId"]
        if application_id not in self._applications():
            return _not_found()
        names = {_api_id(api): api for api in APIS}
        if body["apiId"] not in names:
            return _not_found()
        if any(s["apiId"] == body["apiId"] for s in self._subscriptions(application_id)):
            return _error(409, 900336, "Subscription already exists")
        pending = _pending(request)
        record = {
            "subscriptionId": str(uuid.uuid4()),
            "applicationId": application_id,
            "apiId": body["apiId"],
            "apiName": names[body["apiId"]],
            "throttlingPolicy": body["throttlingPolicy"],
            "status": "ON_HOLD" if pending else "UNBLOCKED",
            "approvedAt": time.time() + (pending.seconds if pending else 0),
        }
        self._store.put("subscription", record["subscriptionId"], record)
        return JSONResponse(_subscription(record), 201)

    async def unsubscribe(self, request: Request) -> Response:
        """Remove a subscription."""
        if request.path_params["id"] not in self._store.all("subscription"):
            return _not_found()
        self._store.delete("subscription", request.path_params["id"])
        return Response(status_code=200)

    # ---- keys ----------------------------------------------------------------------------

    def _keys(self, application_id: str) -> list[Record]:
        found = self._store.all("key").values()
        return [each for each in found if each["applicationId"] == application_id]

    async def generate(self, request: Request) -> Response:
        """Generate the keys of an application, once for each type."""
        application_id = request.path_params["id"]
        body = await request.json()
        record = self._applications().get(application_id)
        if record is None:
            return _not_found()
        if record["status"] != "APPROVED":
            return _error(400, 900967, "The application is not approved")
        if any(each["keyType"] == body["keyType"] for each in self._keys(application_id)):
            return _error(409, 901409, "Keys already generated")
        key = {
            "keyMappingId": str(uuid.uuid4()),
            "applicationId": application_id,
            "keyType": body["keyType"],
            "consumerKey": secrets.token_urlsafe(20),
            "consumerSecret": self._new_secret(),
            "keyState": "APPROVED",
        }
        self._store.put("key", key["keyMappingId"], key)
        return JSONResponse(_key(key, secret=key["consumerSecret"]))

    def _new_secret(self) -> str:
        secret = secrets.token_urlsafe(30)
        self._store.put("secret", secret, {})
        self.issued.append(secret)
        return secret

    async def keys(self, request: Request) -> Response:
        """List an application's keys, their secrets masked."""
        application_id = request.path_params["id"]
        if application_id not in self._applications():
            return _not_found()
        found = [_key(each, secret="********") for each in self._keys(application_id)]  # noqa: S106 - a mask
        return JSONResponse({"count": len(found), "list": found})

    def _one_key(self, request: Request) -> Record | None:
        found = {each["keyMappingId"]: each for each in self._keys(request.path_params["id"])}
        return found.get(request.path_params["key"])

    async def regenerate(self, request: Request) -> Response:
        """Give a key a new secret; the old one stops at once."""
        key = self._one_key(request)
        if key is None:
            return _not_found()
        key["consumerSecret"] = self._new_secret()
        self._store.put("key", key["keyMappingId"], key)
        return JSONResponse(
            {"consumerKey": key["consumerKey"], "consumerSecret": key["consumerSecret"]}
        )

    async def revoke(self, request: Request) -> Response:
        """Delete a key; its tokens stop counting."""
        key = self._one_key(request)
        if key is None:
            return _not_found()
        self._store.delete("key", key["keyMappingId"])
        return Response(status_code=200)

    async def clean_up(self, request: Request) -> Response:
        """Clean up after a failed generation."""
        key = self._one_key(request)
        if key is not None:
            self._store.delete("key", key["keyMappingId"])
        return Response(status_code=200)

    def state(self) -> dict[str, Any]:
        """Return what a test wants to count."""
        keys = Counter(each["applicationId"] for each in self._store.all("key").values())
        subscribed = self._store.all("subscription").values()
        applications = [
            {
                "id": application_id,
                "name": each["name"],
                "key": each["attributes"].get("ngp_key"),
                "keys": keys[application_id],
                "subscriptions": [
                    s["apiName"] for s in subscribed if s["applicationId"] == application_id
                ],
            }
            for application_id, each in self._applications().items()
        ]
        hashes = [hashlib.sha256(secret.encode()).hexdigest() for secret in self.issued]
        return {"applications": applications, "secret_hashes": hashes}


def _api_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _page(offset: int, total: int, limit: int = 25) -> dict[str, Any]:
    return {"offset": offset, "limit": limit, "total": total, "next": "", "previous": ""}


def _pending(request: Request) -> Fault | None:
    fault: Fault | None = request.scope.get("fault")
    return fault if fault is not None and fault.pending else None


def _listed(record: Record) -> Record:
    names = ("applicationId", "name", "throttlingPolicy", "description", "status", "attributes")
    return {name: record[name] for name in names} | {"owner": "admin", "subscriptionCount": 0}


def _shown(record: Record) -> Record:
    return _listed(record) | {"tokenType": record["tokenType"]}


def _subscription(record: Record) -> Record:
    names = ("subscriptionId", "applicationId", "apiId", "throttlingPolicy", "status")
    return {name: record[name] for name in names}


def _key(record: Record, *, secret: str) -> Record:
    names = ("keyMappingId", "keyType", "consumerKey", "keyState")
    shown = {name: record[name] for name in names}
    return shown | {"consumerSecret": secret, "keyManager": KEY_MANAGER, "mode": "CREATED"}


def guarded(token: str, store: Store) -> tuple[ASGI, Portal]:
    """Return the application: the portal behind its token, the rest behind its own checks."""
    portal, tokens = Portal(store), TokenServer(store)
    routes = [
        *portal.routes(),
        Route("/oauth2/token", tokens.token, methods=["POST"]),
        *Deliveries(store, tokens, token).routes(),
    ]
    app = Starlette(routes=routes)
    allowed = f"Bearer {token}".encode()

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"].startswith(BASE) and headers.get(b"authorization") != allowed:
            await answer(send, 401, {"code": 900901, "message": "Invalid Credentials"})
        else:
            await app(scope, receive, send)

    return check, portal


def main() -> None:
    """Serve until SIGTERM."""
    options = arguments("A simulated API portal (WSO2 Developer Portal v3).").parse_args()
    store = Store(options.data_dir, "api_portal")
    app, portal = guarded(options.token, store)

    def clear() -> None:
        store.clear()
        portal.issued.clear()

    faults = Faults(portal.state, clear)
    faults.extra["GET secrets"] = lambda: portal.issued
    run(app, faults, options)


if __name__ == "__main__":
    main()
