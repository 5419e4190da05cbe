"""The reconciliation on the real stack: each finding made by hand outside, found, dealt with."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console
from temporalio.service import RPCError

import worker
from activities.messages import HeardWord
from commands.demo import Demo, plain_http
from commands.reconciling import REF, as_data, start
from commands.reconciling import last as print_last
from commands.reconciling import reconcile as reconcile_on_demand
from commands.scenarios import standard
from commands.showing import Screen
from domain.act import Actor, Role
from records import cases, reconciliations, switches
from records.journal import JournalLine
from tests.world import World, running_world

HANDLER = Actor(subject="hanna", name="Hanna", role=Role.CASE_HANDLER)
PORTAL = "/api/am/devportal/v3"
NOBODY = "212000-0001"


@pytest_asyncio.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world of this module's own: what other tests leave outside would be found here."""
    async with running_world(tmp_path_factory.mktemp("reconciled")) as started:
        yield started


@pytest_asyncio.fixture(scope="module")
async def connected(world: World) -> Demo:
    """A producer with a data set connected, both keys live."""
    demo = world.demo()
    assert await standard(demo)
    return demo


@pytest_asyncio.fixture(autouse=True)
async def _no_run_is_left(world: World) -> AsyncIterator[None]:
    """End a run that a failed test has left: the next one would join it."""
    yield
    with contextlib.suppress(RPCError):
        await world.handle(REF).terminate()


@dataclass
class Outside:
    """What people might do by hand at the outside systems."""

    world: World

    async def portal(self, method: str, path: str, body: object = None) -> Any:
        """Use the production portal as its own people do."""
        settings = self.world.context.settings
        token = settings.portal_production_token.get_secret_value()
        async with plain_http() as http:
            answer = await http.request(
                method,
                f"{settings.portal_production_url}{PORTAL}{path}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
            )
        return answer.raise_for_status().json() if answer.content else None

    async def make_application(self, name: str, key: str | None) -> str:
        """Make an application at the production portal; returns its id."""
        attributes = {"ngp_key": key} if key else {}
        body = {"name": name, "throttlingPolicy": "Unlimited", "attributes": attributes}
        made = await self.portal("POST", "/applications", body)
        return str(made["applicationId"])

    async def applications(self) -> dict[str, str | None]:
        """Return the keys of all applications at the production portal, by id."""
        state = await self.world.outside("portal_production")
        return {each["id"]: each["key"] for each in state["applications"]}

    async def generate_key(self, application: str) -> None:
        """Let an application have a key again, unless it has one."""
        if not (await self.portal("GET", f"/applications/{application}/oauth-keys"))["list"]:
            manager = {"keyType": "PRODUCTION", "keyManager": "Resident Key Manager"}
            body = manager | {"grantTypesToBeSupported": ["client_credentials"]}
            await self.portal("POST", f"/applications/{application}/generate-keys", body)

    async def is_on(self, account_id: str) -> bool:
        """Whether an account is on."""
        found = await self.world.outside("account_system")
        return next(bool(each["active"]) for each in found if each["id"] == account_id)


@pytest_asyncio.fixture
async def adapters(world: World) -> AsyncIterator[worker.Adapters]:
    """Adapters of the test's own, to change things outside."""
    made = worker.build_adapters(world.context.settings)
    yield made
    await made.close()


async def reconcile(world: World, *, until: str = "ended") -> dict[str, Any]:
    """Run once, with the ten minutes between the looks skipped; returns the report."""
    await start(world.context)
    if REF not in world.opened:
        world.opened.append(REF)
    if await _reached(world, "pause", "dealing", "ended") == "pause":
        await world.forward(REF, minutes=11)
    await _reached(world, until)
    state = await world.state(REF)
    if until == "ended":
        await world.handle(REF).result()
    run = f"{REF}@{datetime.fromisoformat(state['opened_at']).isoformat()}"
    report = await reconciliations.report(world.context.pool, run)
    assert report is not None
    return as_data(report)


async def _reached(world: World, *stages: str) -> str:
    """Wait until the run is in one of some stages; the read model may still show the last run."""
    while True:
        stage = str((await world.state(REF))["stage"])
        if stage in stages:
            return stage
        await asyncio.sleep(0.05)


async def _mailed(world: World, words: str) -> None:
    """Wait until a mail with some words in its subject has come."""
    while True:
        if any(words in mail["subject"] for mail in await world.outside("mail")):
            return
        await asyncio.sleep(0.05)


def rows(report: dict[str, Any], kind: str) -> list[tuple[str, str]]:
    """Return ref and what was done, for one kind of finding."""
    return [(row["ref"], row["done"]) for row in report["rows"] if row["kind"] == kind]


async def words(world: World, ref: str) -> list[str]:
    """Return the words that a workflow has heard, also one that has closed."""
    converter = world.client.data_converter
    found = []
    try:
        history = await world.handle(ref).fetch_history()
    except RPCError:
        return []
    for event in history.events:
        if event.HasField("workflow_execution_signaled_event_attributes"):
            payloads = event.workflow_execution_signaled_event_attributes.input.payloads
            (word,) = await converter.decode(payloads, [HeardWord])
            found.append(word.what)
    return found


async def test_when_everything_agrees_nothing_is_told(world: World, connected: Demo) -> None:
    """One look is enough; the report is empty and says so."""
    report = await reconcile(world)

    assert ("agrees", []) == (report["outcome"], report["rows"])
    assert 4 == report["granted"]  # two keys, a permission, a person
    left = await world.context.pool.fetchval("select count(*) from observations")
    assert 0 == left


async def test_a_key_that_nobody_is_entitled_to_is_removed(world: World, connected: Demo) -> None:
    """An application with a key of ours, without a credential: the credential revokes it."""
    outside = Outside(world)
    ref = f"credential/{NOBODY}/detaljplan/{NOBODY}/production"
    application = await outside.make_application("Kvarleva", ref)
    report = await reconcile(world)

    assert [(ref, "told")] == rows(report, "not_entitled")
    assert "not_entitled" == (await connected.stage("ended", ref=ref))["outcome"]
    assert application not in await outside.applications()
    assert "agrees" == (await reconcile(world))["outcome"]


async def test_a_granted_key_that_is_missing_is_told(world: World, connected: Demo) -> None:
    """Its keys deleted at the portal, the credential hears that the key is missing."""
    outside = Outside(world)
    ref = connected.part("credential", connected.entry.org_number, "production")
    (application,) = [id_ for id_, key in (await outside.applications()).items() if key == ref]
    for key in (await outside.portal("GET", f"/applications/{application}/oauth-keys"))["list"]:
        path = f"/applications/{application}/oauth-keys/{key['keyMappingId']}"
        await outside.portal("DELETE", path)
    report = await reconcile(world)

    assert [(ref, "told")] == rows(report, "key_missing")
    assert "key_missing" in await words(world, ref)
    await outside.generate_key(application)


async def test_foreign_applications_are_listed_and_left_alone(
    world: World, connected: Demo
) -> None:
    """One without our key, and one with a key that is none of ours: both stay."""
    outside = Outside(world)
    made = {
        await outside.make_application("Annat projekt", None),
        await outside.make_application("Annan nyckel", "order/17"),
    }
    # Alone they are no reason for a second look.
    report = await reconcile(world)

    assert [("", "listed")] * 2 == rows(report, "foreign_application")
    assert made <= (await outside.applications()).keys()
    for application in made:
        await outside.portal("DELETE", f"/applications/{application}")


async def _record_departed(world: World, account_id: str) -> None:
    """Write the row of a person's access that ended by departure."""
    at = datetime.now(UTC)
    view = {
        "ref": f"person/{account_id}",
        "type": "PersonAccess",
        "stage": "ended",
        "outcome": "left",
        "organisation": {"org_number": NOBODY, "name": "Kommunen"},
        "opened_at": at.isoformat(),
        "ended_at": at.isoformat(),
        "version": 1,
        "registry_number": None,
        "details": {"person": {"account_id": account_id}},
    }
    line = JournalLine(sequence=1, at=at, kind="act", name="depart", stage="ended", what={})
    batch = cases.Batch(
        chain_id=f"chain-{account_id}",
        workflow_id=f"person/{account_id}",
        kind="entity",
        number_series=None,
        entries=(line,),
        view=view,
    )
    await cases.record(world.context.pool, batch)


async def test_the_account_of_a_person_who_left_is_told_when_it_is_on(
    world: World, connected: Demo, adapters: worker.Adapters
) -> None:
    """Somebody switched the account on again: the person's closed access is started and hears."""
    found = await adapters.accounts.find_or_create_person(
        email="bo.ek@kommun.example", name="Bo Ek", phone="", org_number=NOBODY
    )
    await adapters.accounts.set_person_active(found.account_id, active=True)
    await _record_departed(world, found.account_id)
    ref = f"person/{found.account_id}"
    report = await reconcile(world)

    assert [(ref, "told")] == rows(report, "account_found_on")
    assert ["account_found_on"] == await words(world, ref)
    await world.handle(ref).result()
    assert not await Outside(world).is_on(found.account_id)


async def test_the_account_of_an_active_person_is_told_when_it_is_off(
    world: World, connected: Demo, adapters: worker.Adapters
) -> None:
    """Somebody switched the account off: the person's access hears."""
    account_id = (await connected.view())["details"]["contact"]["account_id"]
    await adapters.accounts.set_person_active(account_id, active=False)
    report = await reconcile(world)

    assert [(f"person/{account_id}", "told")] == rows(report, "account_found_off")
    assert "account_found_off" in await words(world, f"person/{account_id}")
    view = await connected.stage("suspended", ref=f"person/{account_id}")
    assert ("case_handler", "explain_suspension") in {(w["on"], w["rule"]) for w in view["waits"]}
    by_post = {"on_behalf_of": "Anna", "arrival_date": datetime.now(UTC).date()}
    asked = HANDLER.model_copy(update=by_post)
    await world.step(f"person/{account_id}", "reactivate", asked)
    await connected.stage("active", ref=f"person/{account_id}")
    assert await Outside(world).is_on(account_id)


async def test_a_system_account_without_a_permission_is_switched_off(
    world: World, connected: Demo, adapters: worker.Adapters
) -> None:
    """It carries the key of a permission that there is not: the permission ends it."""
    ref = f"permission/{NOBODY}/byggnad/{NOBODY}"
    made = await adapters.accounts.find_or_create_system_account(
        key=ref, org_number=NOBODY, dataset_id="byggnad"
    )
    report = await reconcile(world)

    assert [(ref, "told")] == rows(report, "system_account_on")
    await connected.stage("ended", ref=ref)
    assert not await Outside(world).is_on(made.account_id)


async def test_a_register_that_differs_is_told_and_so_is_its_mending(
    world: World, connected: Demo, adapters: worker.Adapters
) -> None:
    """Ended in the register by mistake, the agreement hears; registered again, it hears that."""
    org_number = connected.entry.org_number
    ref = f"agreement/{org_number}"
    (known,) = await adapters.register.in_force(org_number)
    await adapters.register.end(known.key, date(2026, 12, 31))
    report = await reconcile(world)
    assert [(ref, "told")] == rows(report, "register_differs")
    assert "register_differs" in await words(world, ref)

    again = known.model_dump(exclude={"key", "supplements"})
    await adapters.register.register(key=f"{known.key}-igen", **again)
    report = await reconcile(world)
    assert [(ref, "told")] == rows(report, "register_agrees")
    assert "register_agrees" == (await words(world, ref))[-1]
    assert [] == rows(await reconcile(world), "register_agrees")


async def test_an_agreement_that_nobody_knows_is_a_task(
    world: World, connected: Demo, adapters: worker.Adapters
) -> None:
    """In force in the register and unknown here: listed, and the case handlers get a mail."""
    await adapters.register.register(
        key="okand",
        org_number=NOBODY,
        kind="producer",
        template="ngp-producentavtal",
        document_sha256="a" * 64,
        valid_from=date(2026, 1, 1),
    )
    report = await reconcile(world)

    assert [("", "task")] == rows(report, "unknown_agreement")
    await _mailed(world, "att reda ut")
    await adapters.register.end("okand", date(2026, 12, 31))


async def test_a_key_that_is_being_provisioned_is_never_cut(world: World, connected: Demo) -> None:
    """Its credential is not in the read model yet, but runs: the key stays."""
    demo = world.demo()
    await standard(demo)
    ref = demo.part("credential", demo.entry.org_number, "production")
    pool = world.context.pool
    kept = await pool.fetchrow("delete from cases where workflow_id = $1 returning *", ref)
    assert kept is not None
    report = await reconcile(world)

    assert [(ref, "entitled_after_all")] == rows(report, "not_entitled")
    assert await demo.production_works()
    generated = {"is_pending", "person_email"}
    row = {name: each for name, each in kept.items() if name not in generated}
    names, places = ", ".join(row), ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await pool.execute(f"insert into cases ({names}) values ({places})", *row.values())  # noqa: S608


async def _leave_keys(world: World, count: int, tag: str) -> list[str]:
    refs = [f"credential/{NOBODY}/{tag}{n}/{NOBODY}/production" for n in range(count)]
    for ref in refs:
        await Outside(world).make_application(ref.replace("/", "-"), ref)
    return refs


async def _remove(world: World, refs: list[str]) -> None:
    for id_, key in (await Outside(world).applications()).items():
        if key in refs:
            await Outside(world).portal("DELETE", f"/applications/{id_}")


async def _left(world: World, refs: list[str]) -> int:
    return len(set(refs) & set((await Outside(world).applications()).values()))


async def test_too_many_cuts_are_asked_about_and_confirmed(world: World, connected: Demo) -> None:
    """Nothing is cut before a case handler has confirmed; then what is still there is."""
    refs = await _leave_keys(world, 5, "bekraftad")
    report = await reconcile(world, until="asking")
    assert {"waits": 5} == report["done"]
    assert 5 == await _left(world, refs)
    await _mailed(world, "5 åtkomster på en gång")

    decider = Actor(subject="david", name="David", role=Role.DECIDER)
    with pytest.raises(Exception, match="not_allowed"):
        await world.step(REF, "confirm_cuts", decider)
    mended, *refs = refs
    for id_, key in (await Outside(world).applications()).items():
        if key == mended:
            await Outside(world).portal("DELETE", f"/applications/{id_}")
    await world.step(REF, "confirm_cuts", HANDLER)
    await world.handle(REF).result()
    last = await reconciliations.report(world.context.pool)
    assert last is not None
    assert {"told": 4} == as_data(last)["done"]
    for ref in refs:
        await connected.stage("ended", ref=ref)
    assert 0 == await _left(world, refs)


async def test_too_many_cuts_can_be_rejected_or_left_unanswered(
    world: World, connected: Demo
) -> None:
    """Rejected, or with no answer within a day, the run ends and nothing is cut."""
    refs = await _leave_keys(world, 4, "avvisad")
    await reconcile(world, until="asking")
    await world.step(REF, "reject_cuts", HANDLER, {"reason": "Portalen är nyss återställd."})
    result = await world.handle(REF).result()
    assert "cuts_rejected" == result["outcome"]

    await reconcile(world, until="asking")
    await world.forward(REF, hours=25)
    result = await world.handle(REF).result()
    assert "cuts_unanswered" == result["outcome"]
    assert 4 == await _left(world, refs)
    await _remove(world, refs)


async def test_while_producers_are_adopted_it_only_reports(world: World, connected: Demo) -> None:
    """Many differences are expected then: they are listed, nobody is asked or told."""
    pool = world.context.pool
    await switches.switch_on(pool, switches.ADOPTING, datetime.now(UTC))
    refs = await _leave_keys(world, 4, "overtagen")
    report = await reconcile(world)

    assert ("only_reported", {"only_reported": 4}) == (report["outcome"], report["done"])
    assert 4 == await _left(world, refs)
    await _remove(world, refs)
    await switches.switch_off(pool, switches.ADOPTING, datetime.now(UTC))


async def test_an_outage_delays_the_run_and_shows(world: World, connected: Demo) -> None:
    """A portal that is down is an incident of the run; when it is back, the run goes on."""
    await world.fault("portal_production", match=f"GET {PORTAL}/applications", status=403)
    await start(world.context)
    view = await connected.until("an incident", lambda v: bool(v["incidents"]), REF)
    assert "portal_production" == view["incidents"][0]["system"]

    await world.heal("portal_production")
    await world.step(REF, "retry_step", HANDLER)
    await _reached(world, "pause", "ended")


async def test_a_report_can_be_read(
    world: World, connected: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command follows the run and prints what was found and done, in plain Swedish."""
    application = await Outside(world).make_application("Annat projekt igen", None)
    screen = Screen(world.context.texts)
    screen.console = Console(width=200)
    assert await reconcile_on_demand(world.context, screen, json=False)
    said = capsys.readouterr()
    assert "Första genomgången" in said.err
    for words in ("Applikation som vi inte har skapat", "produktionsportalen", "bara listad"):
        assert words in said.out
    assert "Annat projekt igen" in said.out

    await print_last(world.context, screen, json=True)
    report = json.loads(capsys.readouterr().out)
    assert {"foreign_application": 1} == report["found"]
    await Outside(world).portal("DELETE", f"/applications/{application}")
