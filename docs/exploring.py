"""Finds out how a machine moves between its stages, by playing it.

From every situation that it has not met before (stage, open steps, wanted operations, waits and
outcomes so far) it tries every example act, every answer that is asked for, every word, and the
passing of time. What moves the stage is a transition. So a diagram shows what the code does; a
transition that no example leads to would be missing from it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from docs import examples_of_acts as examples
from domain.act import Actor, Role, StepRequest
from domain.appointment_state import AppointmentState
from domain.case import CaseState
from domain.machine import (
    Act,
    Content,
    Machine,
    Moment,
    Step,
    apply,
    content_of,
    open_steps,
    refusal,
    timers,
)
from domain.policy import Policy
from domain.state import EntryKind, State

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
BEFORE = "[*]"
MOST_SITUATIONS = 5000
MOST_DEADLINES = 40
MUCH_LATER = timedelta(days=190)  # some steps open with time alone (FL 12 §)
# They are tried everywhere, but what follows from them alone is not followed: they move no stage
# and would only multiply the situations.
ASIDE = frozenset(
    {
        "assign",
        "change_delivery",
        "change_hosting",
        "confirm_access",
        "confirm_responsibility",
        "declare_bias",
        "enrol",
        "describe_dataset",
        "extend_deadline",
        "name_deputy",
        "name_successor",
        "note",
        "park",
        "refuse_request_decision",
        "replace_contact",
        "request_completion",
        "request_decision",
        "resend_invitation",
        "resume",
        "retry_step",
        "submit_completion",
        "update_contacts",
    }
)


@dataclass(frozen=True)
class Transition:
    """One move, and what made it."""

    source: str
    target: str
    by: str


@dataclass
class Found:
    """What was met while playing one machine."""

    transitions: set[Transition] = field(default_factory=set)
    open_in: dict[str, set[str]] = field(default_factory=dict)
    situations: int = 0


@dataclass(frozen=True)
class Played:
    """A state, and the instant it is in."""

    state: Any
    now: datetime
    opening: int = 0


def policy() -> Policy:
    """Return the policy that the machines are played under."""
    text = (ROOT / "policy" / "policy.yaml").read_text("utf-8")
    return Policy.model_validate(yaml.safe_load(text))


class Explorer:
    """Plays one machine from its opening to wherever it can go."""

    def __init__(self, machine: Machine[Any], answers: dict[str, str]) -> None:
        """Take a machine, and the answer that each of its operations has."""
        self._machine = machine
        self._answers = answers
        self._policy = policy()
        self._seen: set[object] = set()
        self._queue: deque[Played] = deque()
        self.found = Found()

    def explore(self) -> Found:
        """Play until nothing new is met.

        Raises:
            RuntimeError: there are more situations than a diagram can come from.
        """
        for number, (name, played) in enumerate(self._opened()):
            self.found.transitions.add(Transition(BEFORE, played.state.stage, name))
            self._meet(replace(played, opening=number))
        while self._queue:
            if self.found.situations > MOST_SITUATIONS:
                raise RuntimeError(f"{self._machine.name}: too many situations")
            self._try_everything(self._queue.popleft())
        return self.found

    def _opened(self) -> Iterator[tuple[str, Played]]:
        empty = self._machine.state(
            workflow_id=f"{self._machine.name}/{examples.ORG_NUMBER}", type=self._machine.name
        )
        moment = Moment(NOON, self._policy)
        name = "enrol" if self._machine.name == "PersonAccess" else "begin"
        if name in self._machine.reactions:
            for content in examples.begins(empty, moment):
                yield name, self._heard(Played(empty, NOON), EntryKind.WORD, name, content)
        if self._machine.opening is None:
            return
        for application in examples.openings(empty):
            step = self._machine.opening
            actor = _actor(step, empty)
            payload = step.payload.model_validate(application)
            act = Act(EntryKind.ACT, step.name, payload, actor)
            played = Played(apply(self._machine, empty, act, moment), NOON)
            numbered = {"number": "NGP2026-000001"}
            yield step.name, self._heard(played, EntryKind.ANSWER, "numbered", numbered)

    def _try_everything(self, played: Played) -> None:
        self.found.situations += 1
        for name, after in self._after_steps(played, self._open(played)):
            self._note(played, name, after, aside=name in ASIDE)
        later = replace(played, now=played.now + MUCH_LATER)
        only_later = [step for step in self._open(later) if step not in self._open(played)]
        for name, after in self._after_steps(later, only_later):
            self._note(later, name, after, aside=True)
        for name, after in self._after_words(played):
            self._note(played, name, after)
        for name, after in self._after_time(played):
            self._note(played, name, after)

    def _open(self, played: Played) -> list[Step[Any]]:
        """Return the steps that are open, and keep in which stage they were."""
        moment = Moment(played.now, self._policy)
        steps = open_steps(self._machine, played.state, moment)
        self.found.open_in.setdefault(played.state.stage, set()).update(s.name for s in steps)
        return steps

    def _after_steps(self, played: Played, steps: list[Step[Any]]) -> Iterator[tuple[str, Played]]:
        moment = Moment(played.now, self._policy)
        payloads = examples.steps(played.state, moment)
        for step in steps:
            actor = _actor(step, played.state)
            for payload in payloads.get(step.name, [{}]):
                request = StepRequest(request_id="r", actor=actor, payload=payload)
                if refusal(self._machine, played.state, step.name, request, moment) is None:
                    model = step.payload.model_validate(payload)
                    act = Act(EntryKind.ACT, step.name, model, actor)
                    state = apply(self._machine, played.state, act, moment)
                    yield step.name, replace(played, state=state)

    def _after_words(self, played: Played) -> Iterator[tuple[str, Played]]:
        asked: dict[str, set[str]] = {name: set() for name in self._answers.values()}
        for want in played.state.pending:
            asked[self._answers[want.operation]].add(want.item)
        for name, contents in examples.heard(played.state).items():
            for content in contents if name in self._machine.reactions else ():
                is_answer = name in asked
                if not is_answer or asked[name] & {"", *map(str, content.values())}:
                    kind = EntryKind.ANSWER if is_answer else EntryKind.WORD
                    yield name, self._heard(played, kind, name, content)

    def _heard(self, played: Played, kind: EntryKind, name: str, content: object) -> Played:
        model = content_of(self._machine, name, content)
        assert model is not None
        moment = Moment(played.now, self._policy)
        act = Act(kind, name, model)
        return replace(played, state=apply(self._machine, played.state, act, moment))

    def _after_time(self, played: Played) -> Iterator[tuple[str, Played]]:
        """Let deadlines pass, reminders among them, until one changes the situation."""
        before = _situation(self._machine, played, self._policy)
        for _ in range(MOST_DEADLINES):
            nearest = next(iter(timers(self._machine, played.state, self._policy)), None)
            if nearest is None:
                return
            now = max(played.now, nearest.at)
            act = Act(EntryKind.DEADLINE, nearest.name, Content())
            state = apply(self._machine, played.state, act, Moment(now, self._policy))
            played = replace(played, state=state, now=now)
            if _situation(self._machine, played, self._policy) != before:
                yield nearest.name.partition("|")[0], played
                return

    def _note(self, before: Played, name: str, after: Played, *, aside: bool = False) -> None:
        stages = _stages_passed(before.state, after.state)
        for index, (source, target) in enumerate(pairwise(stages)):
            by = name if index == 0 else "follows"
            self.found.transitions.add(Transition(source, target, by))
        if len(stages) > 1 or not aside:
            self._meet(after)
        else:
            self._open(after)

    def _meet(self, played: Played) -> None:
        situation = _situation(self._machine, played, self._policy)
        if situation not in self._seen:
            self._seen.add(situation)
            self._queue.append(replace(played, state=_without_history(played.state)))


def _actor(step: Step[Any], state: State) -> Actor:
    """Return somebody who may take a step: an own person for each role."""
    role = max(step.who)
    if role is Role.PRODUCER_DEPUTY:
        role = Role.PRODUCER_CONTACT
    if role in {Role.PRODUCER_CONTACT, Role.AGENT_CONTACT, Role.PRODUCER_MEMBER}:
        contact = examples.PERSON["email"]
        person = getattr(state, "contact", None)
        organisation = examples.ORG_NUMBER
        if role is Role.AGENT_CONTACT and isinstance(state, AppointmentState):
            person, organisation = state.agent_contact, state.agent_id
        subject = person.email if person else contact
        return Actor(subject=str(subject), name="Anna Lind", role=role, organisation=organisation)
    return Actor(subject=f"a {role}", name="Hanna", role=role)


def _stages_passed(before: State, after: State) -> list[str]:
    """Return the stages from one state to the next, those passed through by themselves too."""
    stages = [before.stage]
    for entry in after.journal:
        if entry.name == "stage" and entry.sequence > before.sequence:
            stages += [entry.what["from"], entry.what["to"]]
    stages.append(after.stage)
    return [each for index, each in enumerate(stages) if index == 0 or each != stages[index - 1]]


def _without_history(state: State) -> State:
    """Return a state without what it owes: that decides nothing and costs copying."""
    return state.model_copy(update={"journal": [], "notices": [], "outgoing": []})


def _situation(machine: Machine[Any], played: Played, at_policy: Policy) -> object:
    """Return what tells situations apart."""
    state = played.state
    moment = Moment(played.now, at_policy)
    return (
        played.opening,
        state.stage,
        state.outcome,
        tuple(sorted(step.name for step in open_steps(machine, state, moment))),
        tuple(sorted(want.key for want in state.pending)),
        tuple(sorted(wait.key for wait in state.waiting)),
        tuple(sorted((part.ref, part.ended) for part in state.parts.values())),
        _decided(state),
    )


def _decided(state: State) -> object:
    if not isinstance(state, CaseState):
        return None
    proposal, appeal = state.review.proposal, state.appeal
    decision = state.decisions[-1].outcome if state.decisions else None
    last_day: date | None = appeal.last_day if appeal else None
    return (
        proposal.outcome if proposal else None,
        proposal.is_full_grant if proposal else None,
        decision,
        last_day is not None,
        tuple(sorted((name, each.outcome) for name, each in state.datasets.items())),
    )
