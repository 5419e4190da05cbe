"""Lists of cases, page by page: filters, orders, and a cursor that stays true while rows move."""

import base64
import json
from datetime import date
from typing import Any, Literal, NamedTuple

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from domain.state import Party
from records.errors import BadCursorError
from records.sql import query

Sort = Literal[
    "number", "opened", "updated", "waiting", "due", "organisation",
    "-number", "-opened", "-updated", "-waiting", "-due", "-organisation",
]  # fmt: skip
LARGEST_PAGE = 500


class Filter(BaseModel):
    """What a list is narrowed to, its order (`-` turns it round), and the page wanted.

    `q` are words to find in case number, registry number, organisation or its number.
    `waiting_on` and `incident` look at the parts of a case too. `kind` None lists everything
    that runs, not only cases.
    """

    model_config = ConfigDict(frozen=True)

    type: str | None = None
    stage: str | None = None
    waiting_on: str | None = None
    handler: str | None = None
    organisation: str | None = None
    due_before: date | None = None
    q: str | None = None
    incident: bool = False
    ended: bool = False
    kind: str | None = "case"
    sort: Sort = "opened"
    cursor: str | None = None
    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE)


class Page(NamedTuple):
    """Rows, and the cursor of the page after; None at the end."""

    rows: list[dict[str, Any]]
    cursor: str | None


async def list_cases(pool: asyncpg.Pool, wanted: Filter) -> Page:
    """Return one page; a row that does not change is on exactly one of all pages.

    Raises:
        BadCursorError: the cursor is not of this list and order.
    """
    last_key, last_chain = _read(wanted.cursor, wanted.sort)
    found = await pool.fetch(
        query("list_cases"),
        wanted.sort.removeprefix("-"),
        wanted.sort.startswith("-"),
        last_key,
        last_chain,
        wanted.limit + 1,
        wanted.type,
        wanted.stage,
        wanted.waiting_on,
        wanted.handler,
        wanted.organisation,
        wanted.due_before,
        (wanted.q or "").casefold().split(),
        wanted.incident,
        wanted.ended,
        wanted.kind,
    )
    rows = [dict(row) for row in found[: wanted.limit]]
    keys = [row.pop("sort_key") for row in rows]
    more = len(found) > wanted.limit
    return Page(rows, _write(wanted.sort, keys[-1], rows[-1]["chain_id"]) if more else None)


async def with_waits_of_parts(
    pool: asyncpg.Pool, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Let cases that wait on nobody themselves say on whom their parts wait first."""
    silent = [
        row["chain_id"] for row in rows if row["waiting_on"] is None and row["ended_at"] is None
    ]
    found = await pool.fetch(query("waits_of_parts"), silent, list(Party)) if silent else []
    waits = {row["root"]: dict(list(row.items())[1:]) for row in found}
    return [row | waits.get(row["chain_id"], {}) for row in rows]


def _write(sort: str, key: str, chain_id: str) -> str:
    said = json.dumps([sort, key, chain_id], ensure_ascii=False)
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _read(cursor: str | None, sort: str) -> tuple[str | None, str | None]:
    if cursor is None:
        return None, None
    try:
        said = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of_sort, key, chain_id = map(str, json.loads(said))
    except (ValueError, TypeError):
        raise BadCursorError(cursor[:40]) from None
    if of_sort != sort or "\0" in key + chain_id:
        raise BadCursorError(f"it is for the order {of_sort[:20]!r}")
    return key, chain_id
