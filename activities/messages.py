"""Words between workflows, enrolments, and waking what waits for its next attempt."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.waking import wake_activities
from domain.act import Actor, Role, StepRequest
from domain.agreement_state import Standing, standing
from domain.permission import DatasetStanding
from domain.policy import Policy
from domain.state import Tell

# What the sender hears when the one it told is no longer there.
GONE = {"end": "part_ended", "person_left": "release"}
CREDENTIAL = "credential/"


class HeardWord(BaseModel):
    """The argument of the signal `heard`."""

    message_id: str
    sender: str
    what: str
    content: dict[str, Any]


class TellInput(BaseModel):
    """Words to tell, in this order."""

    sender: str
    words: list[Tell]


class EnrolInput(BaseModel):
    """What wants to rest on an owner."""

    owner: str
    ref: str
    type: str
    item: str


class WakeInput(BaseModel):
    """Operations of one workflow whose next attempt is to start at once."""

    workflow_id: str
    operations: list[str]


class Messages:
    """What workflows say to each other, by the client."""

    def __init__(
        self, client: Client, task_queue: str, task_limit: timedelta, policy: Policy
    ) -> None:
        self._client = client
        self._task_queue = task_queue
        self._task_limit = task_limit
        self._policy = policy

    @activity.defn
    async def tell(self, wanted: TellInput) -> None:
        """Send words by signal. A target that is closed counts as told.

        A target that must exist is started with the word. The receiver knows the message id,
        so a word that arrives twice is heard once. Who is told to end and is not there has ended:
        the sender hears it; a credential is started again, straight into its clean-up.
        """
        for word in wanted.words:
            heard = HeardWord(
                message_id=word.message_id,
                sender=wanted.sender,
                what=word.what,
                content=word.content,
            )
            if word.starts is not None:
                await self._start_with(word, heard)
            else:
                await self._signal(word, heard)

    async def _start_with(self, word: Tell, heard: HeardWord) -> None:
        await self._client.start_workflow(
            word.starts or "",
            {"policy": self._policy.model_dump(mode="json")},
            id=word.to,
            task_queue=self._task_queue,
            task_timeout=self._task_limit,
            start_signal="heard",
            start_signal_args=[heard],
        )

    async def _signal(self, word: Tell, heard: HeardWord) -> None:
        try:
            await self._client.get_workflow_handle(word.to).signal("heard", heard)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if word.what in GONE:
                await self._answer_for(word, heard)

    async def _answer_for(self, word: Tell, heard: HeardWord) -> None:
        if word.to.startswith(CREDENTIAL) and word.what == "end":
            content = {**heard.content, "owner": heard.sender}
            again = word.model_copy(update={"starts": "Credential"})
            await self._start_with(again, heard.model_copy(update={"content": content}))
            return
        answer = HeardWord(
            message_id=f"{heard.message_id}/gone",
            sender=word.to,
            what=GONE[word.what],
            content={"ref": word.to, "outcome": "gone"},
        )
        await self._client.get_workflow_handle(heard.sender).signal("heard", answer)

    @activity.defn
    async def enrol(self, wanted: EnrolInput) -> Standing:
        """Enrol at an agreement; not accepted when none is there or it takes no more."""
        owner = await self._enrol(wanted)
        return standing(owner) if owner is not None else Standing(accepted=False)

    @activity.defn
    async def enrol_at_dataset(self, wanted: EnrolInput) -> DatasetStanding:
        """Enrol at a data set; not accepted when it is not so far that it can be delivered."""
        owner = await self._enrol(wanted)
        if owner is None:
            return DatasetStanding(accepted=False)
        return DatasetStanding(accepted=True, last_day=owner.get("last_day"))

    async def _enrol(self, wanted: EnrolInput) -> dict[str, Any] | None:
        """Enrol and return the owner's state; None when the owner is not there or refuses."""
        request = StepRequest(
            request_id=f"enrol/{wanted.ref}/{activity.info().workflow_run_id}/{activity.info().activity_id}",
            actor=Actor(subject=wanted.ref, name=wanted.ref, role=Role.SYSTEM),
            payload={"ref": wanted.ref, "type": wanted.type, "item": wanted.item},
        )
        handle = self._client.get_workflow_handle(wanted.owner)
        try:
            await handle.execute_update("enrol", request, id=request.request_id)
            state: dict[str, Any] = await handle.query("state", result_type=dict)
        except WorkflowUpdateFailedError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type != "busy":
                return None
            raise
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        return state

    @activity.defn
    async def wake(self, wanted: WakeInput) -> None:
        """Let the next attempt of operations start now."""
        pairs = [(wanted.workflow_id, operation) for operation in wanted.operations]
        await wake_activities(self._client, pairs, jitter_seconds=0)
