"""Incidents: what fails outside, noted at each failed attempt and cleared at the first success."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from activities.outside import LONGEST_PAUSE, NOT_YET, OUTSIDE_ERROR
from activities.waking import wake_activities
from domain.state import PARTY_OF_SYSTEM, System
from records import incidents

T = TypeVar("T")

WAKE_JITTER_SECONDS = 1.0
WOKEN_AT_A_TIME = 20
# What the record may take of an attempt's time: it is not what the attempt is for.
NOTING_SECONDS = 3.0
WATCHED = {str(system) for system in [*PARTY_OF_SYSTEM, System.MAIL]}


class IncidentInterceptor(Interceptor):
    """Wraps every activity attempt of a watched system. Never fails the attempt itself."""

    def __init__(self, pool: asyncpg.Pool, client: Client) -> None:
        self._pool = pool
        self._client = client

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Put the watcher around an activity."""
        return _Watcher(next, self._pool, self._client)


class _Watcher(ActivityInboundInterceptor):
    def __init__(
        self, next_: ActivityInboundInterceptor, pool: asyncpg.Pool, client: Client
    ) -> None:
        super().__init__(next_)
        self._pool = pool
        self._client = client

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's names
        system = activity.info().task_queue
        if system not in WATCHED:
            return await super().execute_activity(input)
        await self._quietly(self._started(system))
        try:
            result = await super().execute_activity(input)
        except Exception as error:
            if isinstance(error, ApplicationError) and error.type == NOT_YET:
                await self._answered(system)
            else:
                await self._quietly(self._failed(system, error))
            raise
        await self._answered(system)
        return result

    async def _quietly(
        self, noting: Awaitable[T], seconds: float | None = NOTING_SECONDS
    ) -> T | None:
        try:
            async with asyncio.timeout(seconds):
                return await noting
        except Exception:  # noqa: BLE001 - the record being down must not fail the attempt
            activity.logger.warning("an incident could not be noted")
            return None

    async def _answered(self, system: str) -> None:
        """The system works: this operation's incident is over, and what waits for it is woken."""
        if await self._quietly(self._cleared()):
            await self._quietly(self._wake_waiting(system), seconds=None)

    async def _started(self, system: str) -> None:
        info = activity.info()
        if info.attempt > 1:
            await incidents.started(
                self._pool,
                workflow_id=info.workflow_id or "",
                operation=info.activity_id,
                system=system,
                now=datetime.now(UTC),
            )

    async def _failed(self, system: str, error: Exception) -> None:
        info = activity.info()
        details: dict[str, Any] = {}
        pause: timedelta | None = None
        if isinstance(error, ApplicationError):
            pause = error.next_retry_delay
            if error.type == OUTSIDE_ERROR and error.details:
                details = error.details[0]
        now = datetime.now(UTC)
        policy = info.retry_policy or RetryPolicy()
        longest = policy.maximum_interval or LONGEST_PAUSE
        pause = pause or min(policy.initial_interval * 2 ** min(info.attempt - 1, 10), longest)
        await incidents.failed(
            self._pool,
            workflow_id=info.workflow_id or "",
            operation=info.activity_id,
            system=system,
            status=details.get("status"),
            said=str(details.get("said") or type(error).__name__)[:300],
            unmendable=bool(details.get("unmendable")),
            now=now,
            next_try_at=now + pause,
        )

    async def _cleared(self) -> bool:
        info = activity.info()
        return await incidents.cleared(
            self._pool, workflow_id=info.workflow_id or "", operation=info.activity_id
        )

    async def _wake_waiting(self, system: str) -> None:
        """Wake what waits at a system, some at a time; each is woken by one success only.

        Every success after a failure does this, also beside each other: without taking what they
        wake, a thousand of them would each wake all the others.
        """
        now = datetime.now(UTC)
        until = now + timedelta(seconds=WAKE_JITTER_SECONDS)
        lost_before = now - (activity.info().start_to_close_timeout or LONGEST_PAUSE)
        while pairs := await incidents.take_waiting(
            self._pool,
            system,
            since=now,
            until=until,
            lost_before=lost_before,
            limit=WOKEN_AT_A_TIME,
        ):
            await wake_activities(self._client, pairs, jitter_seconds=WAKE_JITTER_SECONDS)
