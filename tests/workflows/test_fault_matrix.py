"""Every operation against every way in which an outside system fails: nothing doubled or left.

Each cell lets one kind of request fail in one way while a real workflow needs it, and looks at
what the incident says, what is left at the system once that is well, and that no secret lies
open. What clears by itself is left to; for the rest an operator takes `retry_step`. Between two
attempts there is a minute, longer than any cell waits: so it is the retry that clears it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from domain.dates import local_date
from tests.domain.playing import DECIDER, SIGNATORY, at_review, proposal
from tests.workflows.alone import (
    ANNA,
    HANDLER,
    OPERATOR,
    ORG_NUMBER,
    Alone,
    holder,
    numbers,
    start,
)
from tests.workflows.outages import (
    KINDS,
    ONCE,
    PENDING,
    STATUSES,
    UNMENDABLE,
    Outages,
    is_in_pause,
    slow_outages,
)
from tests.world import World
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

Drive = Callable[["Cell"], Awaitable[None]]
VERIFICATION, PRODUCTION = "portal_verification", "portal_production"
PORTAL_PATH = "/api/am/devportal/v3"
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1


@dataclass
class Cell:
    """One operation, failing in one way."""

    world: World
    outages: Outages
    operation: "Operation"
    kind: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def begin(self) -> Alone:
        """Start a credential at the portal that is to fail."""
        return await Alone.begin(self.world, self.operation.system.removeprefix("portal_"))

    async def fails(self) -> None:
        """Let the operation's request fail from now on."""
        await self.outages.begin(self.operation.system, self.operation.match, self.kind)

    async def recovers(self, ref: str) -> None:
        """See that the failure shows as it should, let the system be well, and see it clear."""
        if self.kind == PENDING:
            await self._until_pending(ref)
        else:
            await self._incident_says(ref)
        await _eventually(lambda: is_in_pause(self.world, ref), "the next attempt is to come")
        await self.outages.end(self.operation.system)
        if self.kind == PENDING or self.kind in ONCE:
            await self.world.forward(ref, minutes=1, seconds=1)
        else:
            await self._retry(ref)
        await _eventually(lambda: self._has_none(ref), "the incident clears")

    async def _until_pending(self, ref: str) -> None:
        async def is_pending() -> bool:
            state = await self.world.state(ref)
            held = (await self.world.outside(self.operation.system))["applications"]
            statuses = {each["status"] for each in held if each["key"] == ref}
            return state["stage"] == "awaiting_approval" or "DELETE_PENDING" in statuses

        await _eventually(is_pending, "the portal has yet to approve")
        assert await self._has_none(ref)

    async def _incident_says(self, ref: str) -> None:
        async def is_there() -> bool:
            return not await self._has_none(ref)

        await _eventually(is_there, "an incident")
        incident = await self.outages.incident(self.operation.system, ref)
        assert incident is not None
        assert incident.operation.partition(":")[0] == self.operation.wanted
        assert self.started <= incident.since <= datetime.now(UTC)
        assert incident.said
        assert incident.status == STATUSES.get(self.kind, {}).get("status")
        assert incident.unmendable == (self.kind in self.operation.unmendable)
        await self.keeps_secrets(ref)

    async def keeps_secrets(self, ref: str) -> None:
        """See that no secret lies open, in what the system said neither."""
        assert await self.outages.open_secrets(ref) == []

    async def _retry(self, ref: str) -> None:
        actor = OPERATOR.model_dump(mode="json")
        request = {"request_id": f"retry-{next(numbers)}", "actor": actor, "payload": {}}
        # As a signal: should it have cleared by itself in between, that refuses nothing.
        await self.world.handle(ref).signal("retry_step", request)

    async def _has_none(self, ref: str) -> bool:
        return await self.outages.incident(self.operation.system, ref) is None


async def _eventually(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await holds():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(LOOK_SECONDS)


# ---- keys --------------------------------------------------------------------------------


async def _issue(cell: Cell) -> None:
    """The operation is one of those that lead to an offered key."""
    await cell.fails()
    credential = await cell.begin()
    await cell.recovers(credential.ref)
    await _has_one_living_key(credential)
    await cell.keeps_secrets(credential.ref)


async def _regenerate(cell: Cell) -> None:
    credential = await cell.begin()
    await credential.stage("offered")
    await cell.fails()
    await credential.step("reissue", HANDLER)
    await cell.recovers(credential.ref)
    await _has_one_living_key(credential)
    await cell.keeps_secrets(credential.ref)


async def _revoke(cell: Cell) -> None:
    credential = await cell.begin()
    key = await credential.unsealed()
    await cell.fails()
    await credential.step("revoke_key", HANDLER, {"reason": "Läckt"})
    await cell.recovers(credential.ref)
    await credential.until(lambda state: state["is_key_revoked"], "revoked")
    (application,) = await credential.applications()
    assert (application["keys"], application["secrets"]) == (0, 0)
    assert await credential.token_status(key) == 401
    await cell.keeps_secrets(credential.ref)


async def _delete(cell: Cell) -> None:
    credential = await cell.begin()
    key = await credential.unsealed()
    await credential.step("revoke_key", HANDLER, {"reason": "Läckt"})
    await credential.until(lambda state: state["is_key_revoked"], "revoked")
    await cell.fails()
    await credential.say("end")
    await cell.recovers(credential.ref)
    await cell.world.handle(credential.ref).result()
    assert await credential.applications() == []
    assert await credential.token_status(key) == 401
    await cell.keeps_secrets(credential.ref)


async def _has_one_living_key(credential: Alone) -> None:
    """One application, one subscription, one key with one secret; it lies sealed, and works.

    It is fetched here, so that a second look finds it where it should not be.
    """
    state = await credential.stage("offered")
    (application,) = await credential.applications()
    assert application["subscriptions"] == ["NGP Uppdatering"]
    assert (application["keys"], application["secrets"]) == (1, 1)
    assert (state["offered_to"] or {})["account_id"] == ANNA["account_id"]
    assert await credential.token_status(await credential.unsealed()) == 200


# ---- accounts and agreements ---------------------------------------------------------------


async def _begin_permission(world: World) -> str:
    dataset = f"cell-{next(numbers)}"
    ref = f"permission/{ORG_NUMBER}/{dataset}/{ORG_NUMBER}"
    begin = {
        "owner": f"dataset/{ORG_NUMBER}/{dataset}",
        "org_number": ORG_NUMBER,
        "organisation_name": "Mölndals kommun",
        "dataset_id": dataset,
        "dataset_name": dataset,
        "party": ORG_NUMBER,
        "party_name": "Mölndals kommun",
        "holder": ANNA,
        "apis": ["NGP Uppdatering"],
    }
    await start(world, "Permission", ref, begin)
    world.opened.append(ref)
    return ref


async def _has_account(world: World, ref: str) -> bool:
    return (await world.state(ref))["system_account"] is not None


async def _accounts(world: World, ref: str) -> list[bool]:
    """Return for each system account that carries a permission's key whether it is on."""
    found = await world.adapters.accounts.system_accounts()
    return [each.active for each in found if each.key == ref]


async def _create_account(cell: Cell) -> None:
    await cell.fails()
    ref = await _begin_permission(cell.world)
    await cell.recovers(ref)
    await _eventually(lambda: _has_account(cell.world, ref), "the account")
    assert await _accounts(cell.world, ref) == [True]


async def _disable_account(cell: Cell) -> None:
    ref = await _begin_permission(cell.world)
    await _eventually(lambda: _has_account(cell.world, ref), "the account")
    await cell.fails()
    await Alone(cell.world, ref, VERIFICATION).say("end")
    await cell.recovers(ref)
    await cell.world.handle(ref).result()
    assert await _accounts(cell.world, ref) == [False]


async def _begin_person(world: World) -> Alone:
    """Start the access of somebody who is the contact of a data set and whose account is on."""
    number = next(numbers)
    name, email = "Cilla Cell", f"cilla.{number}@molndal.example"
    accounts = world.adapters.accounts
    found = await accounts.find_or_create_person(
        email=email, name=name, phone="", org_number=ORG_NUMBER
    )
    await accounts.set_person_active(found.account_id, active=True)
    ref = f"person/{found.account_id}"
    enrolment = {
        "ref": f"dataset/{ORG_NUMBER}/cell-{number}",
        "role": "contact",
        "name": name,
        "email": email,
        "account_id": found.account_id,
        "active": True,
        "org_number": ORG_NUMBER,
    }
    await start(world, "PersonAccess", ref, enrolment, word="enrol")
    world.opened.append(ref)
    person = Alone(world, ref, VERIFICATION)
    await person.until(lambda state: state["stage"] == "active", "active")
    return person


async def _create_person(cell: Cell) -> None:
    """Whoever leaves names a successor who has no account."""
    person = await _begin_person(cell.world)
    email = f"eva.{next(numbers)}@molndal.example"
    successor = {"role": "contact", "person": {"name": "Eva Ny", "email": email}}
    last_day = (local_date(datetime.now(UTC)) + timedelta(days=30)).isoformat()
    await cell.fails()
    departure = {"last_day": last_day, "successors": [successor]}
    await person.step("schedule_departure", holder(ANNA), departure)
    await cell.recovers(person.ref)
    state = await person.until(lambda state: not state["pending"], "the successor's account")
    (made,) = [
        each
        for each in await cell.world.outside("account_system")
        if email in [mail["value"] for mail in each.get("emails") or ()]
    ]
    assert state["successors"]["contact"]["person"]["account_id"] == made["id"]
    assert not made["active"]


async def _disable_person(cell: Cell) -> None:
    person = await _begin_person(cell.world)
    await cell.fails()
    await person.step("suspend", holder(ANNA), {"reason": "Lånade ut sitt konto"})
    await cell.recovers(person.ref)
    await person.until(lambda state: not state["is_off_wanted"], "the account off")
    found = await cell.world.adapters.accounts.person(person.ref.partition("/")[2])
    assert found is not None
    assert not found.active


async def _register(cell: Cell) -> None:
    """An onboarding goes on from where Lantmäteriet has just signed, as after continue-as-new."""
    org_number = next(cell.world.organisations).org_number
    ref = f"onboarding/{org_number}"
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Som föreslaget."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    organisation = play.state.organisation.model_copy(update={"org_number": org_number})
    state = play.state.model_copy(
        update={"workflow_id": ref, "org_number": org_number, "organisation": organisation}
        | {"number": None, "notices": [], "outgoing": []}
    )
    await cell.fails()
    policy = cell.world.context.policy.model_dump(mode="json")
    await cell.world.client.start_workflow(
        "ProducerOnboarding",
        {"policy": policy, "state": state.model_dump(mode="json")},
        id=ref,
        task_queue=WORKFLOW_QUEUE,
        task_timeout=TASK_LIMIT,
    )
    cell.world.opened.append(ref)
    await cell.recovers(ref)
    held = await cell.world.adapters.register.in_force(org_number)
    assert [each.kind for each in held] == ["producer"]


# ---- the matrix ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """An operation: where, by which request, under which name a workflow wants it.

    `cannot` says why a kind of failure is none here; `unmendable` which of them no retry can
    mend, so that a person is told at the first.
    """

    system: str
    match: str
    wanted: str
    drive: Drive
    cannot: dict[str, str]
    unmendable: frozenset[str] = frozenset(UNMENDABLE)


DONE_AT_ONCE = "its contract knows no answer but that it is done"
NO_BODY = "the answer has no body"
LOOKED_INTO = frozenset({"401", "403"})  # a 409 is looked into and may be over at the next try
OPERATIONS = {
    "create account": Operation(
        "account_system",
        "POST */SystemAccounts",
        "create_system_account",
        _create_account,
        {PENDING: DONE_AT_ONCE},
    ),
    "disable account": Operation(
        "account_system",
        "PATCH */SystemAccounts/*",
        "disable_system_account",
        _disable_account,
        {PENDING: DONE_AT_ONCE, "half a body": NO_BODY},
    ),
    "create personal account": Operation(
        "account_system",
        "POST */Users",
        "find_successor",
        _create_person,
        {PENDING: DONE_AT_ONCE},
    ),
    "disable personal account": Operation(
        "account_system",
        "PATCH */Users/*",
        "disable_person",
        _disable_person,
        {PENDING: DONE_AT_ONCE, "half a body": NO_BODY},
    ),
    "register agreement": Operation(
        "agreement_register",
        "PUT /agreements/*",
        "register_agreement",
        _register,
        {PENDING: DONE_AT_ONCE},
    ),
    "create application": Operation(
        VERIFICATION,
        f"POST {PORTAL_PATH}/applications",
        "create_application",
        _issue,
        {},
        LOOKED_INTO,
    ),
    "subscribe": Operation(
        VERIFICATION, f"POST {PORTAL_PATH}/subscriptions", "subscribe", _issue, {}, LOOKED_INTO
    ),
    "generate keys": Operation(
        PRODUCTION, "POST */generate-keys", "issue_key", _issue, {}, LOOKED_INTO
    ),
    "regenerate": Operation(
        PRODUCTION, "POST */regenerate-secret", "issue_key", _regenerate, {PENDING: DONE_AT_ONCE}
    ),
    "revoke": Operation(
        PRODUCTION,
        "DELETE */oauth-keys/*",
        "revoke_keys",
        _revoke,
        {PENDING: DONE_AT_ONCE, "half a body": NO_BODY},
    ),
    "delete": Operation(
        PRODUCTION,
        f"DELETE {PORTAL_PATH}/applications/*",
        "remove_application",
        _delete,
        {"half a body": NO_BODY},
    ),
}
CELLS = [
    pytest.param(name, kind, marks=[pytest.mark.skip(operation.cannot[kind])], id=f"{name}-{kind}")
    if kind in operation.cannot
    else pytest.param(name, kind, id=f"{name}-{kind}")
    for name, operation in OPERATIONS.items()
    for kind in KINDS
]


class Lanes:
    """The chosen cells, side by side where they do not meet: each portal has a lane of its own.

    What is asked of accounts and agreements ends with keys at the verification portal, so these
    cells take turns with those of that portal.
    """

    def __init__(self, world: World, outages: Outages, chosen: list[tuple[str, str]]) -> None:
        self._world = world
        self._outages = outages
        self.ends: dict[tuple[str, str], asyncio.Future[None]] = {}
        lanes: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
        for name, kind in chosen:
            self.ends[name, kind] = asyncio.get_running_loop().create_future()
            lanes[OPERATIONS[name].system == PRODUCTION].append((name, kind))
        self.running = [asyncio.create_task(self._run(lane)) for lane in lanes.values()]

    async def _run(self, lane: list[tuple[str, str]]) -> None:
        for name, kind in lane:
            operation = OPERATIONS[name]
            try:
                await operation.drive(Cell(self._world, self._outages, operation, kind))
            except Exception as error:  # noqa: BLE001 - the cell's own test raises it
                self.ends[name, kind].set_exception(error)
            else:
                self.ends[name, kind].set_result(None)
            finally:
                await self._outages.end(operation.system)


@pytest_asyncio.fixture(scope="module")
async def lanes(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Lanes]:
    """Begin the cells whose tests were chosen; their attempts are short, their pauses long."""
    mine = [each for each in request.session.items if each.path == request.path]
    params = [each.callspec.params for each in mine if isinstance(each, pytest.Function)]
    chosen = [(str(each["name"]), str(each["kind"])) for each in params]
    with slow_outages(world) as outages:
        begun = Lanes(
            world, outages, [each for each in chosen if each[1] not in OPERATIONS[each[0]].cannot]
        )
        yield begun
        for task in begun.running:
            task.cancel()
        await asyncio.gather(*begun.running, return_exceptions=True)


@pytest.mark.parametrize(("name", "kind"), CELLS)
async def test_whatever_fails_it_is_done_once(lanes: Lanes, name: str, kind: str) -> None:
    """The operation fails in this way; when the system is well it is done, and done once."""
    await lanes.ends[name, kind]
