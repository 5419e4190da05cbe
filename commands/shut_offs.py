"""What has been shut off: when each was due, and how soon the outside system had confirmed it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from commands.context import Context
from domain.dates import midnight_after
from records import cases
from records.journal import journal_of

Line = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What begins a shut-off in a workflow's journal, what confirms it, and what comes instead.

    Most begin once. What has `wanted` begins over and over, and the last time counts: it is
    unconfirmed only while the workflow wants that operation.
    """

    begins: frozenset[str]
    confirms: frozenset[str]
    instead: frozenset[str] = frozenset()
    wanted: str | None = None


KINDS: Final = {
    "PersonAccess": (
        Kind(
            frozenset({"left", "unexplained", "suspend", "account_found_off", "account_found_on"}),
            frozenset({"account_off"}),
        ),
    ),
    "Permission": (
        Kind(frozenset({"expired", "end", "end_permission"}), frozenset({"system_account_off"})),
    ),
    "Credential": (
        Kind(
            frozenset({"expired", "end", "revoke_key"}),
            frozenset({"application_gone", "keys_revoked"}),
        ),
        # The old secret of a key that is changed: where the portal lets it live beside the new
        # one, until that has been fetched; else until the new one is made.
        Kind(
            frozenset({"picked_up", "offer_cancelled", "overlap_over"}),
            frozenset({"old_secrets_ended"}),
            wanted="end_old_secrets",
        ),
        Kind(
            frozenset({"rotate", "overlap_over"}),
            frozenset({"key_issued"}),
            instead=frozenset({"secret_added"}),
            wanted="issue_key",
        ),
    ),
}


async def shut_offs(
    context: Context, org_number: str, also: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return everything that was shut off under a producer, and under the refs in `also`.

    `due` and confirmation are by the workflow's own clock; `seconds` lie between the two, None
    while it is not confirmed.
    """
    rows = await cases.of_organisation(context.pool, org_number)
    rows += [row for ref in also if (row := await cases.find(context.pool, ref)) is not None]
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["type"] in KINDS:
            found += in_journal(row, await journal_of(context.pool, row["workflow_id"]))
    return sorted(found, key=lambda each: each["due"])


def in_journal(row: dict[str, Any], journal: list[Line]) -> list[dict[str, Any]]:
    """Return what was shut off by the journal of one workflow."""
    found = [
        {
            "ref": row["workflow_id"],
            "due": due.isoformat(),
            "seconds": round((at - due).total_seconds(), 2) if at else None,
        }
        for kind in KINDS[row["type"]]
        for due, at in _instants(kind, row, journal)
    ]
    return sorted(found, key=lambda each: each["due"])


def _instants(
    kind: Kind, row: dict[str, Any], journal: list[Line]
) -> Iterator[tuple[datetime, datetime | None]]:
    due: datetime | None = None
    for place, line in enumerate(journal):
        if line["name"] in kind.begins and (due is None or kind.wanted) and not _is_later(line):
            due = _due(row["view"]["details"], journal[: place + 1])
        elif line["name"] in kind.confirms and due is not None:
            yield due, line["at"]
            due = None
        elif line["name"] in kind.instead:
            due = None
    wanted = {each["operation"] for each in row["view"]["pending"]}
    if due is not None and (kind.wanted is None or kind.wanted in wanted):
        yield due, None


def _is_later(line: Line) -> bool:
    """Whether a step only says when it is to end: then its deadline begins it."""
    at = line["what"].get("at") if line["name"] == "end_permission" else None
    return at is not None and datetime.fromisoformat(at) > line["at"]


def _due(details: dict[str, Any], journal: list[Line]) -> datetime:
    """Return when the last line of a journal was due: by its day, however late it was applied.

    A day that had passed when it was said counts from then.
    """
    line = journal[-1]
    at: datetime = line["at"]
    if line["name"] == "expired" and "valid_until" in details:
        return min(at, datetime.fromisoformat(details["valid_until"]))
    if line["name"] == "left" and "last_day" in details:
        over = midnight_after(date.fromisoformat(details["last_day"]))
        said = [each["at"] for each in journal if each["name"] == "schedule_departure"]
        return min(at, max(over, said[-1])) if said else min(at, over)
    return at
