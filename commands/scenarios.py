"""The scenarios of the demo: each plays every role, on the real stack, to a counted end.

Each returns whether it ended as it should.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from commands.demo import Demo


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
    return not any((await demo.count("applications")).values())


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
    return not any((await demo.count("applications")).values())


SCENARIOS: dict[str, Callable[[Demo], Awaitable[bool]]] = {
    "standard": standard,
    "denied": denied,
    "returned-agreement": returned_agreement,
    "scanned": scanned,
    "withdrawn": withdrawn,
}
