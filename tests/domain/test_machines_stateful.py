"""Every machine at random; `WALK_SEED` and `WALK_ACTS` choose the walks and how many they are."""

import os
from collections import Counter
from random import Random, SystemRandom

import pytest
from hypothesis import HealthCheck, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from domain.machine import Machine
from domain.machines import MACHINES
from tests.domain.walking import Walk

SEED = int(os.environ.get("WALK_SEED") or SystemRandom().randrange(10**6))
AT_LEAST = 20_000
ACTS = int(os.environ.get("WALK_ACTS") or AT_LEAST)
MOST_ROUNDS = 10 * max(ACTS // AT_LEAST, 1)
# Ten walks a round: of more, hypothesis makes most by repeating parts of those before.
ROUND = settings(
    max_examples=10,
    stateful_step_count=100,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 2**20)  # drawn evenly; larger ones would mostly be small
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


class Walked(RuleBasedStateMachine):
    """A walk whose steps have a seed each: when it fails, hypothesis leaves out what it can."""

    machine: Machine[object]  # type: ignore[type-var]
    acts: int
    stages: Counter[str]

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        """Before anything has happened."""
        self.is_broken = False
        self.walk = Walk(self.machine, Random(seed))  # noqa: S311 - repeatable by its seed

    @rule(seed=SEEDS)
    def step(self, seed: int) -> None:
        """One thing happens."""
        self.is_broken = True
        self.walk.rng.seed(seed)
        self.walk.step()
        self.is_broken = False

    def teardown(self) -> None:
        """The same acts again."""
        note("; ".join(f"{each.act.kind} {each.act.name}" for each in self.walk.taken))
        if not self.is_broken:
            self.walk.replay()
            type(self).acts += self.walk.acts
            self.stages.update(self.walk.stages)


@pytest.mark.timeout(900)  # a walk that fails is made as short as it can be
@pytest.mark.parametrize("name", sorted(MACHINES))
def test_whatever_happens_a_machine_holds_its_promises(name: str) -> None:
    """No act breaks it, a refused one changes nothing, the same acts give the same journal.

    And in every state: something can happen next, the state is its own JSON, its view shows, and
    nothing is true that must not be (`tests/domain/holding.py`).
    """
    print(f"WALK_SEED={SEED}")  # noqa: T201 - pytest shows it when the test fails
    stages: Counter[str] = Counter()
    share, rounds = ACTS // len(MACHINES), 0
    members = {"machine": MACHINES[name], "acts": 0, "stages": stages}
    walked: type[Walked] = type(name, (Walked,), members)
    while (walked.acts < share or not REACHED[name] <= stages.keys()) and rounds < MOST_ROUNDS:
        rounds += 1
        run_state_machine_as_test(seed(f"{SEED}/{rounds}")(walked), settings=ROUND)
    print(f"{name}: {walked.acts} acts, {dict(stages)}")  # noqa: T201
    assert walked.acts >= share
    assert REACHED[name] <= stages.keys()
