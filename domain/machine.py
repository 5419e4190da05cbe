"""The machine: decides what an act means, and what the world then owes and awaits.

A machine is facts and pure functions over them. Steps, answers, words and deadlines only change
facts; what is wanted from outside systems, on whom it waits and what happens by itself are
derived from the facts after every act (`settle`). So nothing can be wanted twice or forgotten.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.act import CONTACT, Actor, Refusal, Role, StepRequest, refuse
from domain.bad_payload import bad_payload
from domain.dates import local_date
from domain.policy import Policy
from domain.reminders import passed_reminder, reminder_timers
from domain.state import EntryKind, Pending, State, Timer, Wait, Waiting, Want
from domain.text import Text

OUTSIDE = frozenset({*CONTACT, Role.AGENT_CONTACT, Role.PRODUCER_MEMBER})
S_contra = TypeVar("S_contra", bound=State, contravariant=True)
S = TypeVar("S", bound=State)
T = TypeVar("T")


class Payload(BaseModel):
    """Base of every step's payload: unknown fields are refused, so a typo is seen."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class NoPayload(Payload):
    """A step that needs nothing more than that it is taken."""


class Content(BaseModel):
    """Base of answers and words between programs: unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True)
class Moment:
    """The instant an act happens, and the policy and the changed rules it happens under."""

    now: datetime
    policy: Policy
    changes: frozenset[str] = frozenset()

    @property
    def today(self) -> date:
        """The day in Europe/Stockholm."""
        return local_date(self.now)

    def has(self, change: str) -> bool:
        """Whether a change of the rules holds here: not in a run begun before it was built."""
        return change in self.changes


@dataclass(frozen=True)
class Act:
    """Anything that happens to a workflow, decoded."""

    kind: EntryKind
    name: str
    payload: BaseModel
    actor: Actor | None = None


def always(state: State, moment: Moment) -> bool:
    """Open until the end."""
    del moment
    return not state.is_ending


def not_opened(state: State, moment: Moment) -> bool:
    """Open until something has been opened: for what opens it."""
    del moment
    return not state.is_opened


@dataclass(frozen=True, kw_only=True)
class Step(Generic[S_contra]):
    """One row of a machine's step table: who may do what, when, and what it does."""

    name: str
    payload: type[BaseModel]
    who: frozenset[Role]
    help: Text
    do: Callable[[S_contra, Any, Actor, Moment], None]
    is_open: Callable[[S_contra, Moment], bool] = always
    check: Callable[[S_contra, Any, Actor, Moment], Refusal | None] | None = None
    is_mine: Callable[[S_contra, Actor], bool] | None = None
    by_post: bool = True


@dataclass(frozen=True, kw_only=True)
class Reaction(Generic[S_contra]):
    """What an outside system's answer or another workflow's word does."""

    payload: type[BaseModel]
    do: Callable[[S_contra, Any, Moment], None]


def nothing(state: State, *_: object) -> tuple[()]:
    """Derive nothing."""
    del state
    return ()


@dataclass(frozen=True, kw_only=True)
class Machine(Generic[S]):
    """One type of workflow, whole, without any system."""

    name: str
    state: type[S]
    steps: tuple[Step[S], ...]
    reactions: Mapping[str, Reaction[S]]
    progress: Callable[[S, Moment], None]
    wants: Callable[[S], Iterable[Want]]
    waits: Callable[[S], Iterable[Wait]]
    timers: Callable[[S, Policy], Iterable[Timer]] = nothing
    passed: Mapping[str, Callable[[S, Moment], None]] = field(default_factory=dict)
    opening: Step[S] | None = None
    stages: tuple[str, ...] = ()
    draws_number: Callable[[S], bool] = lambda _: False

    def step(self, name: str) -> Step[S] | None:
        """Find a step by its name; the opening's is `apply`."""
        if self.opening is not None and name == self.opening.name:
            return self.opening
        return next((step for step in self.steps if step.name == name), None)


def open_steps(machine: Machine[S], state: S, moment: Moment) -> list[Step[S]]:
    """Return the steps that are open now, to anybody."""
    return [step for step in machine.steps if state.is_opened and step.is_open(state, moment)]


def refusal(
    machine: Machine[S], state: S, name: str, request: StepRequest, moment: Moment
) -> Refusal | None:
    """Say why a step may not be taken now, or None when it may.

    In this order: unknown step, not this role or person, not now, bad payload, the step's own rule.
    """
    step = machine.step(name)
    if step is None:
        return refuse("unknown_step", f"Steget {name} finns inte.", f"There is no step {name}.")
    names = [each.name for each in open_steps(machine, state, moment)]
    if step is machine.opening and state.is_opened:
        return _already_open(state, request.actor).model_copy(update={"open_steps": names})
    found = (
        _not_allowed(step, state, request.actor)
        or _not_arrived(request.actor, moment)
        or _not_now(machine, step, state, moment, names)
        or _not_right(step, state, request, moment)
    )
    return found.model_copy(update={"open_steps": names}) if found else None


def _already_open(state: State, actor: Actor) -> Refusal:
    """Say where to go on; an outsider who is not of the case is sent to who is."""
    if actor.role in OUTSIDE and not type(state).is_mine(state, actor):
        return refuse(
            "already_open",
            "Organisationen har redan ett öppet ärende. Fråga organisationens kontaktperson.",
            "The organisation has an open case already. Ask the organisation's contact.",
        )
    number = state.number or state.workflow_id
    return refuse(
        "already_open",
        f"Organisationen har redan ett öppet ärende: {number}. Fortsätt i det.",
        f"The organisation has an open case already: {number}. Go on in it.",
    )


def _not_allowed(step: Step[S], state: S, actor: Actor) -> Refusal | None:
    if actor.subject in state.biased and actor.role in {Role.CASE_HANDLER, Role.DECIDER}:
        return refuse(
            "biased",
            "Du har anmält jäv i ärendet och kan inte handlägga det (FL 16–18 §§).",
            "You have declared bias in this case and cannot act in it (FL 16-18 §§).",
        )
    mine = step.is_mine or type(state).is_mine
    if actor.role in step.who:
        if actor.role not in OUTSIDE or not state.is_opened or mine(state, actor):
            return None
    elif (
        actor.role is Role.CASE_HANDLER
        and step.by_post
        and step.who & {*CONTACT, Role.AGENT_CONTACT}
    ):
        if actor.on_behalf_of and actor.arrival_date:
            return None
        return refuse(
            "basis_required",
            "Ange för vem steget tas (on_behalf_of) och dagen då det kom in (arrival_date).",
            "Say for whom the step is taken (on_behalf_of) and the day it arrived (arrival_date).",
            "actor",
        )
    who = ", ".join(sorted(step.who))
    return refuse(
        "not_allowed",
        f"Steget {step.name} får bara tas av: {who}; utanför Lantmäteriet bara i eget ärende.",
        f"The step {step.name} may only be taken by: {who}; outsiders only in their own case.",
    )


def _not_arrived(actor: Actor, moment: Moment) -> Refusal | None:
    if actor.arrival_date is None or actor.arrival_date <= moment.today:
        return None
    return refuse(
        "in_the_future",
        f"Handlingen kan inte ha kommit in {actor.arrival_date}: det är {moment.today} i dag.",
        f"It cannot have arrived on {actor.arrival_date}: today is {moment.today}.",
        "actor.arrival_date",
    )


def _not_now(
    machine: Machine[S], step: Step[S], state: S, moment: Moment, names: list[str]
) -> Refusal | None:
    is_there = state.is_opened or step is machine.opening
    if is_there and step.is_open(state, moment):
        return None
    now_open = ", ".join(names) or "–"
    found = refuse(
        "not_now",
        f"Steget {step.name} kan inte tas nu. Öppet nu: {now_open}.",
        f"The step {step.name} cannot be taken now. Open now: {now_open}.",
    )
    return found.model_copy(update={"stage": state.stage})


def _not_right(step: Step[S], state: S, request: StepRequest, moment: Moment) -> Refusal | None:
    try:
        payload = step.payload.model_validate(request.payload)
    except ValidationError as error:
        return bad_payload(error)
    return step.check(state, payload, request.actor, moment) if step.check else None


def copied(value: T) -> T:
    """Copy whatever can change and share what cannot (frozen models): 5 times a deep copy's speed.

    What a frozen model holds is never changed after it was made.
    """
    if isinstance(value, BaseModel):
        if value.model_config.get("frozen"):
            return value
        twin = value.model_copy()
        twin.__dict__.update({name: copied(each) for name, each in value.__dict__.items()})
        return twin
    if isinstance(value, list):
        return [copied(each) for each in value]  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}  # type: ignore[return-value]
    return value


def apply(machine: Machine[S], state: S, act: Act, moment: Moment) -> S:
    """Return the state after an act. The given state is left as it was.

    Raises:
        KeyError: the machine knows no such answer, word or deadline.
    """
    after = copied(state)
    after.version += 1
    after.write(moment.now, act.kind, act.name, summary(act.payload), act.actor)
    _do(machine, after, act, moment)
    settle(machine, after, moment)
    return after


def _do(machine: Machine[S], state: S, act: Act, moment: Moment) -> None:
    if act.kind is EntryKind.ACT:
        step = machine.step(act.name)
        if step is None or act.actor is None:
            raise KeyError(act.name)
        step.do(state, act.payload, act.actor, moment)
    elif act.kind is EntryKind.DEADLINE:
        if act.name == LOOK_AGAIN:
            state.look_again_at = None
        elif not passed_reminder(state, act.name, moment.policy):
            machine.passed[act.name](state, moment)
    elif act.name in EVERY_REACTION:
        EVERY_REACTION[act.name].do(state, act.payload, moment)
    else:
        machine.reactions[act.name].do(state, act.payload, moment)


LOOK_AGAIN = "look_again"


class Numbered(Content):
    """The case number has been drawn."""

    number: str


class Unreachable(Content):
    """A mail to a person came back: the contact is unreachable."""

    email: str


class RetryNotice(Content):
    """The operator wants a mail that waits for its next attempt to be tried at once."""

    operation: str
    by: str


class OutcomeUnknown(Content):
    """An operation was called off while nobody knows whether it was done."""

    operation: str


def _numbered(state: State, content: Numbered, moment: Moment) -> None:
    del moment
    state.number = content.number


def _unreachable(state: State, content: Unreachable, moment: Moment) -> None:
    del moment
    if content.email not in state.unreachable:
        state.unreachable.append(content.email)
        state.notify("contact_unreachable", Role.CASE_HANDLER)


def _retry_notice(state: State, content: RetryNotice, moment: Moment) -> None:
    del moment
    if any(notice.key == content.operation for notice in state.notices):
        state.retries = [*state.retries, content.operation]


def _outcome_unknown(state: State, content: OutcomeUnknown, moment: Moment) -> None:
    del content
    wait = timedelta(seconds=moment.policy.outcome_unknown_seconds)
    state.look_again_at = moment.now + wait


EVERY_REACTION: dict[str, Reaction[State]] = {
    "numbered": Reaction(payload=Numbered, do=_numbered),
    "unreachable": Reaction(payload=Unreachable, do=_unreachable),
    "outcome_unknown": Reaction(payload=OutcomeUnknown, do=_outcome_unknown),
    "retry_notice": Reaction(payload=RetryNotice, do=_retry_notice),
}


def content_of(machine: Machine[S], name: str, what: object) -> BaseModel | None:
    """Decode an answer or a word; None when this machine does not know it.

    Raises:
        ValidationError: it is known but its content is not of its form.
    """
    reaction = EVERY_REACTION.get(name) or machine.reactions.get(name)
    return reaction.payload.model_validate(what) if reaction else None


def summary(payload: BaseModel) -> dict[str, Any]:
    """What the journal keeps of a payload: everything that was said, nothing that was left out."""
    return payload.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def settle(machine: Machine[S], state: S, moment: Moment) -> None:
    """Let the case move on by itself as far as the facts allow, then derive what follows."""
    before = None
    while state.stage != before:
        before = state.stage
        machine.progress(state, moment)
        if state.stage != before:
            state.write(
                moment.now, EntryKind.FOLLOWED, "stage", {"from": before, "to": state.stage}
            )
    if state.is_ended and state.ended_at is None:
        state.ended_at = moment.now
    pending = {each.key: each for each in state.pending}
    state.pending = [
        pending.get(want.key) or Pending(**want.model_dump(), since=moment.now)
        for want in machine.wants(state)
    ]
    waiting = {each.key: each for each in state.waiting}
    state.waiting = [
        _awaited(waiting.get(wait.key), wait, moment.now) for wait in machine.waits(state)
    ]


def _awaited(known: Waiting | None, wait: Wait, now: datetime) -> Waiting:
    if known is None:
        return Waiting(**wait.model_dump(), since=now)
    return known if known.due == wait.due else known.with_day(due=wait.due, extended_to=None)


def timers(machine: Machine[S], state: S, policy: Policy) -> list[Timer]:
    """Return all that will happen by itself, nearest first."""
    if not state.is_opened or state.is_ended:
        return []
    found = [*machine.timers(state, policy), *reminder_timers(state, policy)]
    if state.look_again_at is not None:
        found.append(Timer(name=LOOK_AGAIN, at=state.look_again_at, rule="outcome_unknown"))
    return sorted(found, key=lambda timer: (timer.at, timer.name))
