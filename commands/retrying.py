"""Retrying by hand after an outage: everything that fails at a system, with progress."""

import asyncio
import uuid
from collections import Counter

from rich.progress import Progress
from temporalio.service import RPCError, RPCStatusCode

from commands.context import STDERR, Context
from commands.people import staff_here
from domain.act import Actor, Role
from domain.state import System
from records import incidents
from records.incidents import Incident
from runtime.acting import NoSuchCaseError, NotAnsweredError, StepRefusedError, send_step

AT_ONCE = 20


async def retry_failing(context: Context, system: System | None) -> dict[str, int]:
    """Try again at once in every workflow that fails at a system; returns how many ended how.

    `failing` of them were found; `retried` are tried again at once; `passed_over` no longer need it
    (the first success has woken the rest); `unanswered` did not take the step in time.
    """
    systems = [system] if system else list(System)
    failing = [each for name in systems for each in await incidents.failing(context.pool, name)]
    actor = staff_here(context, Role.OPERATOR)
    counts = Counter(failing=len(failing), retried=0, passed_over=0, unanswered=0)
    slots = asyncio.Semaphore(AT_ONCE)
    with Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("retry", total=len(failing))

        async def one(incident: Incident) -> None:
            async with slots:
                counts[await _retry(context, incident, actor)] += 1
            progress.advance(task)

        await asyncio.gather(*(one(each) for each in failing))
    return dict(counts)


async def _retry(context: Context, incident: Incident, actor: Actor) -> str:
    try:
        if incident.system == System.MAIL:
            await _retry_mail(context, incident, actor)
        else:
            await _retry_step(context, incident, actor)
    except (StepRefusedError, NoSuchCaseError):
        return "passed_over"
    except RPCError as error:
        return "passed_over" if error.status is RPCStatusCode.NOT_FOUND else "unanswered"
    except NotAnsweredError:
        return "unanswered"
    return "retried"


async def _retry_step(context: Context, incident: Incident, actor: Actor) -> None:
    request = {
        "request_id": str(uuid.uuid4()),
        "actor": actor.model_dump(mode="json"),
        "payload": {"operation": incident.operation},
    }
    await send_step(context.client, incident.workflow_id, "retry_step", request)


async def _retry_mail(context: Context, incident: Incident, actor: Actor) -> None:
    """Tell the workflow by word: a mail is also sent when no step is open any more."""
    word = {
        "message_id": f"retry#{uuid.uuid4()}",
        "sender": "retry",
        "what": "retry_notice",
        "content": {"operation": incident.operation, "by": actor.subject},
    }
    await context.client.get_workflow_handle(incident.workflow_id).signal("heard", word)
