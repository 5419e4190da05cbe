"""The legal record: journal and read model in one transaction, the case number drawn there too."""

from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel
from temporalio import activity

from domain.dates import local_date
from domain.policy import Policy
from domain.state import Entry
from records import cases
from records.journal import JournalLine


class RecordInput(BaseModel):
    """New journal lines of a workflow, and its view after them."""

    chain_id: str
    workflow_id: str
    is_case: bool
    draws_number: bool
    opened_at: datetime | None
    entries: list[Entry]
    view: dict[str, Any]


class Recorded(BaseModel):
    """What the record answers: the case number, when one has been drawn."""

    number: str | None = None


class PolicyNow(BaseModel):
    """The policy that governs new runs."""

    policy: Policy


class Records:
    """What is kept in Postgres about workflows."""

    def __init__(self, pool: asyncpg.Pool, policy: Policy, prefix: str) -> None:
        self._pool = pool
        self._policy = policy
        self._prefix = prefix

    @activity.defn
    async def record(self, wanted: RecordInput) -> Recorded:
        """Append the journal lines and write the view; the same lines again change nothing."""
        year = local_date(wanted.opened_at).year if wanted.opened_at else None
        batch = cases.Batch(
            chain_id=wanted.chain_id,
            workflow_id=wanted.workflow_id,
            kind="case" if wanted.is_case else "entity",
            number_series=f"{self._prefix}{year}" if wanted.draws_number and year else None,
            entries=tuple(JournalLine(**entry.model_dump(mode="json")) for entry in wanted.entries),
            view=wanted.view,
        )
        number = await cases.record(self._pool, batch)
        case = {"case_number": number or batch.view.get("case_number")}
        activity.logger.info("recorded", extra=case | {"lines": len(batch.entries)})
        return Recorded(number=number)

    @activity.defn
    async def current_policy(self) -> PolicyNow:
        """Return the policy for a run that continues as new."""
        return PolicyNow(policy=self._policy)
