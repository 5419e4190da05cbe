"""Comparing what was seen with what is granted, and telling those whom it concerns."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import asyncpg
from pydantic import BaseModel
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import Messages, TellInput
from domain.findings import TASKS, Finding, word_of
from domain.machine import Content
from domain.reconciliation import agreed, compare
from domain.reconciliation_run import Compared, Dealt
from domain.state import Tell
from records import reconciliations, switches

AT_A_TIME: Final = 50
STAGE: Final = SearchAttributeKey.for_keyword("Stage")
FIRST: Final = 1


class CompareInput(BaseModel):
    """Which look to compare; what has changed since the first one began is left alone."""

    run: str
    look: int
    unchanged_since: datetime


class DealInput(BaseModel):
    """The findings of a run, and whether cuts may be told."""

    run: str
    may_cut: bool
    only_reports: bool


class CloseInput(BaseModel):
    """A run that is over."""

    run: str
    outcome: str


class Findings:
    """What is done about what the looks saw."""

    def __init__(self, pool: asyncpg.Pool, client: Client, messages: Messages) -> None:
        self._pool = pool
        self._client = client
        self._messages = messages

    @activity.defn
    async def compare(self, wanted: CompareInput) -> Compared:
        """Compare a look with what is granted; of a later one, keep what was found before too."""
        granted = await reconciliations.granted(self._pool)
        found = await asyncio.to_thread(
            compare,
            granted,
            await reconciliations.seen(self._pool, wanted.run, wanted.look),
            unchanged_since=wanted.unchanged_since,
            told_of_register=await reconciliations.told_of_register(self._pool),
        )
        if wanted.look > FIRST:
            found = agreed(await reconciliations.findings(self._pool, wanted.run), found)
        only_reports = await switches.is_on(self._pool, switches.ADOPTING)
        await reconciliations.write_findings(
            self._pool, wanted.run, found, standing=granted.count, only_reports=only_reports
        )
        return Compared(
            look=wanted.look,
            found=dict(Counter(str(each.kind) for each in found)),
            to_tell=sum(word_of(each) is not None for each in found),
            cuts=sum(each.is_cut for each in found),
            tasks=sum(each.kind in TASKS for each in found),
            granted=granted.count,
            only_reports=only_reports,
        )

    @activity.defn
    async def deal(self, wanted: DealInput) -> Dealt:
        """Tell some of those whom findings concern, and note what was done about each.

        A word that is sent twice is heard once: its id is the finding's.
        """
        done: Counter[str] = Counter()
        for ordinal, finding in await reconciliations.to_deal_with(
            self._pool, wanted.run, AT_A_TIME
        ):
            how = await self._deal_with(wanted, ordinal, finding)
            now = datetime.now(UTC)
            await reconciliations.mark(self._pool, wanted.run, ordinal, how, now)
            done[how] += 1
        return Dealt(done=dict(done), left=await reconciliations.left(self._pool, wanted.run))

    @activity.defn
    async def close(self, wanted: CloseInput) -> Content:
        """Note how the run ended."""
        await reconciliations.end(self._pool, wanted.run, wanted.outcome, datetime.now(UTC))
        return Content()

    async def _deal_with(self, wanted: DealInput, ordinal: int, finding: Finding) -> str:
        word = word_of(finding)
        if word is None:
            return "task" if finding.kind in TASKS else "listed"
        if wanted.only_reports:
            return "only_reported"
        if finding.is_cut and not wanted.may_cut:
            return "not_cut"
        if finding.rests_on is not None and await self._is_alive(finding.rests_on):
            return "entitled_after_all"
        told = Tell(
            message_id=f"{wanted.run}#{ordinal}",
            to=finding.ref,
            what=word.what,
            content=dict(word.content),
            starts=word.starts,
        )
        await self._messages.tell(TellInput(sender=wanted.run, words=[told]))
        return "told"

    async def _is_alive(self, ref: str) -> bool:
        """Whether a workflow runs and is not cleaning up: the read model may lag behind."""
        try:
            found = await self._client.get_workflow_handle(ref).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        stage = found.typed_search_attributes.get(STAGE)
        return found.status is WorkflowExecutionStatus.RUNNING and stage not in {"ending", "ended"}
