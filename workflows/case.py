"""The durable shell around every machine: what all workflows have, once.

A machine (in `domain`) decides, `deciding` takes the acts, `doing` does what they ask for. One
loop holds them together: whenever anything has happened, it brings the world in step with the
facts, lets time pass, and waits again.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from workflows.deciding import S, Start
from workflows.doing import Doing, Operation

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    from activities import record
    from domain.machine import Act, Content
    from domain.policy import Policy
    from domain.state import EntryKind, Waiting
    from domain.view import ORDER

__all__ = ["SEARCH_ATTRIBUTES", "TASK_LIMIT", "WORKFLOW_QUEUE", "Durable", "Operation", "Result"]

WORKFLOW_QUEUE = "cases"
# How long a workflow task may be at a worker: so long is the silence when that one is killed.
# A whole history of ours replays in a tenth of a second. On a machine where a task takes longer it
# is done again; from the fourth attempt on the server gives it 5 s and more, so that it passes.
TASK_LIMIT = timedelta(seconds=1)
UNOPENED_LIMIT = timedelta(seconds=10)
LONGEST_RUN = timedelta(days=365)

CASE_NUMBER = SearchAttributeKey.for_keyword("CaseNumber")
ORGANISATION_NUMBER = SearchAttributeKey.for_keyword("OrganisationNumber")
STAGE = SearchAttributeKey.for_keyword("Stage")
WAITING_ON = SearchAttributeKey.for_keyword("WaitingOn")
DUE_AT = SearchAttributeKey.for_datetime("DueAt")
SEARCH_ATTRIBUTES = {
    CASE_NUMBER.name: "keyword",
    ORGANISATION_NUMBER.name: "keyword",
    STAGE.name: "keyword",
    WAITING_ON.name: "keyword",
    DUE_AT.name: "datetime",
}


class Result(BaseModel):
    """How a workflow ended."""

    number: str | None
    outcome: str | None


class Durable(Doing[S]):
    """What every workflow is: a machine, its state, and what they ask for, as long as it lives."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._begun = workflow.now()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        # What another run has shown stands until it is written over, also by nothing.
        self._shown: dict[str, object] = (
            dict.fromkeys(SEARCH_ATTRIBUTES, "?") if start.state else {}
        )
        self._next_policy: Policy | None = None

    # ---- living --------------------------------------------------------------------------

    async def live(self) -> Result:
        """Run until everything has ended and been recorded, or continue as new."""
        if not await self._is_opened_in_time():
            return Result(number=None, outcome="never_opened")
        while not self._is_done:
            if self._should_continue:
                await self._continue()
            await self._turn()
        self._show()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return Result(number=self.state.number, outcome=self.state.outcome)

    async def _is_opened_in_time(self) -> bool:
        if self.state.is_opened:
            return True
        try:
            await workflow.wait_condition(
                lambda: self.state.is_opened,
                timeout=UNOPENED_LIMIT,
                timeout_summary="ends when nothing opens it",
            )
        except TimeoutError:
            return False
        return True

    @property
    def _is_done(self) -> bool:
        owed = self.state.journal or self.state.outgoing or self.state.notices
        return self.state.is_ended and not owed and not self._errands

    @property
    def _should_continue(self) -> bool:
        if self.state.is_ended or not self.state.is_opened:
            return False
        return (
            workflow.info().is_continue_as_new_suggested()
            or self._acts >= self._policy.continue_as_new_acts
            or workflow.now() - self._begun >= LONGEST_RUN
        )

    async def _turn(self) -> None:
        """Bring the world in step with the facts, wait until something happens, and take it in."""
        self._keep_up()
        await workflow.wait_condition(self._has_news)
        self._take_answers()
        self._let_time_pass()

    def _has_news(self) -> bool:
        return (
            self._is_stirred
            or self._is_due
            or (self._alarm is not None and self._alarm.done())
            or any(errand.handle.done() for errand in self._errands.values())
        )

    def _keep_up(self) -> None:
        """Do what is owed, and leave an event behind whatever was done or not.

        No workflow task may be empty: an empty one is taken for a heartbeat when a worker that does
        not hold the workflow meets an update next; what the task brought and the update then come
        in one activation there, but in two at every replay
        (docs/decisions/0008-no-workflow-task-is-empty.md).
        """
        self._is_stirred = False
        self._has_commanded = False
        self._do_what_is_owed()
        self._set_alarm()
        if not self._has_commanded and not self._show():
            self._leave_an_event()

    def _leave_an_event(self) -> None:
        """Wind the alarm anew, which costs the server least; where there is none, say the stage."""
        if self._alarm is None:
            workflow.upsert_search_attributes([STAGE.value_set(self.state.stage)])
            return
        self._alarm.cancel()
        self._alarm = None
        self._set_alarm()

    async def _continue(self) -> None:
        """Hand the state over to a new run, as soon as no operation is under way."""
        self._is_leaving = True  # nothing new is started; what runs is called off
        while any(errand.want for errand in self._errands.values()):
            await self._turn()
        self._do("current_policy", record.Records.current_policy, None, self._take_policy)
        while self._next_policy is None or not workflow.all_handlers_finished():
            await self._turn()
        workflow.continue_as_new(
            Start(
                policy=self._next_policy,
                state=self.state.model_dump(mode="json"),
                answered=self._answered,
                chain_id=self._chain_id,
            )
        )

    def _take_policy(self, now: record.PolicyNow) -> None:
        self._next_policy = now.policy

    # ---- time ----------------------------------------------------------------------------

    def _set_alarm(self) -> None:
        """Sleep to the nearest instant at which something happens by itself."""
        at, what = self._next_instant
        if self._alarm is not None and at != self._alarm_at:
            self._alarm.cancel()
            self._alarm = None
        if self._alarm is None and at is not None and at > workflow.now():
            wait = at - workflow.now()
            self._alarm = asyncio.create_task(workflow.sleep(wait, summary=what))
            self._alarm_at = at
            self._has_commanded = True

    @property
    def _next_instant(self) -> tuple[datetime | None, str]:
        """The nearest deadline; before that the run's year, or nothing would wake a quiet one."""
        timer, year = self._timer, self._begun + LONGEST_RUN
        if not self.state.is_ended and workflow.now() < year and (not timer or year < timer.at):
            return year, "continues as new"
        return (timer.at, timer.name) if timer else (None, "")

    @property
    def _is_due(self) -> bool:
        return self._timer is not None and self._timer.at <= workflow.now()

    def _let_time_pass(self) -> None:
        """Let happen what is due: one thing a turn, as each may change what is next."""
        has_rung = self._alarm is not None and self._alarm.done()
        timer = self._timer
        if timer is not None and (self._is_due or (has_rung and timer.at == self._alarm_at)):
            self._apply(Act(EntryKind.DEADLINE, timer.name, Content()))
        if has_rung:
            self._alarm = None

    # ---- showing -------------------------------------------------------------------------

    def _show(self) -> bool:
        """Bring what the Temporal UI shows up to date; returns whether anything was new.

        Only in a turn that commands nothing else, because the server writes its index anew each
        time.
        """
        first = next(iter(sorted(self.state.waiting, key=_shown_first)), None)
        waits = f"{first.on} since {first.since:%Y-%m-%d} by {first.rule}" if first else "-"
        workflow.set_current_details(f"**{self.state.stage}**, waits on {waits}")
        wanted: dict[SearchAttributeKey[Any], object] = {
            CASE_NUMBER: self.state.number or self.state.case_number,
            ORGANISATION_NUMBER: self.state.org_number or None,
            STAGE: self.state.stage,
            WAITING_ON: first.on if first else None,
            DUE_AT: self._timer.at if self._timer is not None else None,
        }
        changes: list[SearchAttributeUpdate[Any]] = [
            key.value_unset() if value is None else key.value_set(value)
            for key, value in wanted.items()
            if self._shown.get(key.name) != value
        ]
        self._shown |= {key.name: value for key, value in wanted.items()}
        if changes:
            workflow.upsert_search_attributes(changes)
        return bool(changes)


def _shown_first(waiting: Waiting) -> tuple[int, datetime]:
    return (ORDER.index(waiting.on), waiting.since)
