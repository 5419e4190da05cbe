"""The agreement register: agreements in force and ended, by organisation and kind."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.faults import Faults
from simulators.program import Record, Store, arguments, run

FIELDS = ("org_number", "kind", "template", "document_sha256", "valid_from")


class Register:
    """The register's operations over its records."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = f"Bearer {token}"

    def routes(self) -> list[Route]:
        """Return where the operations are served."""
        return [
            Route("/agreements", self.find, methods=["GET"]),
            Route("/agreements/{key}", self.register, methods=["PUT"]),
            Route("/agreements/{key}", self.read, methods=["GET"]),
            Route("/agreements/{key}/end", self.end, methods=["POST"]),
        ]

    def _allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") == self._token

    async def find(self, request: Request) -> Response:
        """List agreements by organisation, kind and status."""
        if not self._allowed(request):
            return JSONResponse({"code": "unauthorized"}, 401)
        wanted = dict(request.query_params)
        found = [
            record
            for record in self._store.all("agreement").values()
            if all(record.get(name) == value for name, value in wanted.items())
        ]
        return JSONResponse({"agreements": found})

    async def register(self, request: Request) -> Response:
        """Register an agreement under its key; the same again changes nothing."""
        if not self._allowed(request):
            return JSONResponse({"code": "unauthorized"}, 401)
        body = await request.json()
        key = request.path_params["key"]
        if missing := [name for name in FIELDS if name not in body]:
            return JSONResponse({"code": "missing", "fields": missing}, 422)
        new = {"key": key, "status": "in_force"} | {name: body[name] for name in FIELDS}
        agreements = self._store.all("agreement")
        if key in agreements:
            same = all(agreements[key][name] == new[name] for name in FIELDS)
            status = 200 if same else 409
            return JSONResponse(agreements[key] if same else {"code": "other_content"}, status)
        taken = [r for r in agreements.values() if _same_right(r, new)]
        if taken:
            return JSONResponse({"code": "in_force", "existing": taken[0]["key"]}, 409)
        self._store.put("agreement", key, new)
        return JSONResponse(new, 201)

    async def read(self, request: Request) -> Response:
        """Read one agreement."""
        if not self._allowed(request):
            return JSONResponse({"code": "unauthorized"}, 401)
        record = self._store.all("agreement").get(request.path_params["key"])
        return JSONResponse(record) if record else JSONResponse({"code": "not_found"}, 404)

    async def end(self, request: Request) -> Response:
        """End an agreement; once ended it stays so."""
        if not self._allowed(request):
            return JSONResponse({"code": "unauthorized"}, 401)
        key = request.path_params["key"]
        record = self._store.all("agreement").get(key)
        if record is None:
            return JSONResponse({"code": "not_found"}, 404)
        if record["status"] == "in_force":
            last_day = (await request.json())["last_day"]
            record |= {"status": "ended", "last_day": last_day}
            self._store.put("agreement", key, record)
        return JSONResponse(record)


def _same_right(record: Record, new: Record) -> bool:
    names: tuple[str, ...] = ("org_number", "kind", "status")
    return all(record[name] == new[name] for name in names)


def main() -> None:
    """Serve until SIGTERM."""
    options = arguments("The simulated agreement register.").parse_args()
    store = Store(options.data_dir, "agreement_register")

    def state() -> list[Any]:
        return list(store.all("agreement").values())

    app = Starlette(routes=Register(store, options.token).routes())
    run(app, Faults(state, store.clear), options)


if __name__ == "__main__":
    main()
