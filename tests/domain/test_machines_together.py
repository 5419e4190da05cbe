"""The machines of one producer together, played at random; `WALK_SEED` chooses the plays."""

import os
from random import Random, SystemRandom
from typing import Any

from domain.appointment_state import AppointmentState
from domain.connection_state import ConnectionState
from domain.state import State
from tests.domain import parts
from tests.domain.playing import PERSONAL, application, declaration
from tests.domain.world import World

SEED = int(os.environ.get("WALK_SEED") or SystemRandom().randrange(10**6))
PLAYS = int(os.environ.get("WALK_PLAYS") or 60)
MANY_OUTCOMES = 6
EVA = [{"role": "contact", "person": parts.EVA}]
CLOSE = {"reason": "x", "legal_rules": ["FL 32 §"]}
ENDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (parts.ONBOARDING_ID, "withdraw", {}),
    (parts.ONBOARDING_ID, "close", CLOSE),
    (parts.ONBOARDING_ID, "refuse_countersigning", {"reason": "x"}),
    (parts.ONBOARDING_ID, "replace_contact", parts.EVA),
    (parts.CONNECTION_ID, "withdraw", {}),
    (parts.CONNECTION_ID, "close", CLOSE),
    (parts.CONNECTION_ID, "disconnect", {"last_day": "2026-12-31"}),
    (parts.PERMISSION_ID, "end_permission", {"reason": "x"}),
    (parts.key_ref("production"), "revoke_key", {"reason": "x"}),
    (parts.AGREEMENT_ID, "give_notice", {"last_day": "2026-09-30", "reason": "x", "document": "d"}),
    (parts.APPOINTMENT_ID, "revoke_agent", {"reason": "x"}),
    (parts.APPOINTMENT_ID, "leave_appointment", {"reason": "x", "last_day": "2026-11-30"}),
    (parts.APPOINTMENT_ID, "change_datasets", {"remove": ["detaljplan"]}),
    (parts.CONNECTION_ID, "change_delivery", {"delivery": "agent"}),
    ("person/acc-1", "schedule_departure", {"last_day": "2026-05-29"}),
    ("person/acc-1", "schedule_departure", {"last_day": "2026-05-29", "successors": EVA}),
    ("person/acc-9", "schedule_departure", {"last_day": "2026-05-29"}),
    ("person/acc-1", "change_duties", {"roles": ["contact"], "from": "2026-06-01"}),
)
MORE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("AgentAppointment", parts.APPOINTMENT_ID, parts.appointment()),
    ("DatasetConnection", parts.CONNECTION_ID, parts.dataset_application()),
    (
        "DatasetConnection",
        "dataset/212000-1363/byggnad",
        parts.dataset_application(dataset_id="byggnad", **PERSONAL),
    ),
)


def _play(rng: Random) -> World:
    world = World(rng)
    names = rng.choice([["detaljplan"], ["detaljplan", "byggnad"]])
    world.open(application(*(declaration(name) for name in names)))
    end = rng.choice(ENDS)
    for tick in range(rng.randint(20, 250)):
        world.tick()
        if parts.AGREEMENT_ID in world.running and rng.random() < 0.02:
            world.open_more(*rng.choice(MORE))
        if tick % 7 == 6 and rng.random() < 0.4:
            world.act(*end)
    while world.tick(people=False):
        assert world.ticks < 5_000, "something goes on for ever"
    return world


def _rests_on(state: State) -> list[str]:
    """Return what must live as long as a workflow does."""
    if state.type in {"Permission", "Credential"} and state.owner is not None:
        return [state.owner]
    if isinstance(state, ConnectionState | AppointmentState) and state.is_enrolled:
        return [parts.AGREEMENT_ID]
    return []


def test_whatever_order_their_words_take_nothing_is_left_waiting() -> None:
    """When people stop and every system has answered, all has ended or waits on somebody.

    Nothing is stuck in its clean-up, nobody waits for a part that is not there, and nothing lives
    on when what it rests on has ended: no key without its right, no right without its agreement.
    """
    print(f"WALK_SEED={SEED}")  # noqa: T201 - pytest shows it when the test fails
    rng = Random(SEED)  # noqa: S311 - repeatable by its seed, keeps no secret
    outcomes = []
    for _ in range(PLAYS):
        world = _play(rng)
        for ref, play in world.running.items():
            assert play.state.stage != "ending", ref
            for part in play.state.open_parts():
                assert part.ref in world.running, (ref, play.state.stage, part)
            for basis in _rests_on(play.state):
                assert basis in world.running, (ref, play.state.stage, basis)
        outcomes += [play.state.outcome for play in world.ended]
    assert "connected" in outcomes
    assert len(set(outcomes)) > MANY_OUTCOMES
