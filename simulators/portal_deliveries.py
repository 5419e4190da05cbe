"""The producer's interface behind the simulated portal: receives a test delivery and reports.

A body may say `"simulate": "WARNING"` to choose its report's status.
"""

import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.portal_keys import TokenServer
from simulators.program import Record, Store

NEEDED_API = "NGP Uppdatering"
SYSTEM_ACCOUNT = re.compile(r"[a-z]{4}[0-9]{4}")


def _fault(status: int, code: str, reason: str) -> JSONResponse:
    return JSONResponse({"code": code, "reason": reason, "errors": []}, status)


class Deliveries:
    """The five calls of the interface that a test delivery needs."""

    def __init__(self, store: Store, tokens: TokenServer, reading_token: str) -> None:
        self._store = store
        self._tokens = tokens
        self._reading = f"Bearer {reading_token}"

    def routes(self) -> list[Route]:
        """Return where the calls are served."""
        one = "/producent/mottagning/{id}"
        return [
            Route("/producent/mottagning", self.receive, methods=["POST"]),
            Route(f"{one}/forandringar", self.changes, methods=["POST"]),
            Route(f"{one}/forandringar/{{object}}/leverans", self.deliver, methods=["POST"]),
            Route(f"{one}/leverans", self.report, methods=["GET"]),
            Route(one, self.status, methods=["GET"]),
            Route("/producent/health", self.health, methods=["GET"]),
        ]

    def _deliverer(self, request: Request) -> str | JSONResponse:
        """Return the system account of a delivering key, or why it is refused."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = self._tokens.key_of(token)
        if key is None:
            return _fault(401, "unauthorized", "the token does not count")
        application = self._store.all("application")[key["applicationId"]]
        account = str(application["attributes"].get("system_account", ""))
        if not SYSTEM_ACCOUNT.fullmatch(account):
            return _fault(403, "wrong_account", "use the system account")
        subscriptions = self._store.all("subscription").values()
        apis = {s["apiName"] for s in subscriptions if s["applicationId"] == key["applicationId"]}
        if NEEDED_API not in apis:
            return _fault(403, "not_subscribed", f"not subscribed to {NEEDED_API}")
        return account

    async def receive(self, request: Request) -> Response:
        """Open a delivery."""
        login = self._deliverer(request)
        if isinstance(login, Response):
            return login
        info = (await request.json())["leveransinfo"]
        record = {**info, "login": login, "status": "registrerad", "objects": [], "report": None}
        delivery_id = str(uuid.uuid4())
        self._store.put("delivery", delivery_id, record)
        return JSONResponse({"id": delivery_id}, 201)

    def _own(self, request: Request) -> tuple[str, Record] | Response:
        login = self._deliverer(request)
        if isinstance(login, Response):
            return login
        delivery_id = request.path_params["id"]
        record = self._store.all("delivery").get(delivery_id)
        if record is None or record["login"] != login:
            return _fault(404, "not_found", "no such delivery")
        return delivery_id, record

    async def changes(self, request: Request) -> Response:
        """Say which objects come."""
        own = self._own(request)
        if isinstance(own, Response):
            return own
        delivery_id, record = own
        record["objects"] = [change["objektidentitet"] for change in await request.json()]
        self._store.put("delivery", delivery_id, record)
        return JSONResponse({"forandringar": record["objects"]}, 201)

    async def deliver(self, request: Request) -> Response:
        """Take an object's data; the report is made at once."""
        own = self._own(request)
        if isinstance(own, Response):
            return own
        delivery_id, record = own
        if record["status"] not in {"registrerad", "valideringsfel"}:
            return _fault(400, "wrong_status", f"the delivery is {record['status']}")
        outcome = (await request.json()).get("simulate", "OK")
        passed = outcome in {"OK", "WARNING"}
        record["status"] = "validerad" if passed else "valideringsfel"
        record["report"] = _report(outcome)
        self._store.put("delivery", delivery_id, record)
        return Response(
            status_code=303, headers={"location": f"/producent/mottagning/{delivery_id}"}
        )

    def _readable(self, request: Request) -> Record | Response:
        if request.headers.get("authorization") != self._reading:
            own = self._own(request)
            return own if isinstance(own, Response) else own[1]
        record = self._store.all("delivery").get(request.path_params["id"])
        return record or _fault(404, "not_found", "no such delivery")

    async def status(self, request: Request) -> Response:
        """Tell how far a delivery has come."""
        record = self._readable(request)
        if isinstance(record, Response):
            return record
        names = ("login", "informationstyp", "provider", "status")
        shown = {"id": request.path_params["id"]} | {name: record[name] for name in names}
        return JSONResponse(shown)

    async def report(self, request: Request) -> Response:
        """Return the report; 204 until it is ready."""
        record = self._readable(request)
        if isinstance(record, Response):
            return record
        return JSONResponse(record["report"]) if record["report"] else Response(status_code=204)

    async def health(self, request: Request) -> Response:
        """Tell whether the interface is up."""
        del request
        return JSONResponse({"status": "UP"})


def _report(outcome: str) -> dict[str, Any]:
    case = {
        "id": "DP-0001",
        "label": "Planens yta",
        "time": 0.01,
        "status": outcome,
        "message": [] if outcome == "OK" else [f"simulerat utfall {outcome}"],
    }
    return {
        "tests": 1,
        "failures": int(outcome == "FAILURE"),
        "warnings": int(outcome == "WARNING"),
        "errors": int(outcome == "ERROR"),
        "skipped": 0,
        "time": 0.01,
        "status": outcome,
        "testcase": [case],
    }
