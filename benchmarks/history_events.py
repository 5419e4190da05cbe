"""How long the histories of one onboarding are."""

from collections import Counter

from temporalio.api.enums.v1 import EventType

from benchmarks.figure import Figure
from benchmarks.stage import Stage, family_of, stage
from commands.scenarios import standard

ONBOARDING_BAR = 500
FAMILY_BAR = 1200


async def measure(scale: float) -> list[Figure]:
    """Onboard one producer and count the events of its workflows."""
    del scale
    async with stage() as on:
        demo = on.demo(on.municipalities(1)[0])
        await standard(demo)
        found = await events_of(on, demo.entry.org_number)
    sizes = {ref: sum(counted.values()) for ref, counted in found.items()}
    kinds = sum((Counter(counted) for counted in found.values()), Counter[str]())
    own = sizes[demo.ref]
    return [
        Figure("history of the onboarding workflow", own, "events", ONBOARDING_BAR),
        Figure(
            "histories of one onboarding",
            sum(sizes.values()),
            "events",
            FAMILY_BAR,
            details={"workflows": sizes, "kinds": dict(kinds.most_common())},
        ),
    ]


async def events_of(on: Stage, org_number: str) -> dict[str, dict[str, int]]:
    """Return for each workflow of a producer how many events of each kind its history has."""
    found = {}
    for workflow_id in await family_of(on.context, org_number):
        history = await on.context.client.get_workflow_handle(workflow_id).fetch_history()
        names = [EventType.Name(event.event_type) for event in history.events]
        found[workflow_id] = dict(Counter(name.removeprefix("EVENT_TYPE_") for name in names))
    return found
