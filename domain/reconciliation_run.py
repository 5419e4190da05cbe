"""One run of the reconciliation: two looks, a pause between them, a question when much would go.

The answer may come a day later, so what was confirmed is looked at once more before it is told.

What the looks saw and what differs is kept by the records; the run itself knows only counts.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from domain.act import HANDLER, Actor, Role
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, Reason
from domain.machine import Content, Machine, Moment, NoPayload, Reaction, Step
from domain.policy import Policy
from domain.reconciliation import too_many
from domain.state import PARTY_OF_SYSTEM, Party, State, System, Timer, Wait, Want
from domain.text import Text

STAGES = ("first_look", "pause", "second_look", "asking", "last_look", "dealing", "ended")
LOOKS: Final = {"first_look": 1, "second_look": 2, "last_look": 3}
BEGINS_WITH: Final = {
    System.PORTAL_VERIFICATION: "list_applications",
    System.PORTAL_PRODUCTION: "list_applications",
    System.ACCOUNT_SYSTEM: "list_system_accounts",
    System.AGREEMENT_REGISTER: "list_agreements",
}
GOES_ON_WITH: Final = {
    "list_applications": "count_keys",
    "list_system_accounts": "look_at_people",
}


class ReconciliationState(State):
    """Everything about one run.

    `looking` holds what is still to be looked at in this look, by system. `found` counts findings
    by kind, `cuts` those that take something away, `granted` what stands by the record.
    """

    type: str = "AccessReconciliation"
    stage: str = "first_look"
    looking: dict[System, str] = Field(default_factory=dict)
    is_compared: bool = False
    second_look_at: datetime | None = None
    found: dict[str, int] = Field(default_factory=dict)
    to_tell: int = 0
    cuts: int = 0
    tasks: int = 0
    granted: int = 0
    only_reports: bool = False
    asked_until: datetime | None = None
    may_cut: bool = True
    done: dict[str, int] = Field(default_factory=dict)
    is_dealt_with: bool = False
    is_closed: bool = False

    @property
    def look(self) -> int:
        """Which look it is in, or was in last."""
        return LOOKS.get(self.stage) or (1 if self.second_look_at is None else 2)

    @property
    def run(self) -> str:
        """The name of this run in the records: the workflow id may have had others."""
        return f"{self.workflow_id}@{self.opened_at.isoformat() if self.opened_at else ''}"


class Begin(Content):
    """The schedule, or a person, wants a run."""


class Looked(Content):
    """One operation of a look has been done; `left` things are left for the next of its kind."""

    look: int
    system: System
    operation: str
    left: int = 0


class Compared(Content):
    """What was seen has been compared with what is granted, and kept.

    `to_tell` findings would be told somebody, `cuts` of them take something away, `tasks` are a
    case handler's. `only_reports`: producers are being adopted, so nothing is told.
    """

    look: int
    found: dict[str, int]
    to_tell: int
    cuts: int
    tasks: int
    granted: int
    only_reports: bool


class Dealt(Content):
    """Some findings have been dealt with; `done` counts how, `left` are left."""

    done: dict[str, int]
    left: int


def _begin(state: ReconciliationState, content: Begin, moment: Moment) -> None:
    del content
    if not state.is_opened:
        state.opened_at = moment.now
        state.looking = dict(BEGINS_WITH)
        # Ids of mails follow from this: a run before under the same workflow id had others.
        state.messages = int(moment.now.timestamp())


def _looked(state: ReconciliationState, content: Looked, moment: Moment) -> None:
    del moment
    is_awaited = state.looking.get(content.system) == content.operation
    if content.look != LOOKS.get(state.stage) or not is_awaited or content.left:
        return  # what is left is wanted again
    following = GOES_ON_WITH.get(content.operation)
    if following:
        state.looking[content.system] = following
    else:
        del state.looking[content.system]


def _compared(state: ReconciliationState, content: Compared, moment: Moment) -> None:
    del moment
    if content.look != LOOKS.get(state.stage) or state.looking:
        return
    state.found, state.to_tell = content.found, content.to_tell
    state.cuts, state.tasks, state.granted = content.cuts, content.tasks, content.granted
    state.only_reports = content.only_reports
    state.is_compared = True


def _dealt(state: ReconciliationState, content: Dealt, moment: Moment) -> None:
    del moment
    if state.stage != "dealing":
        return
    for how, count in content.done.items():
        state.done[how] = state.done.get(how, 0) + count
    state.is_dealt_with = content.left == 0


def _closed(state: ReconciliationState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_closed = state.is_dealt_with


def _second_look(state: ReconciliationState, moment: Moment) -> None:
    del moment
    _look_again(state, "second_look")


def _look_again(state: ReconciliationState, stage: str) -> None:
    state.stage = stage
    state.looking, state.is_compared = dict(BEGINS_WITH), False


def _confirm(state: ReconciliationState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.may_cut = True
    _look_again(state, "last_look")


def _reject(state: ReconciliationState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.outcome, state.stage = "cuts_rejected", "dealing"


def _unanswered(state: ReconciliationState, moment: Moment) -> None:
    del moment
    state.outcome, state.stage = "cuts_unanswered", "dealing"


def progress(state: ReconciliationState, moment: Moment) -> None:
    """Go from look to look, ask when much would be cut, deal with what was found, end."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "first_look" and state.is_compared:
        if state.to_tell or state.tasks:
            minutes = moment.policy.reconciliation.minutes_between_looks
            state.second_look_at = moment.now + timedelta(minutes=minutes)
            state.stage = "pause"
        else:
            state.stage = "dealing"
    elif state.stage == "second_look" and state.is_compared:
        _ask_or_deal(state, moment)
    elif state.stage == "last_look" and state.is_compared:
        state.stage = "dealing"
    elif state.stage == "dealing" and state.is_dealt_with:
        state.outcome = state.outcome or _outcome(state)
        if state.is_closed:
            _end(state)


def _ask_or_deal(state: ReconciliationState, moment: Moment) -> None:
    policy = moment.policy.reconciliation
    if state.only_reports or not too_many(state.cuts, state.granted, policy):
        state.stage = "dealing"
        return
    state.stage, state.may_cut = "asking", False
    state.asked_until = moment.now + timedelta(hours=policy.hours_to_answer)
    counts = {"cuts": str(state.cuts), "granted": str(state.granted), "ref": state.workflow_id}
    state.notify("too_many_cuts", Role.CASE_HANDLER, what=counts)


def _end(state: ReconciliationState) -> None:
    if state.tasks:
        what = {"tasks": str(state.tasks), "ref": state.workflow_id}
        state.notify("reconciliation_tasks", Role.CASE_HANDLER, what=what)
    state.stage = "ended"


def _outcome(state: ReconciliationState) -> str:
    if not (state.to_tell or state.tasks):
        return "agrees"
    return "only_reported" if state.only_reports else "dealt_with"


def wants(state: ReconciliationState) -> Iterator[Want]:
    """Yield what is to be looked at, compared or told next."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage in LOOKS and not state.is_compared:
        for system, operation in state.looking.items():
            yield Want(operation=operation, system=system, item=system)
        if not state.looking:
            yield Want(operation="compare", system=System.RECORDS)
    if state.stage == "dealing" and not state.is_dealt_with:
        yield Want(operation="deal", system=System.CASES)
    elif state.stage == "dealing":
        yield Want(operation="close", system=System.RECORDS)


def waits(state: ReconciliationState) -> Iterator[Wait]:
    """Yield on whom the run waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "asking":
        yield Wait(on=Party.CASE_HANDLER, rule="confirm_cuts")
    elif state.looking:
        for system in state.looking:
            yield Wait(on=PARTY_OF_SYSTEM[system], rule="reconcile", item=system)
    else:
        yield Wait(on=Party.NOBODY, rule="reconcile")


def timers(state: ReconciliationState, policy: Policy) -> Iterator[Timer]:
    """Yield the second look, and the end of the time to answer."""
    del policy
    if state.stage == "pause" and state.second_look_at is not None:
        yield Timer(name="second_look_due", at=state.second_look_at, rule="reconcile")
    if state.stage == "asking" and state.asked_until is not None:
        yield Timer(name="cuts_unanswered", at=state.asked_until, rule="confirm_cuts")


def _is_asking(state: ReconciliationState, moment: Moment) -> bool:
    del moment
    return state.stage == "asking"


STEPS: tuple[Step[ReconciliationState], ...] = (
    Step(
        name="confirm_cuts",
        payload=NoPayload,
        who=HANDLER,
        is_open=_is_asking,
        do=_confirm,
        help=Text(
            sv="Bekräfta att allt som hittades ska stängas av eller ges ut på nytt.",
            en="Confirm that all that was found is to be shut off or issued again.",
        ),
    ),
    Step(
        name="reject_cuts",
        payload=Reason,
        who=HANDLER,
        is_open=_is_asking,
        do=_reject,
        help=Text(
            sv="Avvisa: inget stängs av den här gången.",
            en="Reject: nothing is shut off this time.",
        ),
    ),
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[ReconciliationState] = Machine(
    name="AccessReconciliation",
    state=ReconciliationState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        "begin": Reaction(payload=Begin, do=_begin),
        "looked": Reaction(payload=Looked, do=_looked),
        "compared": Reaction(payload=Compared, do=_compared),
        "dealt": Reaction(payload=Dealt, do=_dealt),
        "closed": Reaction(payload=Content, do=_closed),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={"second_look_due": _second_look, "cuts_unanswered": _unanswered},
)
