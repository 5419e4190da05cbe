"""Whole onboardings on the real server, against the simulated outside world."""

from commands.demo import Demo
from commands.scenarios import denied, returned_agreement, scanned, standard, withdrawn
from tests.world import World

ONE_EACH = {"verification": 1, "production": 1}
NONE = {"verification": 0, "production": 0}
PARTS = ("onboarding", "agreement", "dataset", "permission", "credential", "person")


async def _events(world: World, demo: Demo) -> dict[str, int]:
    view = await demo.view()
    person = view["details"]["contact"]["account_id"]
    refs = [demo.ref, f"person/{person}", *(part["workflow_id"] for part in view["parts"])]
    found = {}
    for ref in refs:
        history = await world.handle(ref).fetch_history()
        found[ref] = len(history.events)
    return found


async def test_a_municipality_gets_a_key_that_works(world: World) -> None:
    """From application to a production key that gets a token: one application, one key each."""
    demo = world.demo()

    assert await standard(demo)
    assert ONE_EACH == await demo.count("applications")
    assert ONE_EACH == await demo.count("keys")
    assert "connected" == (await demo.view())["outcome"]


async def test_the_histories_of_an_onboarding_are_short(world: World) -> None:
    """At most 500 events for the onboarding and 1,200 for all of its workflows."""
    demo = world.demo()
    await standard(demo)
    events = await _events(world, demo)

    assert events[demo.ref] <= 500
    assert sum(events.values()) <= 1200


async def test_a_denied_producer_gets_nothing(world: World) -> None:
    """A denial is heard and decided; nothing is made at the portals; legal force ends the case."""
    demo = world.demo()
    await denied(demo)
    assert NONE == await demo.count("applications")

    await world.forward(demo.ref, days=40)
    view = await demo.stage("ended")
    assert "denied" == view["outcome"]


async def test_after_a_denial_a_new_application_is_allowed(world: World) -> None:
    """While a case is open a second one is refused; once it has ended a new one is opened."""
    demo = world.demo()
    await denied(demo)
    first = (await demo.view())["number"]
    await world.forward(demo.ref, days=40)
    await demo.stage("ended")
    await world.handle(demo.ref).result()

    await demo.apply()
    view = await demo.until("a number of its own", lambda v: v["number"] != first, demo.ref)
    assert view["stage"] != "ended"


async def test_an_agreement_is_returned_by_place_and_comes_again(world: World) -> None:
    """A returned agreement names its place; corrected, the case goes all the way."""
    assert await returned_agreement(world.demo())


async def test_paper_is_answered_place_by_place_by_a_person(world: World) -> None:
    """A scan has no fields: the automatic check refuses nothing."""
    assert await scanned(world.demo())


async def test_withdrawing_removes_what_was_made(world: World) -> None:
    """After a withdrawal no application, no key, and no system account is left on."""
    demo = world.demo()
    await withdrawn(demo)

    assert NONE == await demo.count("applications")
    accounts = await world.outside("account_system")
    mine = [a for a in accounts if a.get("orgNumber") == demo.entry.org_number and "loginName" in a]
    assert [False] == [account["active"] for account in mine]
    register = await world.outside("agreement_register")
    statuses = [a["status"] for a in register if a["org_number"] == demo.entry.org_number]
    assert ["ended"] == statuses


async def test_two_data_sets_of_which_one_is_denied(world: World) -> None:
    """The granted one is connected; the denied one waits out its appeal period by itself."""
    demo = world.demo()
    await demo.apply(demo.declaration("detaljplan"), demo.declaration("byggnad"))
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    decided = [
        {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"},
        {"dataset_id": "byggnad", "granted": False},
    ]
    proposal = {
        "outcome": "granted",
        "datasets": decided,
        "legal_rules": ["FL 32 §"],
        "decisive_facts": "Byggnad saknar underlag.",
    }
    await demo.act("case_handler", "propose_decision", proposal)
    await demo.act("case_handler", "skip_hearing", {"reason": "FL25_1"})
    await demo.act("decider", "decide", {"reasons": "Enligt förslaget."})
    await demo.countersign()
    await demo.fetch("verification")
    await demo.report_delivery()
    await demo.fetch("production")
    await demo.stage("ended")

    other = f"dataset/{demo.entry.org_number}/byggnad"
    await demo.stage("appeal_period", ref=other)
    await world.forward(other, days=40)
    assert "denied" == (await demo.stage("ended", ref=other))["outcome"]
