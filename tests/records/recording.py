"""Batches as workflows hand them in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from records.cases import Batch
from records.journal import JournalLine

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
ORG = "212000-1363"
ONBOARDING = f"onboarding/{ORG}"


def line(sequence: int, **changes: Any) -> JournalLine:
    """Return a journal line."""
    whole: dict[str, Any] = {
        "sequence": sequence,
        "at": NOON + timedelta(minutes=sequence),
        "kind": "act",
        "name": "note",
        "stage": "intake",
        "actor": {"subject": "anna", "name": "Anna Åkesson", "role": "producer_contact"},
        "what": {"text": f"Rad {sequence}"},
    }
    return JournalLine(**(whole | changes))


def view(workflow_id: str = ONBOARDING, **changes: Any) -> dict[str, Any]:
    """Return a view with what the records read of it."""
    whole: dict[str, Any] = {
        "ref": workflow_id,
        "type": "ProducerOnboarding",
        "number": None,
        "case_number": None,
        "stage": "intake",
        "organisation": {"org_number": ORG, "name": "Mölndals kommun"},
        "opened_at": NOON.isoformat(),
        "version": 1,
        "waiting": None,
        "waits": [],
        "pending": [],
        "open_steps": [],
        "upcoming": [],
    }
    return whole | changes


def waiting(on: str, *, since: datetime = NOON, due: str | None = None) -> dict[str, Any]:
    """Return the part of a view that says on whom it waits."""
    wait = {"on": on, "since": since.isoformat(), "rule": "some_rule", "item": "", "due": due}
    return {"waiting": wait, "waits": [wait]}


def batch(
    *lines: JournalLine,
    workflow_id: str = ONBOARDING,
    chain_id: str = "",
    kind: str = "case",
    series: str | None = None,
    **changes: Any,
) -> Batch:
    """Return a batch; a chain is called as its workflow unless said otherwise."""
    return Batch(
        chain_id=chain_id or f"run-of-{workflow_id}",
        workflow_id=workflow_id,
        kind=kind,
        number_series=series,
        entries=lines,
        view=view(workflow_id, **changes),
    )
