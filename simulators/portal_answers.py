"""How the simulated portal reads requests and answers them, in the words of its contract."""

import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.faults import Fault
from simulators.program import Record, Refused, json_of

BASE: Final = "/api/am/devportal/v3"
PAGE: Final = 25
UNTIL_RELEASED: Final = 1e12
"""A time that never comes."""


def refusal(status: int, code: int, message: str) -> Refused:
    """Return a refusal with the portal's own code."""
    body = {"code": code, "message": message, "description": message, "moreInfo": "", "error": []}
    return Refused(JSONResponse(body, status))


def not_found() -> Refused:
    """Return the refusal for what is not there."""
    return refusal(404, 404, "Not Found")


async def body_of(request: Request, *required: str) -> dict[str, Any]:
    """Return the JSON object of a request; the required fields are texts that say something."""
    refused = refusal(400, 900314, f"Bad Request: {', '.join(required) or 'an object'} needed")
    body = await json_of(request, refused.answer)
    if not isinstance(body, dict):
        raise refused
    if not all(isinstance(body.get(name), str) and body[name] for name in required):
        raise refused
    return body


def page_of(request: Request, found: Sequence[Record]) -> Response:
    """Answer one page of a list, as `limit` and `offset` ask."""
    query = request.query_params
    try:
        limit, offset = int(query.get("limit", PAGE)), int(query.get("offset", 0))
    except ValueError:
        raise refusal(400, 900314, "limit and offset are numbers") from None
    page = found[offset : offset + limit]
    path = request.url.path.removeprefix(BASE)

    def at(start: int) -> str:
        return f"{path}?limit={limit}&offset={start}" if 0 <= start < len(found) else ""

    numbers = {"offset": offset, "limit": limit, "total": len(found)}
    pagination = {**numbers, "next": at(offset + limit), "previous": at(offset - limit)}
    return JSONResponse({"count": len(page), "list": page, "pagination": pagination})


def pending(request: Request) -> float | None:
    """Return until when the portal's people think about a request, None when they need not."""
    fault: Fault | None = request.scope.get("fault")
    if fault is None or not fault.pending:
        return None
    return UNTIL_RELEASED if fault.seconds is None else time.time() + fault.seconds


def partial(request: Request) -> bool:
    """Whether a request is done half-way only."""
    fault: Fault | None = request.scope.get("fault")
    return fault is not None and fault.partial


def created(request: Request, shown: Record) -> Response:
    """Answer what was created, or that it is accepted only."""
    fault: Fault | None = request.scope.get("fault")
    if pending(request) is not None and fault is not None and fault.status != HTTPStatus.CREATED:
        return accepted()
    return JSONResponse(shown, 201)


def accepted() -> Response:
    """Answer that the portal's people will look."""
    return JSONResponse({"workflowStatus": "CREATED", "jsonPayload": "{}"}, 202)
