"""What benchmarks do to the simulated systems: let them fail, heal them, see what they hold."""

from typing import Any

from benchmarks.stage import Stage
from commands.demo import plain_http


async def fail(on: Stage, system: str, *, status: int = 503) -> None:
    """Let a system answer everything with an error from now on."""
    await _control(on, system, "POST", "faults", {"match": "*", "status": status})


async def heal(on: Stage, system: str) -> None:
    """Let a system be well again."""
    await _control(on, system, "DELETE", "faults")


async def held(on: Stage, system: str) -> Any:
    """Return what a system holds."""
    return await _control(on, system, "GET", "state")


async def _control(on: Stage, system: str, method: str, what: str, body: object = None) -> Any:
    where = f"{on.stack.addresses()[system]}/_control/{what}"
    async with plain_http() as http:
        answer = await http.request(method, where, json=body, timeout=30)
    return answer.raise_for_status().json()
