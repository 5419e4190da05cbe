"""Doing: what is owed to the world, each piece of it as an activity under way.

Whatever is owed and is not under way is started; nothing here remembers what came before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.deciding import Deciding, S, Start

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    from activities import messages, notices, record
    from activities.outside import LONGEST_PAUSE, SHUT_OFF_PAUSE
    from domain.machine import Act, content_of
    from domain.policy import Policy
    from domain.state import EntryKind, Notice, Pending, System
    from domain.view import is_listed_as_case, view

ATTEMPT_LIMIT = timedelta(seconds=30)
INSIDE_LIMIT = timedelta(seconds=10)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=LONGEST_PAUSE)
SHUT_OFF_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=SHUT_OFF_PAUSE)
INSIDE_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)
)
LARGEST_BATCH = 100


@dataclass(frozen=True)
class Operation:
    """How a wanted operation is done: by which activity, with what, and what its answer is."""

    activity: Callable[..., Any]
    input: Callable[[Any, Pending, Policy], BaseModel]
    answer: str
    shuts_off: bool = False


@dataclass
class Errand:
    """An activity under way, and what is done with its answer.

    `want` is the operation that it performs, if it is one.
    """

    handle: workflow.ActivityHandle[Any]
    take: Callable[[Any], None]
    want: Pending | None = None
    is_called_off: bool = False


class Doing(Deciding[S]):
    """A machine and its state, and what is under way for them."""

    operations: ClassVar[dict[str, Operation]]

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self._errands: dict[str, Errand] = {}
        self._has_commanded = False
        self._is_leaving = False

    def _do_what_is_owed(self) -> None:
        """Start what is owed and is not under way; call off what is no longer wanted."""
        self._call_off_unwanted()
        self._start_wanted()
        self._record()
        self._tell()
        self._send_notice()
        self._wake_waiting()

    # ---- errands -------------------------------------------------------------------------

    def _do(
        self,
        key: str,
        activity: Callable[..., Any],
        input_: BaseModel | None,
        take: Callable[[Any], None],
        *,
        queue: str = System.RECORDS,
        summary: str | None = None,
    ) -> None:
        """Start an activity inside our own house."""
        handle = workflow.start_activity(
            activity,
            args=[] if input_ is None else [input_],
            task_queue=queue,
            start_to_close_timeout=INSIDE_LIMIT,
            retry_policy=INSIDE_RETRY,
            summary=summary,
        )
        self._errands[key] = Errand(handle, take)
        self._has_commanded = True

    def _take_answers(self) -> None:
        for key, errand in list(self._errands.items()):
            if not errand.handle.done():
                continue
            del self._errands[key]
            try:
                answer = errand.handle.result()
            except ActivityError as error:
                if errand.want is None or not (
                    errand.is_called_off or is_cancelled_exception(error)
                ):
                    raise RuntimeError(f"{key} stopped") from error  # a bug: it shows and blocks
                self._answer("outcome_unknown", {"operation": errand.want.operation})
            else:
                errand.take(answer)

    def _answer(self, name: str, answer: dict[str, Any]) -> None:
        content = content_of(self.machine, name, answer)
        assert content is not None
        self._apply(Act(EntryKind.ANSWER, name, content))

    # ---- wanted operations ---------------------------------------------------------------

    def _call_off_unwanted(self) -> None:
        """Cancel an operation as soon as the facts no longer call for it."""
        wanted = set() if self._is_leaving else {want.key for want in self.state.pending}
        for key, errand in self._errands.items():
            if errand.want is not None and key not in wanted and not errand.is_called_off:
                errand.is_called_off = True
                errand.handle.cancel()
                self._has_commanded = True

    def _start_wanted(self) -> None:
        """Start each wanted operation; one at a time at each system, so clean-up comes last."""
        if self._is_leaving:
            return
        busy = {errand.want.system for errand in self._errands.values() if errand.want}
        for want in self.state.pending:
            if want.system not in busy:
                busy.add(want.system)
                self._perform(want)

    def _perform(self, want: Pending) -> None:
        operation = self.operations[want.operation]
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
        self._errands[want.key] = Errand(
            handle, lambda answer: self._answer(operation.answer, answer.model_dump()), want
        )
        self._has_commanded = True

    # ---- what is owed --------------------------------------------------------------------

    def _record(self) -> None:
        """Write journal and read model; what happens meanwhile goes in the next batch."""
        if "record" in self._errands or not self.state.journal:
            return
        entries = self.state.journal[:LARGEST_BATCH]
        last = entries[-1].sequence
        batch = record.RecordInput(
            chain_id=self._chain_id,
            workflow_id=self.state.workflow_id,
            is_case=is_listed_as_case(self.machine, self.state),
            draws_number=self.machine.draws_number(self.state),
            opened_at=self.state.opened_at,
            entries=entries,
            view=view(self.machine, self.state, self._moment()),
        )
        self._do(
            "record",
            record.Records.record,
            batch,
            lambda recorded: self._recorded(last, recorded),
            queue=System.CASES,  # the workflow's own, so that it goes along with the answer
            summary=f"journal to {last}",
        )

    def _recorded(self, last: int, recorded: record.Recorded) -> None:
        self.state.journal = [each for each in self.state.journal if each.sequence > last]
        if recorded.number and self.state.number is None:
            self._answer("numbered", {"number": recorded.number})

    def _tell(self) -> None:
        """Tell other workflows what they are owed, in order."""
        if "tell" in self._errands or not self.state.outgoing or not self._has_number:
            return
        words = list(self.state.outgoing)
        self._do(
            "tell",
            messages.Messages.tell,
            messages.TellInput(sender=self.state.workflow_id, words=words),
            lambda _: self._told({word.message_id for word in words}),
            queue=System.CASES,
            summary=", ".join(word.what for word in words),
        )

    def _told(self, told: set[str]) -> None:
        self.state.outgoing = [w for w in self.state.outgoing if w.message_id not in told]

    @property
    def _has_number(self) -> bool:
        return self.state.number is not None or not self.machine.draws_number(self.state)

    def _send_notice(self) -> None:
        """Send mails one by one, beside the record: a mail outage delays nothing but mails."""
        if "notice" in self._errands or not self.state.notices or not self._has_number:
            return
        notice = self.state.notices[0]
        handle = workflow.start_activity_method(
            notices.Notices.send_notice,
            notices.NoticeInput(
                notice=notice,
                number=self.state.number or self.state.case_number,
                organisation=self.state.organisation_name,
            ),
            task_queue=System.MAIL,
            activity_id=notice.key,
            start_to_close_timeout=ATTEMPT_LIMIT,
            retry_policy=RETRY,
            summary=notice.template,
        )
        self._errands["notice"] = Errand(handle, lambda sent: self._sent(notice, sent))
        self._has_commanded = True

    def _sent(self, notice: Notice, sent: notices.NoticeSent) -> None:
        self.state.notices = [
            each for each in self.state.notices if each.notice_id != notice.notice_id
        ]
        if sent.refused and notice.person is not None:
            self._answer("unreachable", {"email": notice.person.email})

    def _wake_waiting(self) -> None:
        """Let operations that a person asked for be tried again at once."""
        if "wake" in self._errands or not self.state.retries:
            return
        operations, self.state.retries = self.state.retries, []
        self._do(
            "wake",
            messages.Messages.wake,
            messages.WakeInput(workflow_id=self.state.workflow_id, operations=operations),
            lambda _: None,
            queue=System.CASES,
        )
