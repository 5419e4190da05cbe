"""Steps by update and by signal: decided at once, taken once, refused with a reason."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import (
    SignalWorkflowExecutionRequest,
    UpdateWorkflowExecutionRequest,
)
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError

from domain.act import Actor, Role
from records.journal import journal_of
from runtime.acting import StepRefusedError
from runtime.asking import ask
from tests.world import World
from workflows.case import DUE_AT, STAGE, WAITING_ON, WORKFLOW_QUEUE

HANDLER = Actor(subject="hanna.handlaggare", name="Hanna Handläggare", role=Role.CASE_HANDLER)
DECIDERS = [Actor(subject=f"d{n}", name=f"Beslut {n}", role=Role.DECIDER) for n in range(2)]

BURST = 10


def _note(text: str) -> dict[str, str]:
    return {"text": text, "visibility": "internal"}


async def _journal(world: World, ref: str, name: str) -> list[dict[str, Any]]:
    rows = await journal_of(world.context.pool, ref)
    return [row for row in rows if row["name"] == name]


async def test_the_same_request_ten_times_at_once_is_one_act(world: World) -> None:
    """Ten equal requests get ten equal answers and one line in the journal."""
    demo = world.demo()
    await demo.apply()
    answers = await asyncio.gather(
        *(world.step(demo.ref, "note", HANDLER, _note("en gång"), "same") for _ in range(10))
    )

    assert 1 == len({answer["version"] for answer in answers})
    await world.step(demo.ref, "note", HANDLER, _note("en gång till"), "other")
    assert 2 == len(await _recorded(world, demo.ref, "note", 2))


async def test_the_same_request_id_for_something_else_is_refused(world: World) -> None:
    """Another payload, or another person: the first answer is not theirs, and nothing changes."""
    demo = world.demo()
    await demo.apply()
    await world.step(demo.ref, "note", HANDLER, _note("första"), "reused")
    other = HANDLER.model_copy(update={"subject": "henrik.handlaggare"})
    for actor, text in ((HANDLER, "annan"), (other, "första")):
        with pytest.raises(StepRefusedError, match="reused_request_id"):
            await world.step(demo.ref, "note", actor, _note(text), "reused")
    assert 1 == len(await _recorded(world, demo.ref, "note", 1))


async def test_a_run_continues_as_new_when_the_server_suggests_it(world: World) -> None:
    """A history may grow long before a run has taken all its acts: nothing is lost then, either."""
    demo = world.demo()
    await demo.apply()
    first = await world.handle(demo.ref).describe()
    noted = 0
    while (await world.handle(demo.ref).describe()).run_id == first.run_id:
        await asyncio.gather(
            *(
                world.step(demo.ref, "note", HANDLER, _note(f"rad {number}"))
                for number in range(noted, noted + BURST)
            )
        )
        noted += BURST
        assert noted < world.context.policy.continue_as_new_acts
    lines = await _recorded(world, demo.ref, "note", noted)
    assert {line["what"]["text"] for line in lines} == {f"rad {n}" for n in range(noted)}
    assert len(lines) == noted


async def test_of_two_deciders_at_once_one_decides(world: World) -> None:
    """Two decisions in the same moment: one passes, the other is told what is open."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.stage("review")
    proposal = {
        "outcome": "granted",
        "datasets": [{"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}],
        "legal_rules": ["FL 32 §"],
        "decisive_facts": "Klart.",
    }
    await world.step(demo.ref, "propose_decision", HANDLER, proposal)
    results = await asyncio.gather(
        *(world.step(demo.ref, "decide", each, {"reasons": "Ja."}) for each in DECIDERS),
        return_exceptions=True,
    )

    refused = [each for each in results if isinstance(each, StepRefusedError)]
    assert ["not_now"] == [each.refusal["code"] for each in refused]
    assert "countersign_agreement" in refused[0].refusal["open_steps"]


async def test_a_signal_is_the_same_step(world: World) -> None:
    """A signal of the same name and payload takes the step; a refused one is journaled."""
    demo = world.demo()
    await demo.apply()
    request = {
        "request_id": "by-signal",
        "actor": HANDLER.model_dump(mode="json"),
        "payload": _note("med signal"),
    }
    await world.handle(demo.ref).signal("note", request)
    refused = request | {"request_id": "refused"}
    await world.handle(demo.ref).signal("countersign_agreement", refused)
    await world.step(demo.ref, "note", HANDLER, _note("efteråt"))

    assert 2 == len(await _recorded(world, demo.ref, "note", 2))
    lines = await _recorded(world, demo.ref, "countersign_agreement")
    assert ["refused"] == [line["kind"] for line in lines]
    assert "not_allowed" == lines[0]["what"]["code"]


async def _recorded(world: World, ref: str, name: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until at least so many lines of a step have been recorded; returns them all."""
    for _ in range(600):
        lines = await _journal(world, ref, name)
        if len(lines) >= count:
            return lines
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} was not recorded")


@pytest.mark.parametrize("argument", [None, [], "text", 7, {}, {"request_id": "x"}, {"actor": 1}])
async def test_what_cannot_be_read_is_refused_and_breaks_nothing(
    world: World, argument: object
) -> None:
    """An empty, null or undecodable step, by update or signal, leaves the case as it was."""
    demo = world.demo()
    await demo.apply()
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.handle(demo.ref).execute_update("note", argument)
    assert "bad_payload" == refused.value.cause.type  # type: ignore[attr-defined]

    await world.handle(demo.ref).signal("note", argument)
    receipt = await world.step(demo.ref, "note", HANDLER, _note("lever"))
    assert "intake" != receipt["stage"] or receipt["open_steps"]


async def test_a_step_without_any_argument_is_refused_in_plain_words(world: World) -> None:
    """Nothing at all is a step that cannot be read: no word of Python, and the case goes on."""
    demo = world.demo()
    await demo.apply()
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await world.handle(demo.ref).execute_update("note")
    assert "request_id, actor" in str(refused.value.cause)

    await world.handle(demo.ref).signal("note")
    assert ["refused"] == [line["kind"] for line in await _recorded(world, demo.ref, "note")]
    await world.step(demo.ref, "note", HANDLER, _note("lever"))


async def test_a_payload_of_3_mb_is_refused_at_the_door(world: World) -> None:
    """Too much data is refused kindly before it is sent, and the case goes on."""
    demo = world.demo()
    await demo.apply()
    with pytest.raises(StepRefusedError) as refused:
        await world.step(demo.ref, "note", HANDLER, _note("x" * 3_000_000))
    assert "too_large" == refused.value.refusal["code"]

    await world.step(demo.ref, "note", HANDLER, _note("lagom"))


def _plain(request_id: str) -> Payloads:
    """Return a step as the official CLI and other SDKs send it: not encrypted."""
    said = {
        "request_id": request_id,
        "actor": {"subject": "h", "name": "H", "role": "case_handler"},
        "payload": {"text": "klartext", "visibility": "internal"},
    }
    data = json.dumps(said).encode()
    return Payloads(payloads=[Payload(metadata={"encoding": b"json/plain"}, data=data)])


async def test_a_plain_step_from_another_sdk_is_understood(world: World) -> None:
    """A payload that is not encrypted takes the step, by signal and by update."""
    demo = world.demo()
    await demo.apply()
    case = WorkflowExecution(workflow_id=demo.ref)
    await world.client.workflow_service.signal_workflow_execution(
        SignalWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=case,
            signal_name="note",
            input=_plain("plain-signal"),
        )
    )
    answer = await world.client.workflow_service.update_workflow_execution(
        UpdateWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=case,
            wait_policy=WaitPolicy(
                lifecycle_stage=UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
            ),
            request=Request(
                meta=Meta(update_id="plain-update", identity="another SDK"),
                input=Input(name="note", args=_plain("plain-update")),
            ),
        )
    )
    assert answer.outcome.HasField("success")

    lines = await _recorded(world, demo.ref, "note", 2)
    assert [("act", "klartext")] * 2 == [(line["kind"], line["what"]["text"]) for line in lines]


async def test_a_forged_encrypted_step_is_refused_and_breaks_nothing(world: World) -> None:
    """A payload that says it is encrypted with a key nobody has is journaled as refused."""
    demo = world.demo()
    await demo.apply()
    forged = {"encoding": b"binary/encrypted", "encryption-key-id": b"nobody's"}
    payload = Payload(metadata=forged, data=b"x" * 40)
    await world.client.workflow_service.signal_workflow_execution(
        SignalWorkflowExecutionRequest(
            namespace=world.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=demo.ref),
            signal_name="note",
            input=Payloads(payloads=[payload]),
        )
    )
    await world.step(demo.ref, "note", HANDLER, _note("lever"))
    kinds = [line["kind"] for line in await _recorded(world, demo.ref, "note", 2)]
    assert ["act", "refused"] == sorted(kinds)


async def test_the_read_model_is_the_truth(world: World) -> None:
    """After some acts the recorded view equals the workflow's own."""
    demo = world.demo()
    await demo.apply()
    await demo.activate_account()
    receipt = await world.step(demo.ref, "note", HANDLER, _note("sist"))
    view = await demo.until("recorded", lambda v: v["version"] >= receipt["version"], demo.ref)
    own = await ask(world.handle(demo.ref), "view")

    for name in ("stage", "version", "number", "organisation", "pending", "open_steps"):
        assert own[name] == view[name], name


async def test_continue_as_new_under_constant_acts_loses_and_doubles_nothing(
    world: World,
) -> None:
    """Forced every 20 acts while three senders act: every answered act is journaled once."""
    demo = world.demo()
    demo.context = _with_short_runs(demo.context)
    await demo.apply()

    async def send(sender: int) -> None:
        for number in range(20):
            await world.step(
                demo.ref, "note", HANDLER, _note(f"{sender}-{number}"), f"{sender}-{number}"
            )

    await asyncio.gather(*(send(sender) for sender in range(3)))
    description = await world.handle(demo.ref).describe()
    assert description.run_id != description.raw_description.workflow_execution_info.first_run_id

    lines = await _recorded(world, demo.ref, "note", 60)
    assert 60 == len({line["what"]["text"] for line in lines}) == len(lines)


async def test_temporal_shows_on_whom_it_waits_and_nothing_when_it_waits_no_more(
    world: World,
) -> None:
    """Also in a run that continues another: what has been shown does not stay."""
    demo = world.demo()
    demo.context = _with_short_runs(demo.context)
    await demo.apply()
    await demo.activate_account()
    handle = world.handle(demo.ref)
    async with asyncio.timeout(20):
        while (await _shown(handle))["WaitingOn"] != "producer":  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.1)
    assert (await _shown(handle))["DueAt"] is not None

    for number in range(25):
        await world.step(demo.ref, "note", HANDLER, _note(str(number)), f"note-{number}")
    await demo.act(demo.contact, "withdraw", {})
    await handle.result()
    assert await _shown(handle) == {"Stage": "ended", "WaitingOn": None, "DueAt": None}


async def _shown(handle: WorkflowHandle[Any, Any]) -> dict[str, object]:
    attributes = (await handle.describe()).typed_search_attributes
    return {key.name: attributes.get(key) for key in (STAGE, WAITING_ON, DUE_AT)}


def _with_short_runs(context: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415 - only here

    return replace(context, policy=context.policy.model_copy(update={"continue_as_new_acts": 20}))


async def test_a_run_whose_first_task_is_yet_to_come_is_asked_until_it_answers(
    world: World,
) -> None:
    """As right after a continue-as-new: the server itself has nobody to ask for a moment."""
    handle = await world.client.start_workflow(
        "ProducerOnboarding",
        {"policy": world.context.policy.model_dump(mode="json")},
        id="onboarding/000000-0000",
        task_queue=WORKFLOW_QUEUE,
        start_delay=timedelta(seconds=3),
    )
    with pytest.raises(RPCError, match="not scheduled yet"):
        await handle.query("view", rpc_timeout=timedelta(seconds=1))

    assert (await ask(handle, "view", limit=timedelta(seconds=2)))["stage"] == "intake"
