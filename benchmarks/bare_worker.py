"""The worker of the bare family, a program of its own, set up as ours but for what is ours."""

import asyncio
import sys
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.bare_family import BARE_QUEUE, Bare, nothing


async def run(address: str) -> None:
    """Work until stopped."""
    client = await Client.connect(address)
    worker = Worker(
        client,
        task_queue=BARE_QUEUE,
        workflows=[Bare],
        activities=[nothing],
        max_concurrent_activities=100,
        max_concurrent_workflow_tasks=20,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )
    await worker.run()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
