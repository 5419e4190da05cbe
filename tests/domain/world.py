"""All machines of one producer together: their words reach each other, in each sender's order."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from domain.act import Role
from domain.agreement_state import standing
from domain.machine import content_of, timers
from domain.machines import MACHINES
from domain.state import Pending, State, Tell
from tests.domain import parts, payloads
from tests.domain.playing import CONTACT, DECIDER, HANDLER, NOON, POLICY, SIGNATORY, Play

ACTORS = {
    Role.PRODUCER_CONTACT: CONTACT,
    Role.CASE_HANDLER: HANDLER,
    Role.DECIDER: DECIDER,
    Role.SIGNATORY: SIGNATORY,
    Role.AGENT_CONTACT: parts.OLA,
    Role.SYSTEM: parts.SYSTEM,
}
AIMLESS = frozenset({"describe_dataset", "hand_over", "record_appeal_outcome", "enrol"})
EXAMINING = frozenset({"review", "assessment"})
GOOD: dict[str, dict[str, Any]] = {
    "look_up_organisation": {"name": "Mölndals kommun", "kind": "municipality"},
    "create_application": {"application_id": "a", "approved": True},
    "subscribe": {"approved": True},
}


@dataclass
class World:
    """The workflows that run, by id, and the words that are on their way."""

    rng: Random
    running: dict[str, Play[Any]] = field(default_factory=dict)
    ended: list[Play[Any]] = field(default_factory=list)
    words: dict[str, deque[Tell]] = field(default_factory=dict)
    now: datetime = NOON
    ticks: int = 0

    def open(self, application: dict[str, Any]) -> None:
        """Apply."""
        self._start("ProducerOnboarding", parts.ONBOARDING_ID)
        self._act(parts.ONBOARDING_ID, "apply", CONTACT, application)
        self.running[parts.ONBOARDING_ID].answer("numbered", number="NGP2026-000001")

    def open_more(self, kind: str, ref: str, application: dict[str, Any]) -> None:
        """Open something under the agreement, unless it is open."""
        if ref in self.running:
            return
        self._start(kind, ref)
        if self.running[ref].ask("apply", CONTACT, application) is not None:
            del self.running[ref]
            return
        self._act(ref, "apply", CONTACT, application)
        self.running[ref].answer("numbered", number="NGP2026-000002")

    def tick(self, *, people: bool = True) -> bool:
        """Let one thing happen somewhere; False when nothing more happens by itself."""
        self.ticks += 1
        chores = [self._deliver, self._answer, self._pass_time]
        if people:
            chores += [self._person, self._fetch]
        for chore in self.rng.sample(chores, len(chores)):
            if chore is self._pass_time and people and self.rng.random() < 0.9:
                continue
            if chore():
                return True
        return False

    def act(self, ref: str, name: str, payload: dict[str, Any]) -> bool:
        """Let a person take a step that somebody may take now; False when it is not open."""
        play = self.running.get(ref)
        if play is None or name not in play.open:
            return False
        play.now = self.now
        step = play.machine.step(name)
        assert step is not None
        for role in sorted(step.who & ACTORS.keys()):
            if play.ask(name, ACTORS[role], payload) is None:
                self._act(ref, name, ACTORS[role], payload)
                return True
        return False

    # ---- chores ----------------------------------------------------------------------------

    def _start(self, kind: str, ref: str) -> Play[Any]:
        self.running[ref] = Play(MACHINES[kind], ref, self.now)
        return self.running[ref]

    def _act(self, ref: str, name: str, actor: Any, payload: dict[str, Any]) -> None:
        play = self.running[ref]
        play.now = self.now
        play.take(name, actor, payload)
        self._settle(play)

    def _say(self, play: Play[Any], name: str, what: dict[str, Any]) -> None:
        play.now = self.now
        if content_of(play.machine, name, what) is None:
            return  # a word that this kind of workflow does not heed
        play.answer(name, **what)
        self._settle(play)

    def _settle(self, play: Play[Any]) -> None:
        state: State = play.state
        self.words.setdefault(state.workflow_id, deque()).extend(state.outgoing)
        state.outgoing, state.journal, state.notices = [], [], []
        if state.is_ended:  # recorded and closed; what comes now finds nobody
            self.ended.append(self.running.pop(state.workflow_id))

    def _deliver(self) -> bool:
        senders = sorted(sender for sender, words in self.words.items() if words)
        if not senders:
            return False
        word = self.words[self.rng.choice(senders)].popleft()
        play = self.running.get(word.to)
        if play is None and word.starts is not None:
            play = self._start(word.starts, word.to)
        if play is not None:
            self._say(play, word.what, word.content)
        return True

    def _answer(self) -> bool:
        wants = [(ref, want) for ref, play in sorted(self.running.items())
                 for want in play.state.pending]  # fmt: skip
        if not wants:
            return False
        ref, want = self.rng.choice(wants)
        play = self.running[ref]
        self._say(play, payloads.ANSWERS[want.operation][0], self._outcome(play, want))
        return True

    def _outcome(self, play: Play[Any], want: Pending) -> dict[str, Any]:
        if want.operation == "enrol_at_agreement":
            payload = {"ref": play.state.workflow_id, "type": play.state.type}
            owner = self.running.get(parts.AGREEMENT_ID)
            accepted = owner is not None and owner.ask("enrol", parts.SYSTEM, payload) is None
            if accepted:
                self._act(parts.AGREEMENT_ID, "enrol", parts.SYSTEM, payload)
            if not accepted:
                return {"accepted": False}
            state = self.running[parts.AGREEMENT_ID].state.model_dump(mode="json")
            return standing(state).model_dump(mode="json")
        if want.operation == "fetch_report":
            return parts.report(delivery_id=want.item)
        if want.operation in GOOD:
            return GOOD[want.operation]
        return payloads.ANSWERS[want.operation][1](self.rng, play.state, want)

    def _person(self) -> bool:
        choices = [
            (ref, name)
            for ref, play in sorted(self.running.items())
            for name in sorted(play.open & (payloads.ADVANCING - AIMLESS))
            if name != "propose_decision" or play.state.stage in EXAMINING
        ]
        if not choices:
            return False
        ref, name = self.rng.choice(choices)
        play = self.running[ref]
        made = payloads.payload(self.rng, name, play.state, play.moment, wrong=0)
        return self.act(ref, name, made)

    def _fetch(self) -> bool:
        offered = [play for _, play in sorted(self.running.items())
                   if play.state.stage == "offered"]  # fmt: skip
        if not offered:
            return False
        play = self.rng.choice(offered)
        self._say(play, "picked_up", {"offer_id": play.state.offer_id})
        return True

    def _pass_time(self) -> bool:
        found = [(timer.at, ref) for ref, play in sorted(self.running.items())
                 for timer in timers(play.machine, play.state, POLICY)[:1]]  # fmt: skip
        if not found or min(found)[0] > NOON + timedelta(days=300):
            return False
        at, ref = min(found)
        self.now = max(self.now, at)
        play = self.running[ref]
        play.now = self.now - timedelta(seconds=1)
        play.wait_until(self.now)
        self._settle(play)
        return True
