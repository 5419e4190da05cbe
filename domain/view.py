"""What people see of a workflow, and what will happen to it by itself."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from domain.act import Role
from domain.case import CaseState
from domain.machine import Act, Content, Machine, Moment, S, Step, apply, copied, open_steps, timers
from domain.policy import Policy
from domain.reminders import due_day
from domain.state import EntryKind, Party, State, Waiting

ORDER = list(Party)
# With these all is over: what else would happen by itself later does not.
LAST = frozenset({"expired", "notice_over", "last_day_over", "left"})
# Word is sent again where an answer is lacking: a forecast takes it that everybody answers.
UNANSWERED = "tell_again"


class WaitingView(BaseModel):
    """On whom, since when, by which rule, until when."""

    on: Party
    since: datetime
    rule: str
    item: str = ""
    due: str | None = None


class Receipt(BaseModel):
    """The answer to a step that was taken."""

    version: int
    stage: str
    waiting: WaitingView | None = None
    open_steps: list[str]
    number: str | None = None


def waiting_views(state: State, policy: Policy) -> list[WaitingView]:
    """Return all waits, the one to show first in front."""
    waits = sorted(state.waiting, key=lambda waiting: (ORDER.index(waiting.on), waiting.since))
    return [_waiting_view(waiting, policy) for waiting in waits]


def _waiting_view(waiting: Waiting, policy: Policy) -> WaitingView:
    due = due_day(waiting, policy)
    return WaitingView(
        on=waiting.on,
        since=waiting.since,
        rule=waiting.rule,
        item=waiting.item,
        due=due.isoformat() if due else None,
    )


def is_listed_as_case(machine: Machine[S], state: S) -> bool:
    """Whether it is listed among the cases: one that waits on people, or has ended with a number.

    What has become an entity (a connected data set, an active agent) is none until it ends.
    """
    if not isinstance(state, CaseState):
        return False
    return state.is_case or (state.is_ending and machine.draws_number(state))


def receipt(machine: Machine[S], state: S, moment: Moment) -> Receipt:
    """Return what a person is told after a step."""
    waits = waiting_views(state, moment.policy)
    return Receipt(
        version=state.version,
        stage=state.stage,
        waiting=waits[0] if waits else None,
        open_steps=[step.name for step in open_steps(machine, state, moment)],
        number=state.number or state.case_number,
    )


def view(machine: Machine[S], state: S, moment: Moment) -> dict[str, Any]:
    """Return the whole view, JSON-ready; incidents and documents are joined by the records."""
    waits = waiting_views(state, moment.policy)
    shown: dict[str, Any] = {
        "ref": state.workflow_id,
        "type": state.type,
        "number": state.number,
        "case_number": state.number or state.case_number,
        "registry_number": state.registry_number,
        "stage": state.stage,
        "stages": list(machine.stages),
        "outcome": state.outcome,
        "organisation": {"org_number": state.org_number, "name": state.organisation_name},
        "owner": state.owner,
        "handler": state.handler,
        "opened_at": _iso(state.opened_at),
        "ended_at": _iso(state.ended_at),
        "version": state.version,
        "waiting": waits[0].model_dump(mode="json") if waits else None,
        "waits": [each.model_dump(mode="json") for each in waits],
        "pending": [each.model_dump(mode="json") | {"key": each.key} for each in state.pending],
        "parts": [part.model_dump(mode="json") for part in state.parts.values()],
        "open_steps": [
            _step_view(step, role)
            for step in open_steps(machine, state, moment)
            for role in sorted(step.who)
        ],
        "upcoming": upcoming(machine, state, moment.policy),
        "unreachable": bool(state.unreachable),
        "details": details(state),
    }
    return shown


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None


def _step_view(step: Step[Any], role: Role) -> dict[str, Any]:
    return {"name": step.name, "role": role, "help": step.help.model_dump()}


HIDDEN = frozenset(
    {
        *State.model_fields,
        "journal",
        "notices",
        "outgoing",
        "former",
        "paused",
        "enrolled",
        "people_told",
        "standing",
        "limits_told",
        "contact_told",
        "decisions_before",
        "changed_on",
    }
)


def details(state: State) -> dict[str, Any]:
    """Return the facts of the type itself: agreements, review, data sets, people, ..."""
    shown = state.model_dump(mode="json", exclude=set(HIDDEN), exclude_none=True)
    shown |= state.derived()
    if isinstance(state, CaseState):
        shown["checklist"] = checklist(state)
    return shown


def checklist(state: CaseState) -> list[dict[str, Any]]:
    """Return for each agreement every place with its outcome: by a person, else by the check."""
    rows: list[dict[str, Any]] = []
    for kind, agreement in state.agreements.items():
        answers = {each["place"]: each for each in agreement.checklist}
        lacks = {each["place"]: each for each in agreement.deficiencies}
        for finding in agreement.findings:
            place = finding["place"]
            found = answers.get(place) or lacks.get(place) or {}
            rows.append({"kind": kind, **finding, **found})
        known = {finding["place"] for finding in agreement.findings}
        for place, answer in {**answers, **lacks}.items():
            if place not in known:
                rows.append({"kind": kind, **answer})
    return rows


def upcoming(machine: Machine[S], state: S, policy: Policy) -> list[dict[str, Any]]:
    """Return what will happen by itself, nearest first, if nobody does anything before."""
    rows: list[dict[str, Any]] = []
    for timer in timers(machine, state, policy):
        what = timer.name.partition("|")[0]
        rows.append(
            {"at": timer.at.isoformat(), "what": what, "rule": timer.rule, "item": timer.item}
        )
        if what in LAST:
            break
    return rows


def forecast(machine: Machine[S], state: S, moment: Moment, days: int) -> list[dict[str, Any]]:
    """Play a copy of the state forward and return what happens by itself until `days` from now.

    Each row: `at`, `what`, `rule`, `stage` after it, and `notices` that go out.
    """
    until = moment.now + timedelta(days=days)
    rows: list[dict[str, Any]] = []
    played = copied(state)
    played.notices, played.journal = [], []
    while nearest := next(iter(timers(machine, played, moment.policy)), None):
        if nearest.at > until:
            break
        played.notices = []
        act = Act(kind=EntryKind.DEADLINE, name=nearest.name, payload=Content())
        played = apply(machine, played, act, Moment(max(nearest.at, moment.now), moment.policy))
        what = nearest.name.partition("|")[0]
        if what == UNANSWERED:
            continue
        rows.append(
            {
                "at": nearest.at.isoformat(),
                "what": what,
                "rule": nearest.rule,
                "item": nearest.item,
                "stage": played.stage,
                "notices": [f"{n.template} → {n.role or 'person'}" for n in played.notices],
            }
        )
    return rows
