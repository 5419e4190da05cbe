"""How long it takes to be well again after an outage, by a retry of all that fails at a system."""

import asyncio
import re
import time

from benchmarks.connected import DATASET, begin, company_number, holder, until_counted
from benchmarks.figure import Figure
from benchmarks.simulated import fail, heal, held
from benchmarks.stage import Stage, at_once, stage
from commands.demo import plain_http
from commands.retrying import retry_failing
from domain.credential_state import credential_id
from domain.state import System

INCIDENTS = 200
DOWN = System.PORTAL_PRODUCTION
# Long enough that most wait for a minute or more: what they then do is not their own next attempt.
OUTAGE_SECONDS = 40.0
SHOWN = "select count(*) from incidents where system = $1 and attempts >= 3"
OFFERED = "select count(*) from cases where type = 'Credential' and stage = 'offered'"
RESETS = re.compile(r'temporal_request_total\{[^}]*"ResetActivityExecution"[^}]*\} (\d+)')


async def measure(scale: float) -> list[Figure]:
    """Let credentials fail at a portal that is down, heal it, retry them all by one command."""
    count = max(round(INCIDENTS * scale), 5)
    async with stage() as on:
        await fail(on, DOWN)
        await at_once(lambda number: begin_credential(on, number), range(count))
        await until_counted(on, SHOWN, count, "incidents", DOWN)
        await asyncio.sleep(OUTAGE_SECONDS * min(scale, 1))
        await heal(on, DOWN)
        began = time.perf_counter()
        counted = await retry_failing(on.context, DOWN)
        command = time.perf_counter() - began
        await until_counted(on, OFFERED, count, "done")
        took = time.perf_counter() - began
        resets = await _resets(on)
        await _assert_one_each(on, count)
    details: dict[str, object] = {"incidents": count, "command": counted, "resets": resets}
    return [
        Figure("all done after a bulk retry", took, "s", details=details),
        Figure("the command of a bulk retry", command, "s"),
        Figure("wake-ups for each incident", resets / count, "resets"),
    ]


async def begin_credential(on: Stage, number: int) -> str:
    """Begin a credential as its permission does; returns its id."""
    org_number = company_number(number)
    ref = credential_id(org_number, DATASET, org_number, "production")
    content = {
        "owner": f"permission/{org_number}/{DATASET}/{org_number}",
        "org_number": org_number,
        "organisation_name": f"Bolag {number} AB",
        "dataset_id": DATASET,
        "dataset_name": "Detaljplan",
        "party": org_number,
        "environment": "production",
        "apis": list(on.context.policy.datasets[DATASET].apis),
        "system_account": f"rght{number:04}",
        "holder": holder(number),
    }
    await begin(on, "Credential", ref, content)
    return ref


async def _resets(on: Stage) -> int:
    """Return how often the worker has woken an operation, by its own metrics."""
    async with plain_http() as http:
        text = (await http.get(f"http://127.0.0.1:{on.stack.ports['metrics']}/metrics")).text
    return sum(int(each) for each in RESETS.findall(text))


async def _assert_one_each(on: Stage, count: int) -> None:
    """See at the portal that each has exactly one application with one key."""
    applications = (await held(on, DOWN))["applications"]
    keys = [each["keys"] for each in applications if each["key"]]
    if keys != [1] * count:
        raise RuntimeError(f"{len(keys)} applications with {sum(keys)} keys for {count}")
