"""Walks a machine at random: people, systems, workflows and time, in any order."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pydantic import ValidationError

from domain.act import CONTACT, Actor, Refusal, Role, StepRequest
from domain.machine import Act, Content, Machine, Moment, apply, content_of, copied, refusal, timers
from domain.state import EntryKind, Party, Pending, State, Timer, Waiting
from domain.view import forecast, view
from tests.domain import parts, payloads
from tests.domain.holding import holds
from tests.domain.playing import MOLNDAL, NOON, POLICY

IDS = {
    "ProducerOnboarding": parts.ONBOARDING_ID,
    "DatasetConnection": parts.CONNECTION_ID,
    "AgentAppointment": parts.APPOINTMENT_ID,
    "ProducerAgreement": parts.AGREEMENT_ID,
    "Permission": parts.PERMISSION_ID,
    "Credential": parts.key_ref("production"),
    "PersonAccess": "person/acc-1",
    "AccessReconciliation": "reconciliation/nightly",
}
OUTSIDE = frozenset({*CONTACT, Role.AGENT_CONTACT, Role.PRODUCER_MEMBER})
OURS = {
    Role.CASE_HANDLER: ("hanna", "bosse"),
    Role.DECIDER: ("david", "hanna"),
    Role.SIGNATORY: ("stina",),
}
# A late answer of these would not be late but a second one, saying something else.
ANSWERED_ONCE = frozenset({"enrol_at_agreement", "look_up_organisation"})
COMPANY = "onboarding/556036-0793"


@dataclass(frozen=True)
class Taken:
    """An act that was taken, when, and whether what was owed had been sent before it."""

    act: Act
    now: datetime
    was_sent: bool


@dataclass
class Walk:
    """One workflow's life, act by act.

    `zeal` is how often somebody does what brings it on, instead of just anything.
    """

    machine: Machine[Any]
    rng: Random
    now: datetime = NOON
    refused: int = 0
    taken: list[Taken] = field(default_factory=list)
    journal: list[Any] = field(default_factory=list)
    stages: set[str] = field(default_factory=set)
    answerable: list[Pending] = field(default_factory=list)
    was_sent: bool = False
    zeal: float = 0

    def __post_init__(self) -> None:
        """Begin before anything has happened."""
        self.zeal = self.rng.choice([0, 0.6, 0.9])
        self.workflow_id = IDS[self.machine.name]
        if self.machine.name == "ProducerOnboarding" and self.rng.random() < 0.2:
            self.workflow_id = COMPANY
        self.state: State = self.machine.state(workflow_id=self.workflow_id)

    @property
    def moment(self) -> Moment:
        """The instant and the policy."""
        return Moment(self.now, POLICY)

    @property
    def acts(self) -> int:
        """How many acts were decided upon, refused ones too; not what only lets time pass."""
        return len(self.taken) + self.refused

    def step(self) -> None:
        """Let one thing happen."""
        if not self.state.is_opened and self.rng.random() < 0.9:
            self._begin()
            return
        if self.rng.random() < self.zeal and self._advance():
            return
        choices = [self._person, self._answer, self._word, self._time]
        self.rng.choices(choices, weights=[6, 4, 2, 2])[0]()

    def _begin(self) -> None:
        both = "begin" in self.machine.reactions and self.rng.random() < 0.5
        if self.machine.opening is not None and not both:
            self._try(self.machine.opening.name)
        else:
            self._say("enrol" if self.machine.name == "PersonAccess" else "begin")

    def _advance(self) -> bool:
        steps = [step.name for step in self.machine.steps if self._is_open(step)]
        names = sorted(payloads.ADVANCING.intersection(steps))
        words = sorted(payloads.ADVANCING.intersection(payloads.WORDS[self.machine.name]))
        if self.state.pending and self.rng.random() < 0.6:
            self._answer()
        elif names and self.rng.random() < 0.8:
            self._try(self.rng.choice(names), wrong=0)
        elif words and self.rng.random() < 0.3:
            self._say(self.rng.choice(words))
        else:
            return False
        return True

    # ---- people --------------------------------------------------------------------------

    def _person(self) -> None:
        names = [step.name for step in self.machine.steps]
        is_open = [step.name for step in self.machine.steps if self._is_open(step)]
        if is_open and self.rng.random() < 0.8:
            names = is_open
        name = self.rng.choice([*names, "no_such_step"] if self.rng.random() < 0.05 else names)
        if not self._is_too_soon(name):
            self._try(name)

    def _is_too_soon(self, name: str) -> bool:
        """Whether something would end a life that has hardly begun."""
        is_end = name in payloads.ENDING and not self.state.is_ending
        return is_end and self.rng.random() >= payloads.ENDING_SHARE

    def _is_open(self, step: Any) -> bool:
        return self.state.is_opened and bool(step.is_open(self.state, self.moment))

    def _try(self, name: str, *, wrong: float = 0.1) -> None:
        payload = payloads.payload(self.rng, name, self.state, self.moment, wrong=wrong)
        actor = self._actor(name, wrong)
        request = StepRequest(request_id="r", actor=actor, payload=payload)
        before = copied(self.state)
        found = refusal(self.machine, self.state, name, request, self.moment)
        if found is not None:
            self.refused += 1
            assert self.state == before
            assert found.text.sv
            assert found.text.en
            assert isinstance(found, Refusal)
            return
        step = self.machine.step(name)
        assert step is not None
        model = step.payload.model_validate(payload)
        self._apply(Act(EntryKind.ACT, name, model, request.actor))

    def _actor(self, name: str, wrong: float) -> Actor:
        step = self.machine.step(name)
        roles = sorted(step.who if step and self.rng.random() >= wrong else Role)
        role = self.rng.choice(roles)
        if role in OUTSIDE and self.rng.random() < 0.15:
            day = self.now.date()
            return Actor(subject="hanna", name="H", role=Role.CASE_HANDLER, on_behalf_of="Anna",
                         arrival_date=day)  # fmt: skip
        if role in OUTSIDE:
            person = self.state.contact_for(role)
            known = person.email if person else "anna.lind@molndal.example"
            subject = known if self.rng.random() >= wrong else "fel@molndal.example"
            mine = getattr(self.state, "party", "") or self.state.org_number or MOLNDAL
            if role is Role.AGENT_CONTACT:
                mine = getattr(self.state, "agent_id", "") or mine
            return Actor(subject=subject, name="A", role=role, organisation=mine)
        return Actor(subject=self.rng.choice(OURS.get(role, ("system",))), name="B", role=role)

    # ---- systems and workflows -------------------------------------------------------------

    def _answer(self) -> None:
        late = self.answerable[-3:] if self.rng.random() < 0.1 else []
        late = [want for want in late if want.operation not in ANSWERED_ONCE]
        wants = [*self.state.pending, *late]
        if not wants:
            self._word()
            return
        want = self.rng.choice(wants)
        name, make = payloads.ANSWERS[want.operation]
        self._hear(EntryKind.ANSWER, name, make(self.rng, self.state, want))

    def _word(self) -> None:
        words = payloads.WORDS[self.machine.name]
        if self.rng.random() < 0.05:
            words = payloads.EVERY_WORD
        name = self.rng.choice(sorted(words))
        if not self._is_too_soon(name):
            self._say(name)

    def _say(self, name: str) -> None:
        make = {**payloads.EVERY_WORD, **payloads.WORDS[self.machine.name]}[name]
        self._hear(EntryKind.WORD, name, make(self.rng, self.state, self.moment))

    def _hear(self, kind: EntryKind, name: str, what: dict[str, Any]) -> None:
        try:
            content = content_of(self.machine, name, what)
        except ValidationError:
            return  # the shell journals it as refused
        assert content is not None, name
        self._apply(Act(kind, name, content))

    # ---- time ------------------------------------------------------------------------------

    def _time(self) -> None:
        nearest: Timer | None = next(iter(timers(self.machine, self.state, POLICY)), None)
        if nearest is None or self.rng.random() < 0.5:
            days = self.rng.choice([0.01, 1, 5, 20])
            limit = nearest.at if nearest else self.now + timedelta(days=days)
            self.now = max(self.now, min(limit, self.now + timedelta(days=days)))
            return
        late = timedelta(seconds=self.rng.choice([0, 0, 1, 90_000]))
        self.now = max(self.now, nearest.at + late)
        self._apply(Act(EntryKind.DEADLINE, nearest.name, Content()))
        left = timers(self.machine, self.state, POLICY)
        assert (nearest.name, nearest.at) not in {(timer.name, timer.at) for timer in left}

    # ---- what must hold --------------------------------------------------------------------

    def _apply(self, act: Act) -> None:
        before = self.state
        known = before.model_copy(deep=True) if self.rng.random() < 0.1 else None
        self.taken.append(Taken(act, self.now, self.was_sent))
        if self.was_sent:
            self._send(before)
            known = None
        self.state = apply(self.machine, before, act, self.moment)
        assert known is None or known == before, "apply changed the state it was given"
        assert self.state.version == before.version + 1
        self._check(len(before.journal), has_just_ended=self.state.is_ended > before.is_ended)
        self.was_sent = self.rng.random() < 0.6
        self.answerable += self.state.pending

    def _send(self, state: State) -> None:
        state.journal, state.notices, state.outgoing = [], [], []

    def _check(self, known: int, *, has_just_ended: bool) -> None:
        state = self.state
        self.journal += state.journal[known:]
        self.stages.add(state.stage)
        holds(state, has_just_ended=has_just_ended)
        assert state.stage in self.machine.stages
        assert self.journal[-1].sequence == state.sequence == len(self.journal)
        assert has_way_out(self.machine, state, self.moment), (state.stage, state.waiting)
        assert not (left := stuck(self.machine, state, self.moment)), (state.stage, left)
        assert type(state).model_validate(state.model_dump(mode="json")) == state
        view(self.machine, state, self.moment)
        if self.rng.random() < 0.1:
            forecast(self.machine, state, self.moment, 400)

    def replay(self) -> None:
        """Take the same acts again: the same state and the same journal come of it."""
        state: State = self.machine.state(workflow_id=self.workflow_id)
        journal: list[Any] = []
        for taken in self.taken:
            if taken.was_sent:
                self._send(state)
            known = len(state.journal)
            state = apply(self.machine, state, taken.act, Moment(taken.now, POLICY))
            journal += state.journal[known:]
        assert journal == self.journal
        if self.taken:
            assert state == self.state


IDLE = frozenset({"note", "assign", "retry_step", "declare_bias", "extend_deadline"})


def has_way_out(machine: Machine[Any], state: State, moment: Moment) -> bool:
    """Whether something can still happen: a step, an operation, a deadline or a part's end.

    A person's active account rests until something is told to it, and so does a key without a
    holder: who it is follows from the case.
    """
    if state.is_ended or not state.is_opened or (state.type, state.stage) == RESTS:
        return True
    if any(wait.rule == "name_holder" for wait in state.waiting):
        return True
    steps = {step.name for step in machine.steps if step.is_open(state, moment)}
    return bool(
        steps - IDLE or state.pending or timers(machine, state, POLICY) or any(state.open_parts())
    )


def stuck(machine: Machine[Any], state: State, moment: Moment) -> list[Waiting]:
    """Return what it waits for though nobody who is awaited can do anything about it here."""
    if not state.is_opened:
        return []
    open_ = [step for step in machine.steps if step.is_open(state, moment)]
    steps = [step for step in open_ if step.name not in IDLE | GIVING_UP]
    able = {role for step in steps for role in step.who}
    if any(step.by_post and step.who & CONTACT for step in steps):
        able.add(Role.CASE_HANDLER)  # who enters what came by post
    return [
        wait
        for wait in state.waiting
        if wait.on in AWAITED
        and not AWAITED[wait.on] & able
        and (state.type, wait.rule) not in ELSEWHERE
    ]


GIVING_UP = frozenset({"close", "withdraw"})
AWAITED = {
    Party.CASE_HANDLER: frozenset({Role.CASE_HANDLER}),
    Party.DECIDER: frozenset({Role.DECIDER}),
    Party.SIGNATORY: frozenset({Role.SIGNATORY}),
    Party.PRODUCER: CONTACT,
    Party.AGENT: frozenset({Role.AGENT_CONTACT}),
    Party.PERSON: OUTSIDE,
}
# Whom a key is offered to follows from the case's contact; a data set whose denial was changed
# waits for what the onboarding's own parties sign.
ELSEWHERE = frozenset({("Credential", "name_holder"), ("DatasetConnection", "countersign")})
RESTS = ("PersonAccess", "active")
