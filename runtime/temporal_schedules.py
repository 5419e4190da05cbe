"""What Temporal starts by the clock: schedules, kept as the code says."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

CATCH_UP: Final = timedelta(hours=12)
"""How late a run still makes sense after an outage; the server's own default is a year."""


@dataclass(frozen=True)
class Nightly:
    """A workflow started once a night, at an hour and minute of a time zone.

    The server adds the instant to `workflow_id`. A night is passed over while a run is under way.
    """

    schedule_id: str
    workflow: str
    workflow_id: str
    hour: int
    minute: int
    time_zone: str


async def keep_schedule(
    client: Client,
    wanted: Nightly,
    start: dict[str, Any],
    *,
    task_queue: str,
    task_limit: timedelta,
) -> None:
    """Create a schedule, or bring the one that is there up to date; paused by hand, it stays so."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            wanted.workflow,
            start,
            id=wanted.workflow_id,
            task_queue=task_queue,
            task_timeout=task_limit,
            static_summary=wanted.workflow,
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(
                    hour=[ScheduleRange(wanted.hour)], minute=[ScheduleRange(wanted.minute)]
                )
            ],
            time_zone_name=wanted.time_zone,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
    try:
        await client.create_schedule(wanted.schedule_id, schedule)
    except ScheduleAlreadyRunningError:

        def updated(known: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(replace(schedule, state=known.description.schedule.state))

        await client.get_schedule_handle(wanted.schedule_id).update(updated)
