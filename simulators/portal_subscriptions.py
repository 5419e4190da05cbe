"""The simulated portal's interfaces and which applications subscribe to them."""

import uuid
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
from simulators.portal_applications import Applications
from simulators.portal_approvals import Approvals
from simulators.program import Record, Store


def _api(name: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        "name": name,
        "context": f"/{name.lower().replace(' ', '/')}",
        "version": "1.1",
        "provider": "admin",
        "lifeCycleStatus": "PUBLISHED",
        "throttlingPolicies": ["Unlimited"],
    }


APIS: Final = {
    each["id"]: each for each in map(_api, ("NGP Uppdatering", "NGP Uppladdning", "NGP Sokning"))
}
SHOWN: Final = ("subscriptionId", "applicationId", "apiId", "throttlingPolicy", "status")


class Subscriptions:
    """The operations on interfaces and subscriptions."""

    def __init__(self, store: Store, approvals: Approvals, applications: Applications) -> None:
        self._store = store
        self._approvals = approvals
        self._applications = applications

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        one = f"{BASE}/subscriptions/{{id}}"
        return [
            Route(f"{BASE}/apis", self.apis, methods=["GET"]),
            Route(f"{BASE}/subscriptions", self.find, methods=["GET"]),
            Route(f"{BASE}/subscriptions", self.create, methods=["POST"]),
            Route(one, self.read, methods=["GET"]),
            Route(one, self.remove, methods=["DELETE"]),
        ]

    async def apis(self, request: Request) -> Response:
        """List the interfaces, narrowed by `query=name:X`, matched anywhere in the name."""
        name = request.query_params.get("query", "").removeprefix("name:").strip('"').casefold()
        return page_of(request, [each for each in APIS.values() if name in each["name"].casefold()])

    async def find(self, request: Request) -> Response:
        """List subscriptions of an application, or to an interface."""
        self._approvals.settle()
        wanted = {
            name: request.query_params[name]
            for name in ("applicationId", "apiId")
            if name in request.query_params
        }
        found = [
            _shown(each)
            for each in self._store.all("subscription").values()
            if all(each[name] == value for name, value in wanted.items())
        ]
        return page_of(request, found)

    async def create(self, request: Request) -> Response:
        """Subscribe an application to an interface."""
        body = await body_of(request, "applicationId", "apiId", "throttlingPolicy")
        application = self._applications.get(body["applicationId"])
        if body["apiId"] not in APIS:
            raise not_found()
        for each in self._store.all("subscription").values():
            if (each["applicationId"], each["apiId"]) == (body["applicationId"], body["apiId"]):
                raise refusal(409, 900336, "Subscription already exists")
        until = pending(request)
        record = {
            "subscriptionId": str(uuid.uuid4()),
            "applicationId": application["applicationId"],
            "apiId": body["apiId"],
            "apiName": APIS[body["apiId"]]["name"],
            "throttlingPolicy": body["throttlingPolicy"],
            "status": "UNBLOCKED" if until is None else "ON_HOLD",
            "until": until,
        }
        self._store.put("subscription", str(record["subscriptionId"]), record)
        return created(request, _shown(record))

    def _get(self, request: Request) -> Record:
        self._approvals.settle()
        record = self._store.get("subscription", request.path_params["id"])
        if record is None:
            raise not_found()
        return record

    async def read(self, request: Request) -> Response:
        """Read a subscription."""
        return JSONResponse(_shown(self._get(request)))

    async def remove(self, request: Request) -> Response:
        """Remove a subscription."""
        record = self._get(request)
        until = pending(request)
        if until is not None:
            waiting = {**record, "status": "DELETE_PENDING", "until": until}
            self._store.put("subscription", record["subscriptionId"], waiting)
            return accepted()
        self._store.delete("subscription", record["subscriptionId"])
        return Response(status_code=200)


def _shown(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in SHOWN}
