"""The durable shell around every machine: what all workflows have, once.

A machine (in `domain`) decides, `deciding` takes the acts; this file does what they ask for,
durably: it performs the wanted operations, records, tells, sends notices, and lets time pass.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.deciding import Deciding, S, Start

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    from activities import messages, notices, record
    from domain.case import CaseState
    from domain.machine import (
        Act,
        Content,
        content_of,
    )
    from domain.policy import Policy
    from domain.state import EntryKind, Pending, System, Waiting
    from domain.view import ORDER, view

WORKFLOW_QUEUE = "cases"
# How long a workflow task may be at a worker: so long is the silence when that one is killed.
# A whole history of ours replays in a tenth of a second.
TASK_LIMIT = timedelta(seconds=3)
ATTEMPT_LIMIT = timedelta(seconds=30)
INSIDE_LIMIT = timedelta(seconds=10)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
SHUT_OFF_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
INSIDE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)
)
UNOPENED_LIMIT = timedelta(seconds=10)
LONGEST_RUN = timedelta(days=365)
REMEMBERED_REQUESTS = 200
REMEMBERED_WORDS = 500
LARGEST_BATCH = 100

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


@dataclass(frozen=True)
class Operation:
    """How a wanted operation is done: by which activity, with what, and what its answer is."""

    activity: Callable[..., Any]
    input: Callable[[Any, Pending, Policy], BaseModel]
    answer: str
    shuts_off: bool = False


class Durable(Deciding[S]):
    """What every workflow is: a machine, its state, and the operations it may want."""

    operations: ClassVar[dict[str, Operation]]

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._begun = workflow.now()
        self._running: dict[str, workflow.ActivityHandle[Any]] = {}
        self._systems: dict[str, System] = {}
        self._called_off: set[str] = set()
        self._shown: dict[str, object] = {}
        self._view_version = -1
        self._bug: BaseException | None = None

    # ---- living --------------------------------------------------------------------------

    async def live(self) -> Result:
        """Run until everything has ended and been recorded, or continue as new."""
        if not await self._is_opened_in_time():
            return Result(number=None, outcome="never_opened")
        chores = [
            asyncio.create_task(chore())
            for chore in (
                self._perform_wanted,
                self._call_off_unwanted,
                self._keep_time,
                self._keep_record,
                self._tell_words,
                self._send_notices,
                self._wake_waiting,
                self._show,
            )
        ]
        for chore in chores:
            chore.add_done_callback(self._notice_bug)
        await workflow.wait_condition(
            lambda: self._is_done or self._should_continue or self._bug is not None
        )
        if self._bug is not None:
            raise RuntimeError("a chore stopped") from self._bug
        if not self._is_done:
            await self._continue(chores)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return Result(number=self.state.number, outcome=self.state.outcome)

    def _notice_bug(self, task: asyncio.Task[None]) -> None:
        """A chore that stops is a bug: it fails the workflow task, so that it shows and blocks."""
        if not task.cancelled() and task.exception() is not None:
            self._bug = task.exception()

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
        return self.state.is_ended and not owed and not self._running

    @property
    def _should_continue(self) -> bool:
        if self.state.is_ended or not self.state.is_opened:
            return False
        return (
            workflow.info().is_continue_as_new_suggested()
            or self._acts >= self._policy.continue_as_new_acts
            or workflow.now() - self._begun >= LONGEST_RUN
        )

    async def _continue(self, chores: list[asyncio.Task[None]]) -> None:
        chores[0].cancel()  # nothing new is started; what runs is called off
        for key, handle in list(self._running.items()):
            self._called_off.add(key)
            handle.cancel()
        await workflow.wait_condition(
            lambda: not self._running and workflow.all_handlers_finished()
        )
        now = await workflow.execute_activity_method(
            record.Records.current_policy,
            task_queue=System.RECORDS,
            start_to_close_timeout=INSIDE_LIMIT,
            retry_policy=INSIDE_RETRY,
        )
        workflow.continue_as_new(
            Start(
                policy=now.policy,
                state=self.state.model_dump(mode="json"),
                answered=self._answered,
                chain_id=self._chain_id,
            )
        )

    # ---- doing ---------------------------------------------------------------------------

    def _startable(self) -> Pending | None:
        busy = {self._systems[key] for key in self._running}
        return next((want for want in self.state.pending if want.system not in busy), None)

    async def _perform_wanted(self) -> None:
        """Start each wanted operation; one at a time at each system, so clean-up comes last."""
        while True:
            await workflow.wait_condition(lambda: self._startable() is not None)
            want = self._startable()
            assert want is not None
            operation = self.operations[want.operation]
            self._systems[want.key] = want.system
            handle = workflow.start_activity(
                operation.activity,
                operation.input(self.state, want, self._policy),
                task_queue=want.system,
                activity_id=want.key,
                start_to_close_timeout=ATTEMPT_LIMIT,
                retry_policy=SHUT_OFF_RETRY if operation.shuts_off else RETRY,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                summary=want.key,
            )
            self._running[want.key] = handle
            task = asyncio.create_task(self._await_answer(want, operation, handle))
            task.add_done_callback(self._notice_bug)

    async def _await_answer(
        self, want: Pending, operation: Operation, handle: workflow.ActivityHandle[Any]
    ) -> None:
        try:
            answer = await handle
        except ActivityError as error:
            if not is_cancelled_exception(error) and want.key not in self._called_off:
                raise
            self._finish(want)
            unknown = {"operation": want.operation}
            self._answer("outcome_unknown", unknown)
            return
        self._finish(want)
        self._answer(operation.answer, answer.model_dump())

    def _finish(self, want: Pending) -> None:
        del self._running[want.key]
        self._called_off.discard(want.key)

    def _answer(self, name: str, answer: dict[str, Any]) -> None:
        content = content_of(self.machine, name, answer)
        assert content is not None
        self._apply(Act(EntryKind.ANSWER, name, content))

    async def _call_off_unwanted(self) -> None:
        """Cancel an operation as soon as the facts no longer call for it."""

        def unwanted() -> list[str]:
            wanted = {want.key for want in self.state.pending}
            return [
                key for key in self._running if key not in wanted and key not in self._called_off
            ]

        while True:
            await workflow.wait_condition(lambda: bool(unwanted()))
            for key in unwanted():
                self._called_off.add(key)
                self._running[key].cancel()

    async def _keep_time(self) -> None:
        """Sleep to the nearest instant at which something happens by itself, and let it happen."""
        while True:
            await workflow.wait_condition(lambda: self._timer is not None)
            timer = self._timer
            assert timer is not None
            wait = timer.at - workflow.now()
            if wait > timedelta(0):
                try:
                    await workflow.wait_condition(
                        lambda timer=timer: self._timer != timer,  # type: ignore[misc]
                        timeout=wait,
                        timeout_summary=timer.name,
                    )
                    continue
                except TimeoutError:
                    pass
            if self._timer == timer:
                self._apply(Act(EntryKind.DEADLINE, timer.name, Content()))

    async def _keep_record(self) -> None:
        """Write journal and read model, in batches while one is on its way."""
        while True:
            await workflow.wait_condition(lambda: bool(self.state.journal))
            entries = self.state.journal[:LARGEST_BATCH]
            recorded = await workflow.execute_activity_method(
                record.Records.record,
                record.RecordInput(
                    chain_id=self._chain_id,
                    workflow_id=self.state.workflow_id,
                    is_case=isinstance(self.state, CaseState) and self.state.is_case,
                    draws_number=self.machine.draws_number(self.state),
                    opened_at=self.state.opened_at,
                    entries=entries,
                    view=view(self.machine, self.state, self._moment()),
                ),
                task_queue=System.RECORDS,
                start_to_close_timeout=INSIDE_LIMIT,
                retry_policy=INSIDE_RETRY,
                summary=f"journal to {entries[-1].sequence}",
            )
            self._leave_trace()
            last = entries[-1].sequence
            self.state.journal = [each for each in self.state.journal if each.sequence > last]
            if recorded.number and self.state.number is None:
                self._answer("numbered", {"number": recorded.number})

    async def _tell_words(self) -> None:
        """Tell other workflows what they are owed, in order."""
        while True:
            await workflow.wait_condition(lambda: bool(self.state.outgoing) and self._has_number)
            words = list(self.state.outgoing)
            await workflow.execute_activity_method(
                messages.Messages.tell,
                messages.TellInput(sender=self.state.workflow_id, words=words),
                task_queue=System.CASES,
                start_to_close_timeout=INSIDE_LIMIT,
                retry_policy=INSIDE_RETRY,
                summary=", ".join(word.what for word in words),
            )
            self._leave_trace()
            told = {word.message_id for word in words}
            self.state.outgoing = [w for w in self.state.outgoing if w.message_id not in told]

    @property
    def _has_number(self) -> bool:
        return self.state.number is not None or not self.machine.draws_number(self.state)

    async def _send_notices(self) -> None:
        """Send mails, beside the record: a mail outage delays nothing but mails."""
        while True:
            await workflow.wait_condition(lambda: bool(self.state.notices) and self._has_number)
            notice = self.state.notices[0]
            sent = await workflow.execute_activity_method(
                notices.Notices.send_notice,
                notices.NoticeInput(
                    notice=notice,
                    ref=self.state.workflow_id,
                    number=self.state.number or self.state.case_number,
                    organisation=self.state.organisation_name,
                ),
                task_queue=System.MAIL,
                activity_id=f"notice:{notice.notice_id}",
                start_to_close_timeout=ATTEMPT_LIMIT,
                retry_policy=RETRY,
                summary=notice.template,
            )
            self._leave_trace()
            self.state.notices = [
                each for each in self.state.notices if each.notice_id != notice.notice_id
            ]
            if sent.refused and notice.person is not None:
                self._answer("unreachable", {"email": notice.person.email})

    async def _wake_waiting(self) -> None:
        """Let operations that a person asked for be tried again at once."""
        while True:
            await workflow.wait_condition(lambda: bool(self.state.retries))
            operations, self.state.retries = self.state.retries, []
            await workflow.execute_activity_method(
                messages.Messages.wake,
                messages.WakeInput(workflow_id=self.state.workflow_id, operations=operations),
                task_queue=System.CASES,
                start_to_close_timeout=INSIDE_LIMIT,
                retry_policy=INSIDE_RETRY,
            )
            self._leave_trace()

    def _leave_trace(self) -> None:
        """Let the workflow task that ends a chore leave an event behind, whatever follows.

        A task without any is taken for a heartbeat when a worker that does not hold the workflow
        meets an update next: what the task brought and the update then come in one activation
        there, but in two at every replay (docs/decisions/0008-no-workflow-task-is-empty.md).
        """
        workflow.upsert_memo({"recorded": self.state.sequence - len(self.state.journal)})

    async def _show(self) -> None:
        """Keep the Temporal UI's details and search attributes as the state says."""
        while True:
            await workflow.wait_condition(lambda: self.state.version != self._view_version)
            self._view_version = self.state.version
            first = next(iter(sorted(self.state.waiting, key=_shown_first)), None)
            waits = f"{first.on} since {first.since:%Y-%m-%d} by {first.rule}" if first else "-"
            workflow.set_current_details(f"**{self.state.stage}**, waits on {waits}")
            self._index(first.on if first else None)

    def _index(self, waiting_on: str | None) -> None:
        due = self._timer.at if self._timer is not None else None
        wanted: dict[SearchAttributeKey[Any], object] = {
            CASE_NUMBER: self.state.number or self.state.case_number,
            ORGANISATION_NUMBER: self.state.org_number or None,
            STAGE: self.state.stage,
            WAITING_ON: waiting_on,
            DUE_AT: due,
        }
        changes: list[SearchAttributeUpdate[Any]] = [
            key.value_set(value)
            for key, value in wanted.items()
            if value is not None and self._shown.get(key.name) != value
        ]
        if changes:
            self._shown |= {key.name: value for key, value in wanted.items()}
            workflow.upsert_search_attributes(changes)


def _shown_first(waiting: Waiting) -> tuple[int, datetime]:
    return (ORDER.index(waiting.on), waiting.since)
