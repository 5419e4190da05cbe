"""The simulated portal's applications: names are unique, and the search for them is LIKE."""

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.portal_answers import (
    BASE,
    accepted,
    body_of,
    created,
    not_found,
    page_of,
    pending,
    refusal,
)
from simulators.portal_approvals import Approvals
from simulators.program import Record, Store

NAME_MAX: Final = 100
LISTED: Final = (
    "applicationId", "name", "throttlingPolicy", "description", "status", "attributes",
    "tokenType", "owner", "createdTime", "updatedTime",
)  # fmt: skip


class Applications:
    """The operations on applications."""

    def __init__(self, store: Store, approvals: Approvals) -> None:
        self._store = store
        self._approvals = approvals

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        one = f"{BASE}/applications/{{id}}"
        return [
            Route(f"{BASE}/applications", self.search, methods=["GET"]),
            Route(f"{BASE}/applications", self.create, methods=["POST"]),
            Route(one, self.read, methods=["GET"]),
            Route(one, self.change, methods=["PUT"]),
            Route(one, self.remove, methods=["DELETE"]),
        ]

    def _all(self) -> list[Record]:
        self._approvals.settle()
        return list(self._store.all("application").values())

    def get(self, application_id: str) -> Record:
        """Return an application.

        Raises:
            Refused: 404.
        """
        self._approvals.settle()
        record = self._store.get("application", application_id)
        if record is None:
            raise not_found()
        return record

    async def search(self, request: Request) -> Response:
        """List applications; `query` is matched anywhere in the name, whatever the case."""
        wanted = request.query_params.get("query", "").casefold()
        found = [each for each in self._all() if wanted in each["name"].casefold()]
        return page_of(request, [self._listed(each) for each in found])

    async def create(self, request: Request) -> Response:
        """Create an application."""
        body = await self._body(request)
        now = datetime.now(UTC).isoformat()
        until = pending(request)
        record = {
            **body,
            "applicationId": str(uuid.uuid4()),
            "owner": "admin",
            "createdTime": now,
            "updatedTime": now,
            "status": "APPROVED" if until is None else "CREATED",
            "until": until,
        }
        self._store.put("application", record["applicationId"], record)
        return created(request, self._listed(record))

    async def _body(self, request: Request, known: Record | None = None) -> dict[str, Any]:
        body = await body_of(request, "name", "throttlingPolicy")
        attributes = body.get("attributes") or {}
        if len(body["name"]) > NAME_MAX or not isinstance(attributes, dict):
            raise refusal(400, 900314, "Bad Request: name or attributes")
        if not all(isinstance(value, str) for value in attributes.values()):
            raise refusal(400, 900314, "Bad Request: attributes are texts")
        if any(each["name"] == body["name"] for each in self._all() if each is not known):
            raise refusal(409, 900301, "Application already exists")
        return {
            "name": body["name"],
            "throttlingPolicy": body["throttlingPolicy"],
            "description": body.get("description") or "",
            "tokenType": body.get("tokenType", "JWT"),
            "attributes": attributes,
        }

    def _listed(self, record: Record) -> dict[str, Any]:
        subscriptions = self._store.all("subscription").values()
        count = sum(each["applicationId"] == record["applicationId"] for each in subscriptions)
        return {name: record[name] for name in LISTED} | {"subscriptionCount": count}

    async def read(self, request: Request) -> Response:
        """Read an application."""
        return JSONResponse(self._listed(self.get(request.path_params["id"])))

    async def change(self, request: Request) -> Response:
        """Change an application."""
        known = self.get(request.path_params["id"])
        body = await self._body(request, known)
        record = {**known, **body, "updatedTime": datetime.now(UTC).isoformat()}
        self._store.put("application", record["applicationId"], record)
        return JSONResponse(self._listed(record))

    async def remove(self, request: Request) -> Response:
        """Delete an application and all that is in it."""
        record = self.get(request.path_params["id"])
        application_id = record["applicationId"]
        until = pending(request)
        if until is not None or record["status"] == "DELETE_PENDING":
            if record["status"] != "DELETE_PENDING":
                waiting = {**record, "status": "DELETE_PENDING", "until": until}
                self._store.put("application", application_id, waiting)
            return accepted()
        self._approvals.remove("application", application_id)
        return Response(status_code=200)
