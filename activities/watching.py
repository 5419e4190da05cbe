"""A look at the whole, again and again: failed workflow tasks become incidents, figures metrics.

Every worker looks and says the same, so an alert takes the highest of them.
"""

import logging
from datetime import UTC, datetime, timedelta

import asyncpg
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey

from records import figures, incidents
from records.incidents import FailedTask

# Set by the server after two failures in a row, and taken away by the next success.
PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FAILING = f"{PROBLEMS.name} IS NOT NULL AND ExecutionStatus = 'Running'"
MOST_LISTED = 1000
LATE = timedelta(seconds=60)

log = logging.getLogger("watching")


async def failed_tasks(client: Client) -> list[FailedTask]:
    """Return the open workflows whose task fails; a count is all that it costs when none does."""
    if not (await client.count_workflows(FAILING)).count:
        return []
    found = client.list_workflows(FAILING, limit=MOST_LISTED)
    return [await _failed_task(client, execution) async for execution in found]


async def _failed_task(client: Client, execution: WorkflowExecution) -> FailedTask:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    described = await handle.describe()
    said = execution.typed_search_attributes.get(PROBLEMS, [])
    causes = [each.partition("=")[2] for each in said if each.startswith("cause=")]
    return FailedTask(
        workflow_id=execution.id,
        attempts=max(1, described.raw_description.pending_workflow_task.attempt - 1),
        cause=f"{', '.join(causes) or 'workflow task failed'} (docs/runbook.md)",
    )


class Watch:
    """Looks, and tells Prometheus."""

    def __init__(self, pool: asyncpg.Pool, client: Client, shutting_off: list[str]) -> None:
        self._pool = pool
        self._client = client
        self._shutting_off = shutting_off
        self._registry = CollectorRegistry()
        self._failed = self._gauge("failed_workflow_tasks", "Workflows whose own task fails: bugs")
        self._incidents = self._gauge("incidents", "Incidents that show", "system")
        self._oldest = self._gauge("oldest_incident_seconds", "Age of the oldest one", "system")
        self._open = self._gauge("open_cases", "Cases that have not ended")
        self._overdue = self._gauge("shutoffs_overdue", "Shut-offs wanted for more than 60 s")
        self._looked = self._gauge("last_look_timestamp_seconds", "When all of this was looked at")

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"ngp_{name}", what, labels, registry=self._registry)

    def text(self) -> str:
        """Return the figures of the last look, as Prometheus reads them."""
        return generate_latest(self._registry).decode()

    async def look(self) -> None:
        """Look once. What cannot be looked at keeps its last figure, and is tried again."""
        now = datetime.now(UTC)
        try:
            failed = await failed_tasks(self._client)
            self._failed.set(len(failed))
            await incidents.note_failed_tasks(self._pool, failed, now)
            await self._count(now)
        except Exception as error:  # noqa: BLE001 - a watcher that stops is worse than one that waits
            log.warning("could not look at the whole: %s", type(error).__name__)
        else:
            self._looked.set(now.timestamp())

    async def _count(self, now: datetime) -> None:
        counted = await figures.count(self._pool, self._shutting_off, late_since=now - LATE)
        self._open.set(counted.open_cases)
        self._overdue.set(counted.overdue)
        self._incidents.clear()
        self._oldest.clear()
        for system, number in counted.incidents.items():
            self._incidents.labels(system).set(number)
            self._oldest.labels(system).set((now - counted.oldest[system]).total_seconds())
