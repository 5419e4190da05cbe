"""Crashes: workers killed, Postgres gone for a while; every case ends the same."""

import asyncio
import os
import random
from collections import Counter
from typing import Any

import pytest
from temporalio.worker import Replayer

from adapters.organisation_registers import OrganisationRegisters
from commands.context import Context, opened
from commands.demo import Demo
from commands.scenarios import standard
from records.journal import journal_of
from runtime.settings import ROOT
from runtime.stack import Stack
from runtime.temporal import make_plugin
from tests.system.conftest import ready, starter
from worker import WORKFLOWS

KILLS = 20
CASES = 4
ONE_EACH = {"verification": 1, "production": 1}
NONE = {"verification": 0, "production": 0}
ACTS = {
    "apply",
    "activate_account",
    "submit_agreement",
    "accept_agreement",
    "propose_decision",
    "decide",
    "countersign_agreement",
    "report_test_delivery",
}


def _demos(context: Context, stack: Stack, first: int, count: int) -> list[Demo]:
    entries = OrganisationRegisters(ROOT / "data").all()
    chosen = [each for each in entries if each.kind == "municipality"][first : first + count]
    addresses = {name: address for name, address in stack.addresses().items() if address}
    return [Demo(context, entry, addresses, patience_seconds=400) for entry in chosen]


@pytest.mark.timeout(600)
async def test_cases_survive_a_worker_that_is_killed_again_and_again(stack: Stack) -> None:
    """At least 20 kills at random moments: each case ends connected, each act journaled once."""
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
    print(f"SEED={seed}")  # noqa: T201 - to repeat a run
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    kills = 0
    async with opened(stack.data_dir) as context:
        demos = _demos(context, stack, 100, CASES)
        playing = [asyncio.create_task(standard(demo)) for demo in demos]
        while kills < KILLS or not all(task.done() for task in playing):
            if kills < KILLS:
                await asyncio.sleep(chance.uniform(0.2, 1.5))
                await stack.kill_worker()
                await stack.start_worker()
                kills += 1
            else:
                await asyncio.wait(playing)
            if all(task.done() for task in playing) and kills < KILLS:
                demos += _demos(context, stack, 100 + len(demos), 1)
                playing.append(asyncio.create_task(standard(demos[-1])))
        assert all([await task for task in playing])
        for demo in demos:
            assert ONE_EACH == await demo.count("applications") == await demo.count("keys")
            await _each_act_once(context, demo)
            await _replays(context, demo)


async def _replays(context: Context, demo: Demo) -> None:
    """Every history that a killed worker left behind must be one that the code can go on from."""
    replayer = Replayer(workflows=WORKFLOWS, plugins=[make_plugin(context.keys)])
    view = await demo.view()
    person = view["details"]["contact"]["account_id"]
    for ref in (demo.ref, f"person/{person}", *(part["workflow_id"] for part in view["parts"])):
        history = await context.client.get_workflow_handle(ref).fetch_history()
        await replayer.replay_workflow(history)


async def _each_act_once(context: Context, demo: Demo) -> None:
    """What was answered is in the journal of its workflow, and nothing else; so are the pickups."""
    assert ACTS <= {step for _, step in demo.answered}
    for ref in {ref for ref, _ in demo.answered}:
        answered = Counter(step for where, step in demo.answered if where == ref)
        assert answered == await _journaled(context, ref, "act"), ref
    for environment in demo.keys:
        ref = demo.part("credential", demo.entry.org_number, environment)
        assert 1 == (await _journaled(context, ref, "word"))["picked_up"], ref


async def _journaled(context: Context, ref: str, kind: str) -> Counter[str]:
    lines = await journal_of(context.pool, ref)
    return Counter(line["name"] for line in lines if line["kind"] == kind)


async def _to_be_activated(demo: Demo) -> str:
    """Apply, and return the access of the contact, who may activate the account now."""
    await demo.apply()

    def is_found(view: dict[str, Any]) -> bool:
        return bool((view["details"].get("contact") or {}).get("account_id"))

    view = await demo.until("personal account", is_found, demo.ref)
    person = f"person/{view['details']['contact']['account_id']}"
    await demo.open_step("activate_account", person)
    return person


async def _to_be_decided(demo: Demo) -> None:
    await demo.apply()
    await demo.activate_account()
    await demo.hand_in()
    await demo.accept()
    await demo.stage("review")


@pytest.mark.timeout(300)
async def test_people_are_served_while_postgres_is_down(stack: Stack) -> None:
    """Steps are taken by command without the record; when it is back, each is in it once."""
    assert stack.postgres is not None
    async with opened(stack.data_dir) as context:
        begun, reviewed = _demos(context, stack, 200, 2)
        person = await _to_be_activated(begun)
        await _to_be_decided(reviewed)
        note = '{"text": "medan databasen är nere", "visibility": "shared"}'
        steps = (
            (begun.ref, "activate_account", "producer_contact", None),  # it is the person's
            (begun.ref, "note", "producer_contact", note),
            (begun.ref, "note", "case_handler", note),
            (reviewed.ref, "propose_decision", "case_handler", "docs/examples/proposal.json"),
            (reviewed.ref, "decide", "decider", '{"reasons": "Enligt förslaget."}'),
        )
        taken: Counter[tuple[str, str]] = Counter()
        versions: dict[str, int] = {}
        await stack.postgres.stop()
        try:
            for ref, step, role, data in steps:
                given = ("--data", data) if data else ()
                done = await starter(
                    "step", ref, step, "--as", role, *given, "--json", data_dir=stack.data_dir
                )
                assert 0 == done.code, done.err
                receipt: Any = done.last
                where = person if step == "activate_account" else ref
                taken[where, step] += 1
                versions[where] = receipt["version"]
            unread = await starter("show", begun.ref, data_dir=stack.data_dir)
            assert "Postgres svarar inte" in unread.err
        finally:
            await stack.postgres.start()
        for ref, version in versions.items():
            await _recorded(begun, ref, version)
        for (ref, step), times in taken.items():
            assert times == (await _journaled(context, ref, "act"))[step], (ref, step)
        await begun.stage("agreement")
        await reviewed.stage("countersigning")


async def _recorded(demo: Demo, ref: str, version: int) -> None:
    await demo.until("recorded", lambda view: view["version"] >= version, ref, whole=False)


@pytest.mark.timeout(300)
async def test_a_right_ends_while_postgres_is_down(stack: Stack) -> None:
    """Keys and account are off at the outside systems without the record, which then follows."""
    assert stack.postgres is not None
    async with opened(stack.data_dir) as context:
        demo = _demos(context, stack, 220, 1)[0]
        await standard(demo)
        permission = demo.part("permission", demo.entry.org_number)
        actor = {"subject": "hanna", "name": "Hanna", "role": "case_handler"}
        request = {"request_id": "end", "actor": actor, "payload": {"reason": "Upphör."}}
        await stack.postgres.stop()
        try:
            assert (503, {"polls": True, "migrations": False}) == await ready(stack)
            handle = context.client.get_workflow_handle(permission)
            await handle.execute_update("end_permission", request, id="end")
            async with asyncio.timeout(90):
                # The system account comes last.
                while (await demo.accounts())["off"] == 0:  # noqa: ASYNC110 - elsewhere
                    await asyncio.sleep(0.2)
            assert NONE == await demo.count("applications") == await demo.count("keys")
        finally:
            await stack.postgres.start()
        await demo.stage("ended", ref=permission)
