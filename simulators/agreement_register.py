"""The agreement register: agreements in force and ended, by organisation and kind."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.faults import Faults
from simulators.program import Record, Refused, Store, application, arguments, json_of, run

KINDS: Final = {"producer", "processing"}
STATUSES: Final = {"in_force", "ended"}


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


FIELDS: Final[dict[str, Callable[[str], object]]] = {
    "org_number": re.compile(r"\d{6}-\d{4}").fullmatch,
    "kind": KINDS.__contains__,
    "template": bool,
    "document_sha256": re.compile(r"[0-9a-f]{64}").fullmatch,
    "valid_from": _is_date,
}


def _refusal(status: int, code: str, **more: object) -> Refused:
    return Refused(JSONResponse({"code": code, **more}, status))


async def _fields(request: Request, rules: dict[str, Callable[[str], object]]) -> dict[str, str]:
    """Return the fields of a body; one that is missing or wrong is told."""
    invalid = JSONResponse({"code": "invalid", "fields": sorted(rules)}, 422)
    body = await json_of(request, invalid)
    if not isinstance(body, dict):
        raise Refused(invalid)
    sent = {name: body.get(name) for name in rules}
    wrong = [n for n, value in sent.items() if not (isinstance(value, str) and rules[n](value))]
    if wrong:
        raise _refusal(422, "invalid", fields=wrong)
    return {name: str(value) for name, value in sent.items()}


class Register:
    """The register's operations over its records."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = f"Bearer {token}"

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        return [
            Route("/agreements", self.find, methods=["GET"]),
            Route("/agreements/{key:path}/end", self.end, methods=["POST"]),
            Route(
                "/agreements/{key:path}/supplements/{document}", self.supplement, methods=["PUT"]
            ),
            Route("/agreements/{key:path}", self.register, methods=["PUT"]),
            Route("/agreements/{key:path}", self.read, methods=["GET"]),
        ]

    def agreements(self) -> list[Record]:
        """Return every agreement, in the order they came."""
        return list(self._store.all("agreement").values())

    def _admit(self, request: Request) -> None:
        if request.headers.get("authorization") != self._token:
            raise _refusal(401, "unauthorized")

    def _known(self, request: Request) -> Record:
        record = self._store.get("agreement", request.path_params["key"])
        if record is None:
            raise _refusal(404, "not_found")
        return record

    async def find(self, request: Request) -> Response:
        """List agreements by organisation, kind and status."""
        self._admit(request)
        asked = dict(request.query_params)
        known = {"org_number": FIELDS["org_number"], "kind": FIELDS["kind"]}
        rules = known | {"status": STATUSES.__contains__}
        if wrong := [
            name for name, value in asked.items() if name in rules and not rules[name](value)
        ]:
            raise _refusal(422, "invalid", fields=wrong)
        wanted = {name: value for name, value in asked.items() if name in rules}
        found = [
            each
            for each in self.agreements()
            if all(each[name] == value for name, value in wanted.items())
        ]
        return JSONResponse({"agreements": found})

    async def register(self, request: Request) -> Response:
        """Register an agreement under its key; the same again changes nothing."""
        self._admit(request)
        content = await _fields(request, FIELDS)
        key = request.path_params["key"]
        if known := self._store.get("agreement", key):
            if any(known[name] != value for name, value in content.items()):
                raise _refusal(409, "other_content", existing=key)
            return JSONResponse(known)
        new = {"key": key, "status": "in_force", **content}
        for each in self.agreements():
            if all(each[name] == new[name] for name in ("org_number", "kind", "status")):
                raise _refusal(409, "in_force", existing=each["key"])
        self._store.put("agreement", key, new)
        return JSONResponse(new, 201)

    async def read(self, request: Request) -> Response:
        """Read one agreement."""
        self._admit(request)
        return JSONResponse(self._known(request))

    async def supplement(self, request: Request) -> Response:
        """Register a supplement under an agreement in force; the same again changes nothing."""
        self._admit(request)
        record = self._known(request)
        document = request.path_params["document"]
        if not FIELDS["document_sha256"](document):
            raise _refusal(422, "invalid", fields=["document"])
        await _fields(request, {"valid_from": _is_date})
        if record["status"] != "in_force":
            raise _refusal(409, "ended")
        known = record.get("supplements", [])
        if document in known:
            return JSONResponse(record)
        record = {**record, "supplements": [*known, document]}
        self._store.put("agreement", record["key"], record)
        return JSONResponse(record, 201)

    async def end(self, request: Request) -> Response:
        """End an agreement; once ended it stays so, with the day it got first."""
        self._admit(request)
        record = self._known(request)
        last_day = await _fields(request, {"last_day": _is_date})
        if record["status"] == "in_force":
            record = {**record, "status": "ended", **last_day}
            self._store.put("agreement", record["key"], record)
        return JSONResponse(record)


def main() -> None:
    """Serve until SIGTERM."""
    options = arguments("The simulated agreement register.").parse_args()
    store = Store(options.data_dir, "agreement_register")
    register = Register(store, options.token)
    run(application(register.routes()), Faults(register.agreements, store.clear), options)


if __name__ == "__main__":
    main()
