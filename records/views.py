"""The whole view of a case: the workflow's own, joined with its parts, incidents and documents."""

from datetime import datetime
from typing import Any

import asyncpg

from domain.state import Party
from records import cases, documents, incidents

PARTIES = list(Party)


async def view(pool: asyncpg.Pool, ref: str) -> dict[str, Any] | None:
    """Return a view by workflow id or case number; None when there is none.

    An owner's waits are joined with its parts', the one to show first in front; so is what will
    happen by itself, nearest first. An incident shows only while the workflow still wants its
    operation.
    """
    row = await cases.find(pool, ref)
    if row is None:
        return None
    parts = await cases.parts_of(pool, ref)
    shown: dict[str, Any] = dict(row["view"])
    below = [part["view"] for part in parts if part["ended_at"] is None]
    waits = [*shown["waits"], *(_of_part(wait, part) for part in below for wait in part["waits"])]
    waits.sort(key=lambda wait: (PARTIES.index(wait["on"]), wait["since"]))
    shown["waits"] = waits
    shown["waiting"] = waits[0] if waits else None
    below_it = [_of_part(each, part) for part in below for each in part["upcoming"]]
    shown["upcoming"] = sorted([*shown["upcoming"], *below_it], key=_instant)
    shown["parts"] = [_part(part) for part in parts]
    shown["open_steps_below"] = [
        {"ref": part["ref"], **step} for part in below for step in part["open_steps"]
    ]
    shown["incidents"] = await _incidents(pool, [shown, *below])
    refs, chains = ([each[name] for each in (row, *parts)] for name in ("workflow_id", "chain_id"))
    found = await documents.of_refs(pool, refs, chains)
    shown["documents"] = [_document(each) for each in found]
    return shown


def _of_part(row: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return row | {"ref": part["ref"]}


def _instant(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["at"])


def _part(row: dict[str, Any]) -> dict[str, Any]:
    names = ("workflow_id", "type", "stage", "outcome", "owner")
    return {name: row[name] for name in names} | {"waiting": row["view"]["waiting"]}


async def _incidents(pool: asyncpg.Pool, views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = {view["ref"]: {each["key"] for each in view["pending"]} for view in views}
    found = await incidents.shown(pool, list(wanted))
    return [
        each.model_dump(mode="json")
        for each in found
        if each.operation in wanted[each.workflow_id]
        or each.operation.startswith("notice:")
        or each.system == incidents.WORKFLOW
    ]


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"stored_at": row["stored_at"].isoformat()}
