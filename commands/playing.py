"""Playing a scenario against a stack, and counting what it left outside."""

import time
from typing import Any

from adapters.organisation_registers import OrganisationRegisters
from commands.context import CommandError, Context
from commands.demo import Demo
from commands.rehearsals import REHEARSALS
from commands.scenarios import SCENARIOS
from commands.shut_offs import shut_offs
from runtime.acting import StepRefusedError

MOLNDAL = "212000-1363"
DATASETS = {"municipality": "detaljplan", "state_agency": "stompunkt"}
PLAYED = SCENARIOS | REHEARSALS


async def run_demo(
    context: Context, addresses: dict[str, str], scenario: str, organisation: str | None
) -> dict[str, Any]:
    """Play a scenario against a running stack; returns what was counted.

    `passed` is whether it ended as the scenario should.

    Raises:
        CommandError: there is no such scenario or organisation.
    """
    if scenario not in PLAYED:
        raise CommandError(f"Okänt / unknown: {scenario}. {', '.join(PLAYED)}")
    registers = OrganisationRegisters(context.settings.data_dir)
    entry = registers.look_up(organisation or MOLNDAL)
    if entry is None:
        raise CommandError(f"{organisation} finns inte i registren. / is in neither register.")
    demo = Demo(context, entry, addresses, dataset_id=DATASETS[entry.kind])
    started = time.monotonic()
    try:
        passed = await PLAYED[scenario](demo)
    except StepRefusedError as error:
        text = error.refusal["text"]
        raise CommandError(f"{text['sv']} / {text['en']}") from None
    return await demo.result(started, passed=passed) | {
        "accounts": await demo.accounts(),
        "shut_offs": await shut_offs(context, entry.org_number, demo.also),
    }
