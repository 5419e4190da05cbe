"""The producer's interface behind the simulated portal: receives a test delivery and reports.

An object may say `"simulate": "WARNING"`, itself or in its `properties`, to choose its report's
status. The fault `pending` on a delivery keeps the report back for `seconds`.
"""

import re
import time
import uuid
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.portal_answers import pending
from simulators.portal_approvals import Approvals
from simulators.portal_tokens import TokenServer
from simulators.program import Record, Refused, Store, json_of

NEEDED_API: Final = "NGP Uppdatering"
SYSTEM_ACCOUNT: Final = re.compile(r"[a-z]{4}[0-9]{4}")
MEDIA_TYPE: Final = re.compile(r"application/(json|vnd\.lm\.[a-z]+\.v[0-9]+\+json)( *;.*)?")
PASSED: Final = {"OK", "SKIPPED", "WARNING"}
OUTCOMES: Final = ("OK", "SKIPPED", "WARNING", "FAILURE", "ERROR")
"""From best to worst: the worst of its objects is a delivery's."""


def _fault(status: int, code: str, reason: str, *errors: str) -> Refused:
    return Refused(JSONResponse({"code": code, "reason": reason, "errors": errors}, status))


class Deliveries:
    """The calls of the interface that a test delivery needs."""

    def __init__(
        self, store: Store, approvals: Approvals, tokens: TokenServer, reading_token: str
    ) -> None:
        self._store = store
        self._approvals = approvals
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

    # ---- who may -------------------------------------------------------------------------

    def _deliverer(self, request: Request) -> str:
        """Return the system account of a delivering key, unless it is refused."""
        self._approvals.settle()
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = self._tokens.key_of(token)
        if key is None:
            raise _fault(401, "unauthorized", "the token does not count")
        application = self._store.all("application")[key["applicationId"]]
        account = str(application["attributes"].get("system_account", ""))
        if not SYSTEM_ACCOUNT.fullmatch(account):
            raise _fault(403, "wrong_account", "use the system account, not the Geotorget account")
        mine = [
            each["apiName"]
            for each in self._store.all("subscription").values()
            if each["applicationId"] == key["applicationId"] and each["status"] == "UNBLOCKED"
        ]
        if NEEDED_API not in mine:
            raise _fault(403, "not_subscribed", f"not subscribed to {NEEDED_API}")
        return account

    def _delivery(self, request: Request, *, reading: bool = False) -> Record:
        """Return a delivery to who delivers it, or to the one who may read all."""
        may_read_all = reading and request.headers.get("authorization") == self._reading
        login = None if may_read_all else self._deliverer(request)
        record = self._store.get("delivery", request.path_params["id"])
        if record is None or login not in {None, record["login"]}:
            raise _fault(404, "not_found", "no such delivery")
        return record

    # ---- delivering ----------------------------------------------------------------------

    async def receive(self, request: Request) -> Response:
        """Open a delivery."""
        login = self._deliverer(request)
        body = await _body(request)
        info = body.get("leveransinfo") if isinstance(body, dict) else None
        names = ("informationstyp", "provider")
        if not isinstance(info, dict) or not all(isinstance(info.get(n), str) for n in names):
            raise _fault(400, "invalid", "leveransinfo", *names)
        delivery_id = str(uuid.uuid4())
        shown = {name: info[name] for name in names}
        record = {"id": delivery_id, "login": login, **shown, "objects": {}, "ready_at": 0}
        self._store.put("delivery", delivery_id, record)
        return JSONResponse({"id": delivery_id}, 201)

    async def changes(self, request: Request) -> Response:
        """Say which objects come or go; what goes is received at once."""
        record = self._delivery(request)
        body = await _body(request)
        if not isinstance(body, list) or not body or not all(map(_is_change, body)):
            raise _fault(400, "invalid", "objektidentitet, typ; href by https only")
        said = {
            each["objektidentitet"]: "OK" if each["typ"] == "radering" else None for each in body
        }
        self._store.put("delivery", record["id"], {**record, "objects": record["objects"] | said})
        return JSONResponse({"forandringar": list(said)}, 201)

    async def deliver(self, request: Request) -> Response:
        """Take an object's data. Where no changes were said, any object is taken."""
        record = self._delivery(request)
        item = request.path_params["object"]
        if record["objects"] and item not in record["objects"]:
            raise _fault(404, "not_found", "no such object")
        if (status := _status(record)) not in {"registrerad", "valideringsfel"}:
            raise _fault(400, "wrong_status", f"the delivery is {status}")
        body = await _body(request)
        if not isinstance(body, dict):
            raise _fault(400, "invalid", "an object")
        properties = body.get("properties")
        said = body | (properties if isinstance(properties, dict) else {})
        outcome = said.get("simulate", "OK")
        if outcome not in OUTCOMES:
            raise _fault(400, "invalid", f"simulate one of {', '.join(OUTCOMES)}")
        objects = record["objects"] | {item: outcome}
        changed = {**record, "objects": objects, "ready_at": pending(request) or 0}
        self._store.put("delivery", record["id"], changed)
        where = f"/producent/mottagning/{record['id']}"
        return Response(status_code=303, headers={"location": where})

    # ---- reading -------------------------------------------------------------------------

    async def status(self, request: Request) -> Response:
        """Tell how far a delivery has come."""
        record = self._delivery(request, reading=True)
        shown = {name: record[name] for name in ("id", "login", "informationstyp", "provider")}
        return JSONResponse(shown | {"status": _status(record)})

    async def report(self, request: Request) -> Response:
        """Return the report; 204 until it is ready."""
        record = self._delivery(request, reading=True)
        if _status(record) in {"registrerad", "mottagen"}:
            return Response(status_code=204)
        return JSONResponse(_report(record["objects"]))

    async def health(self, request: Request) -> Response:
        """Tell whether the interface is up."""
        del request
        return JSONResponse({"status": "UP"})


async def _body(request: Request) -> Any:
    if not MEDIA_TYPE.fullmatch(request.headers.get("content-type", "")):
        raise _fault(415, "media_type", "application/json or application/vnd.lm.*+json")
    return await json_of(request, _fault(400, "invalid", "no JSON").answer)


def _is_change(each: object) -> bool:
    if not isinstance(each, dict) or each.get("typ") not in {"leverans", "radering"}:
        return False
    try:
        uuid.UUID(each.get("objektidentitet"))
    except (ValueError, TypeError, AttributeError):
        return False
    return str(each.get("href", "https://")).startswith("https://")


def _status(record: Record) -> str:
    """Aggregate: an error as soon as any object has one, otherwise when all are there."""
    outcomes = record["objects"].values()
    if record["ready_at"] > time.time():
        return "mottagen"
    if set(outcomes) - PASSED - {None}:
        return "valideringsfel"
    return "validerad" if outcomes and None not in outcomes else "registrerad"


def _report(objects: dict[str, str | None]) -> dict[str, Any]:
    outcomes = [outcome for outcome in objects.values() if outcome is not None]
    cases = [
        {
            "id": "DP-0001",
            "label": "Planens yta",
            "time": 0.01,
            "status": outcome,
            "message": [] if outcome == "OK" else [f"simulerat utfall {outcome}"],
        }
        for outcome in outcomes
    ]
    return {
        "status": max(outcomes, key=OUTCOMES.index),
        "tests": len(cases),
        "failures": outcomes.count("FAILURE"),
        "warnings": outcomes.count("WARNING"),
        "errors": outcomes.count("ERROR"),
        "skipped": outcomes.count("SKIPPED"),
        "time": 0.01 * len(cases),
        "testcase": cases,
    }
