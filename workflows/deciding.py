"""Deciding: steps by update and signal, words, and what they do to the state.

Handlers decide at once: between refusal and receipt there is no await, so two acts in one
activation cannot both pass and no person waits for an outside system. They take raw payloads and
decode them themselves: what cannot be decoded is refused, and never sticks.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import AfterValidator, BaseModel, Field, ValidationError

    from activities.messages import HeardWord
    from domain import changes
    from domain.act import Refusal, StepRequest, refuse
    from domain.bad_payload import bad_payload
    from domain.machine import (
        Act,
        Machine,
        Moment,
        apply,
        content_of,
        refusal,
        timers,
    )
    from domain.policy import Policy
    from domain.state import EntryKind, State, Timer
    from domain.view import Receipt, receipt, view

# A step that somebody sends without its argument: it is refused as one that cannot be read.
NOTHING = RawValue(Payload())
S = TypeVar("S", bound=State)
W = TypeVar("W", bound=type)

REMEMBERED_REQUESTS = 200
REMEMBERED_WORDS = 500
STILL_ENCRYPTED = b"binary/encrypted"


class Answered(BaseModel):
    """A request that has been answered, to answer it the same way again."""

    digest: str
    receipt: Receipt


_policies: dict[str, Policy] = {}


def shared(policy: Policy) -> Policy:
    """Return the one copy of a policy that all workflows of this process hold.

    It is frozen and equal to the one given, so that nothing depends on which of them is held;
    a thousand copies of their own took 50 MB.
    """
    return _policies.setdefault(policy.model_dump_json(), policy)


class Start(BaseModel):
    """The input of every workflow; the state is there when a run continues another.

    The SDK keeps the input as long as the workflow, hence the shared policy in it.
    """

    policy: Annotated[Policy, AfterValidator(shared)]
    state: dict[str, Any] | None = None
    answered: dict[str, Answered] = Field(default_factory=dict)
    chain_id: str | None = None


class Deciding(Generic[S]):
    """A machine and its state, behind handlers."""

    machine: ClassVar[Machine[Any]]

    def __init__(self, start: Start) -> None:
        self._policy = start.policy
        # Asked once, when a run begins: one begun by older code has no marker and keeps its way.
        self._changes = frozenset(name for name in changes.CHANGES if workflow.patched(name))
        self._chain_id = start.chain_id or workflow.info().run_id
        self._answered = dict(start.answered)
        self._acts = 0
        self._is_stirred = False
        self.state: S = self._state_of(start)
        self._timer: Timer | None = None
        self._plan()

    def _state_of(self, start: Start) -> S:
        kind = self.machine.state
        if start.state is None:
            return kind(workflow_id=workflow.info().workflow_id)  # type: ignore[no-any-return]
        return kind.model_validate(start.state)  # type: ignore[no-any-return]

    def _moment(self) -> Moment:
        return Moment(now=workflow.now(), policy=self._policy, changes=self._changes)

    def _apply(self, act: Act) -> None:
        self.state = apply(self.machine, self.state, act, self._moment())
        self._acts += 1
        self._is_stirred = True
        self._plan()

    def _plan(self) -> None:
        self._timer = next(iter(timers(self.machine, self.state, self._policy)), None)

    def _request_of(self, raw: RawValue) -> StepRequest | Refusal:
        try:
            request = workflow.payload_converter().from_payload(raw.payload, StepRequest)
        except ValidationError as error:
            return bad_payload(error)
        except Exception:  # noqa: BLE001 - anything undecodable is a refusal, never a stuck task
            request = None
        if isinstance(request, StepRequest):
            return request
        return refuse(
            "bad_payload",
            "Steget går inte att läsa. Skicka request_id, actor och payload som JSON.",
            "The step cannot be read. Send request_id, actor and payload as JSON.",
        )

    def _refusal(self, name: str, raw: RawValue) -> Refusal | None:
        request = self._request_of(raw)
        if isinstance(request, Refusal):
            return request
        known = self._answered.get(request.request_id)
        if known is not None:
            if known.digest == _digest(name, request):
                return None
            return refuse(
                "reused_request_id",
                "Samma request_id har redan använts för något annat. Använd ett nytt.",
                "The same request_id has been used for something else. Use a new one.",
                "request_id",
            )
        return refusal(self.machine, self.state, name, request, self._moment())

    def _take(self, name: str, raw: RawValue) -> Receipt:
        request = self._request_of(raw)
        if isinstance(request, Refusal):
            raise _refused(request)
        known = self._answered.get(request.request_id)
        if known is not None:
            return known.receipt
        step = self.machine.step(name)
        assert step is not None
        payload = step.payload.model_validate(request.payload)
        self._apply(Act(EntryKind.ACT, name, payload, request.actor))
        answer = receipt(self.machine, self.state, self._moment())
        self._answered[request.request_id] = Answered(digest=_digest(name, request), receipt=answer)
        while len(self._answered) > REMEMBERED_REQUESTS:
            self._answered.pop(next(iter(self._answered)))
        return answer

    def _take_signal(self, name: str, raw: RawValue) -> None:
        self._is_stirred = True
        found = self._refusal(name, raw)
        if found is None:
            self._take(name, raw)
            return
        request = self._request_of(raw)
        actor = request.actor if isinstance(request, StepRequest) else None
        what = {"code": found.code, "field": found.field}
        self.state.write(workflow.now(), EntryKind.REFUSED, name, what, actor)

    @workflow.signal(name="heard", description="A word from another workflow or program.")
    def heard(self, raw: RawValue) -> None:
        """Hear a word once; one that cannot be read or is not known changes nothing.

        One that is still encrypted is one of ours: it must not be lost, so it waits for its key.
        """
        if raw.payload.metadata.get("encoding") == STILL_ENCRYPTED:
            raise RuntimeError("a word cannot be decrypted: a key is missing from the ring")
        self._is_stirred = True
        try:
            word = workflow.payload_converter().from_payload(raw.payload, HeardWord)
            content = content_of(self.machine, word.what, word.content)
        except Exception as error:  # noqa: BLE001 - a word that cannot be read must not stick
            case = {"case_number": self.state.number or self.state.case_number}
            kind = type(error).__name__
            workflow.logger.warning("a word could not be read: %s", kind, extra=case)
            self.state.write(workflow.now(), EntryKind.REFUSED, "heard", {"code": "bad_payload"})
            return
        if content is None or word.message_id in self.state.heard:
            return
        self.state.heard = [*self.state.heard[-REMEMBERED_WORDS:], word.message_id]
        self._apply(Act(EntryKind.WORD, word.what, content))

    @workflow.query(name="view", description="The whole view of this workflow.")
    def view(self) -> dict[str, Any]:
        """Return the view, without incidents and documents (the records join them)."""
        return view(self.machine, self.state, self._moment())

    @workflow.query(name="state", description="The state itself, for tests and forecasts.")
    def whole_state(self) -> dict[str, Any]:
        """Return the state as it is."""
        return self.state.model_dump(mode="json")


def _digest(name: str, request: StepRequest) -> str:
    said = json.dumps([name, request.model_dump(mode="json")], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _refused(found: Refusal) -> ApplicationError:
    return ApplicationError(
        found.text.sv, found.model_dump(mode="json"), type=found.code, non_retryable=True
    )


def takes_steps_of(machine: Machine[Any]) -> Callable[[W], W]:
    """Give a workflow class an update and a signal for every step of its machine, by name."""

    def decorate(cls: W) -> W:
        opening = (machine.opening,) if machine.opening else ()
        for step in (*opening, *machine.steps):
            text = f"{step.help.sv} / {step.help.en}"
            setattr(cls, f"update_{step.name}", _update(step.name, text))
            setattr(cls, f"signal_{step.name}", _signal(step.name, text))
        return cls

    return decorate


# The SDK takes a first parameter without annotation for `self`, hence the two ignores below.
def _update(name: str, description: str) -> Callable[..., Any]:
    async def take(self, raw: RawValue = NOTHING) -> Receipt:  # type: ignore[no-untyped-def]  # noqa: ANN001
        answer: Receipt = self._take(name, raw)
        return answer

    def may(self, raw: RawValue = NOTHING) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        found = self._refusal(name, raw)
        if found is not None:
            raise _refused(found)

    handler = workflow.update(name=name, description=description)(take)
    handler.validator(may)
    return handler


def _signal(name: str, description: str) -> Callable[..., Any]:
    def take(self, raw: RawValue = NOTHING) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        self._take_signal(name, raw)

    return workflow.signal(name=name, description=description)(take)
