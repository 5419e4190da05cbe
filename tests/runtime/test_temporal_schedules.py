"""Schedules on the real server: kept as the code says, and left paused where a person paused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from temporalio.client import Client, ScheduleDescription, ScheduleOverlapPolicy

from domain.dates import STOCKHOLM
from runtime.temporal_schedules import keep_schedule
from runtime.temporal_server import TemporalServer
from worker import RECONCILIATION


async def _keep(client: Client, **changes: Any) -> ScheduleDescription:
    wanted = replace(RECONCILIATION, **changes)
    limit = timedelta(seconds=3)
    await keep_schedule(client, wanted, {"policy": {}}, task_queue="nobody", task_limit=limit)
    return await client.get_schedule_handle(wanted.schedule_id).describe()


async def test_the_reconciliation_is_started_at_half_past_two(temporal: TemporalServer) -> None:
    """Every night by Swedish time, summer or winter; passed over while a run is under way."""
    described = await _keep(await Client.connect(temporal.address))

    zone_times = {each.astimezone(STOCKHOLM) for each in described.info.next_action_times}
    assert {(2, 30)} == {(each.hour, each.minute) for each in zone_times}
    assert described.schedule.policy.overlap is ScheduleOverlapPolicy.SKIP


async def test_a_schedule_is_brought_up_to_date_and_stays_paused(temporal: TemporalServer) -> None:
    """Kept twice there is one; another time takes effect; a pause by hand is left alone."""
    client = await Client.connect(temporal.address)
    await _keep(client)
    await client.get_schedule_handle(RECONCILIATION.schedule_id).pause(note="portalen byts")
    described = await _keep(client, minute=45)

    assert {45} == {each.minute for each in described.info.next_action_times}
    assert (True, "portalen byts") == (
        described.schedule.state.paused,
        described.schedule.state.note,
    )
