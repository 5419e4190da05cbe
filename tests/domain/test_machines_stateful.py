"""Every machine at random; `WALK_SEED` and `WALK_ACTS` choose the walk and its length."""

import os
from collections import Counter
from random import Random, SystemRandom

import pytest

from domain.machines import MACHINES
from tests.domain.walking import Walk

SEED = int(os.environ.get("WALK_SEED") or SystemRandom().randrange(10**6))
ACTS = int(os.environ.get("WALK_ACTS") or 24_000)
LONGEST = 150
REACHED = {
    "ProducerOnboarding": {"datasets", "appeal_period", "countersigning", "ended"},
    "DatasetConnection": {
        "supplement",
        "assessment",
        "connected",
        "appeal_period",
        "ended",
    },
    "AgentAppointment": {"accepted", "active", "ended"},
    "ProducerAgreement": {"in_force", "under_notice", "ended"},
    "Permission": {"active", "ended"},
    "Credential": {"awaiting_approval", "live", "ended"},
    "PersonAccess": {"active", "suspended", "leaving", "ended"},
    "AccessReconciliation": {"pause", "second_look", "asking", "dealing", "ended"},
}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_whatever_happens_a_machine_holds_its_promises(name: str) -> None:
    """No act breaks it, a refused one changes nothing, the same acts give the same journal.

    And in every state: something can happen next, the state is its own JSON, its view shows.
    """
    print(f"WALK_SEED={SEED}")  # noqa: T201 - pytest shows it when the test fails
    rng = Random(f"{SEED}/{name}")  # noqa: S311 - repeatable by its seed, keeps no secret
    stages: Counter[str] = Counter()
    acts = 0
    while acts < ACTS // len(MACHINES):
        walk = Walk(MACHINES[name], rng)
        for _ in range(rng.randint(10, LONGEST)):
            walk.step()
            if walk.state.is_ended and rng.random() < 0.2:
                break
        walk.replay()
        acts += walk.acts
        stages.update(walk.stages)
    print(f"{name}: {acts} acts, {dict(stages)}")  # noqa: T201
    assert REACHED[name] <= stages.keys()
