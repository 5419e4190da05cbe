"""Retrying by hand after an outage: everything that fails at a system, with progress."""

import uuid

from rich.progress import Progress

from commands.context import Context
from commands.people import actor_of
from domain.state import System
from records import incidents
from runtime.acting import NoSuchCaseError, StepRefusedError, send_step


async def retry_failing(context: Context, system: System | None) -> dict[str, int]:
    """Take `retry_step` in every workflow that fails at a system; returns how many took it."""
    systems = [system] if system else list(System)
    failing = [each for name in systems for each in await incidents.failing(context.pool, name)]
    actor = await actor_of(context, "operator", None)
    retried = 0
    with Progress(transient=True) as progress:
        for each in progress.track(failing):
            request = {
                "request_id": str(uuid.uuid4()),
                "actor": actor.model_dump(mode="json"),
                "payload": {"operation": each.operation},
            }
            try:
                await send_step(context.client, each.workflow_id, "retry_step", request)
            except (StepRefusedError, NoSuchCaseError):
                continue
            retried += 1
    return {"failing": len(failing), "retried": retried}
