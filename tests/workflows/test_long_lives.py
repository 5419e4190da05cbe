"""Long lives: runs that continue as new wherever they are, and ten years of time."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client

from commands import rehearsals
from commands.demo import Demo
from commands.scenarios import connect
from domain.act import Actor, Role
from domain.dates import local_date
from domain.policy import WaitPolicy
from records import cases
from records.journal import journal_of
from records.verification import verify as verify_journal
from runtime.acting import NoSuchCaseError, StepRefusedError
from runtime.settings import ROOT
from tests.workflows.alone import Alone
from tests.world import World, running_world
from workflows.deciding import Start

ACTS = 4
NEWER = 2
HANDLER = Actor(subject="hanna.handlaggare", name="Hanna Handläggare", role=Role.CASE_HANDLER)
ONE_EACH = {"verification": 1, "production": 1}
PAUSE_SECONDS = 0.1


@pytest_asyncio.fixture(scope="module")
async def restless(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which every run continues as new after four acts."""
    folder = tmp_path_factory.mktemp("restless")
    policy = yaml.safe_load((ROOT / "policy" / "policy.yaml").read_text("utf-8"))
    policy |= {"version": NEWER, "continue_as_new_acts": ACTS}
    policy["waiting"]["submit_agreement"]["remind_days"] = [3]
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy, allow_unicode=True), "utf-8")
    async with running_world(folder, policy_file=path) as started:
        yield started


@asynccontextmanager
async def notes(world: World, demo: Demo) -> AsyncIterator[dict[str, list[str]]]:
    """Send notes to everything under a producer all the time; gives what was answered, by ref."""
    answered: dict[str, list[str]] = {}
    numbers = itertools.count(1)

    async def send(ref: str) -> None:
        text = f"rad {next(numbers)}"
        with suppress(NoSuchCaseError, StepRefusedError):  # it has ended meanwhile
            await world.step(ref, "note", HANDLER, {"text": text, "visibility": "internal"})
            answered.setdefault(ref, []).append(text)

    async def keep_sending() -> None:
        while True:
            rows = await cases.of_organisation(world.context.pool, demo.entry.org_number)
            await asyncio.gather(*(send(row["workflow_id"]) for row in rows if not row["ended_at"]))
            await asyncio.sleep(PAUSE_SECONDS)

    sending = asyncio.create_task(keep_sending())
    try:
        yield answered
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def _note(world: World, ref: str, text: str, request_id: str = "") -> dict[str, Any]:
    """Send a note under a request id of its own; returns the receipt."""
    payload = {"text": text, "visibility": "internal"}
    return await world.step(ref, "note", HANDLER, payload, request_id=request_id or text)


async def _noted(world: World, ref: str, texts: list[str]) -> None:
    """Wait until a workflow's journal holds its notes, each once."""
    deadline = time.monotonic() + 30
    while True:
        lines = await journal_of(world.context.pool, ref)
        found = Counter(line["what"].get("text") for line in lines if line["name"] == "note")
        if all(found[text] for text in texts) or time.monotonic() > deadline:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    assert {text: found[text] for text in texts} == dict.fromkeys(texts, 1)


async def _runs(client: Client, ref: str) -> int:
    """Return how many runs a workflow has had."""
    return (await client.count_workflows(f"WorkflowId = '{ref}'")).count


async def _stages_of_runs(world: World, ref: str) -> set[str]:
    """Return the stages in which runs of a workflow have begun, by what each was handed."""
    found = set()
    async for each in world.client.list_workflows(f"WorkflowId = '{ref}'"):
        run = world.client.get_workflow_handle(ref, run_id=each.run_id)
        first = await anext(aiter(run.fetch_history_events(page_size=1)))
        given = first.workflow_execution_started_event_attributes.input.payloads
        (start,) = await world.client.data_converter.decode(given, [Start])
        found.add(start.state["stage"] if start.state else "new")
    return found


async def _standard(demo: Demo) -> bool:
    """Onboard the producer whole; before each step the onboarding continues as new."""
    for step in (demo.apply, demo.activate_account, demo.hand_in, demo.accept, demo.decide):
        await step()
        await _next_run(demo)
    await demo.countersign()
    await _next_run(demo)
    return await connect(demo)


async def _next_run(demo: Demo) -> int:
    """Send notes to the onboarding until it continues as new; returns how many it took."""
    runs = await _runs(demo.context.client, demo.ref)
    for number in itertools.count():
        if await _runs(demo.context.client, demo.ref) > runs:
            return number
        note = {"text": "en rad", "visibility": "internal"}
        await demo.act("case_handler", "note", note)
    raise AssertionError


STAGES = {"account", "agreement", "review", "countersigning", "datasets"}
PLAYS: dict[str, Callable[[Demo], Awaitable[bool]]] = {
    "standard": _standard,
    "agent": rehearsals.agent,
    "departure": rehearsals.departure,
}


@pytest.mark.parametrize("name", PLAYS)
async def test_nothing_is_lost_when_every_run_is_short(restless: World, name: str) -> None:
    """Every few acts a run ends, in every stage, while outside calls run and people act.

    The end is the same: one application and one key each, every note that was answered is in the
    journal once, and the journal is whole.
    """
    demo = restless.demo()
    async with notes(restless, demo) as answered:
        assert await PLAYS[name](demo)
    assert await demo.count("applications") == ONE_EACH
    assert await demo.count("keys") == ONE_EACH
    assert answered
    for ref, texts in answered.items():
        await _noted(restless, ref, texts)
    begun_in = await _stages_of_runs(restless, f"onboarding/{demo.entry.org_number}")
    assert begun_in >= (STAGES if name == "standard" else {"new", "datasets"}), begun_in
    assert await verify_journal(restless.context.pool) == []


async def test_a_credential_continues_as_new_while_its_portal_is_down(restless: World) -> None:
    """The portal does the work, loses the answer and is down; runs change meanwhile: one key.

    A request that an earlier run has answered is answered the same way again.
    """
    create = "POST /api/am/devportal/v3/applications"
    await restless.fault("portal_verification", match=create, times=1, drop=True)
    await restless.fault("portal_verification", match="*", status=503)
    credential = await Alone.begin(restless)
    await credential.wants("create_application")
    texts = [f"rad {number}" for number in range(3 * ACTS)]
    receipts = [await _note(restless, credential.ref, text) for text in texts]
    assert await _runs(restless.client, credential.ref) > 1
    assert await _note(restless, credential.ref, texts[0]) == receipts[0]
    with pytest.raises(StepRefusedError, match="reused_request_id"):
        await _note(restless, credential.ref, "något annat", request_id=texts[0])
    await credential.wants("create_application")

    await restless.heal("portal_verification")
    await restless.forward(credential.ref, minutes=6)
    key = await credential.unsealed()
    assert await credential.token_status(key) == 200
    (application,) = await credential.applications()
    assert application["keys"] == 1
    await _noted(restless, credential.ref, texts)


async def test_an_older_policy_lasts_until_the_run_continues_as_new(restless: World) -> None:
    """A case keeps the deadlines that it began with; the next run has those in force."""
    policy = restless.context.policy
    waiting = policy.waiting | {"submit_agreement": WaitPolicy(remind_days=(7,), handler_days=30)}
    older = policy.model_copy(
        update={"version": NEWER - 1, "waiting": waiting, "continue_as_new_acts": 40}
    )
    demo = restless.demo()
    demo.context = replace(demo.context, policy=older)
    await demo.apply()
    await demo.activate_account()
    assert await _days_to_reminder(demo) == 7

    assert await _next_run(demo) < 40
    await demo.act("case_handler", "note", {"text": "ny", "visibility": "internal"})
    await demo.until("the newer day", lambda v: _first_reminder(v) == 3, demo.ref)


async def _days_to_reminder(demo: Demo) -> int:
    return _first_reminder(await demo.until("a reminder", lambda v: bool(v["upcoming"]), demo.ref))


def _first_reminder(view: dict[str, Any]) -> int:
    """Return how many days after the wait began the producer is reminded."""
    at = datetime.fromisoformat(view["upcoming"][0]["at"])
    return (local_date(at) - local_date(datetime.fromisoformat(view["waiting"]["since"]))).days
