"""The scenarios of the demo: each plays every role, on the real stack, to a counted end."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.organisation_registers import OrganisationRegisters
from commands.context import CommandError, Context
from commands.demo import Demo
from runtime.acting import StepRefusedError

MOLNDAL = "212000-1363"
DATASETS = {"municipality": "detaljplan", "state_agency": "stompunkt"}


async def standard(demo: Demo) -> bool:
    """Onboard the producer whole; returns whether the production key works."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    return await connect(demo)


async def connect(demo: Demo) -> bool:
    """Fetch both keys and deliver between them; returns whether the production key works."""
    await demo.stage("datasets", "connecting", "ended")
    await demo.fetch("verification")
    await demo.report_delivery()
    await demo.fetch("production")
    await demo.stage("ended", "connected")
    return await demo.production_works()


async def denied(demo: Demo) -> bool:
    """A producer that is denied: heard, decided, and the appeal period begins."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide("denied")
    await demo.stage("appeal_period")
    return False


async def returned_agreement(demo: Demo) -> bool:
    """An agreement returned by place, corrected, and then all the way."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    due = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
    lacks = {"place": "p.14", "what": "Underskriften saknas på sista sidan."}
    payload = {"kind": "producer", "deficiencies": [lacks], "due": due}
    await demo.act("case_handler", "return_agreement", payload)
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    return await connect(demo)


async def scanned(demo: Demo) -> bool:
    """An agreement on paper, scanned: a person answers each place."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in(scanned=demo.context.settings.forms_dir / "skannat-exempel.pdf")
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    return await connect(demo)


async def withdrawn(demo: Demo) -> bool:
    """A producer that withdraws while its verification key is offered: everything is removed."""
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.decide()
    await demo.countersign()
    ref = demo.part("credential", demo.entry.org_number, "verification")
    await demo.stage("offered", ref=ref)
    await demo.act(demo.contact, "withdraw", {"reason": "Vi väntar till nästa år."})
    await demo.stage("ended")
    return False


SCENARIOS: dict[str, Callable[[Demo], Awaitable[bool]]] = {
    "standard": standard,
    "denied": denied,
    "returned-agreement": returned_agreement,
    "scanned": scanned,
    "withdrawn": withdrawn,
}


async def run_demo(
    context: Context, addresses: dict[str, str], scenario: str, organisation: str | None
) -> dict[str, Any]:
    """Play a scenario against a running stack; returns what was counted.

    Raises:
        CommandError: there is no such scenario or organisation.
    """
    if scenario not in SCENARIOS:
        raise CommandError(f"Okänt / unknown: {scenario}. {', '.join(SCENARIOS)}")
    registers = OrganisationRegisters(context.settings.data_dir)
    entry = registers.look_up(organisation or MOLNDAL)
    if entry is None:
        raise CommandError(f"{organisation} finns inte i registren. / is in neither register.")
    demo = Demo(context, entry, addresses, dataset_id=DATASETS[entry.kind])
    started = time.monotonic()
    try:
        token = await SCENARIOS[scenario](demo)
    except StepRefusedError as error:
        text = error.refusal["text"]
        raise CommandError(f"{text['sv']} / {text['en']}") from None
    return await demo.result(started, token=token)
