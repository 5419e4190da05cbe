"""Taking over producers who were connected before: progress, a report row a line, repeatable."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from adapters.organisation_registers import OrganisationRegisters
from commands.context import STDERR, Context, said
from commands.csv_lines import Lines, read_lines, write_report
from commands.people import staff_here
from domain.act import Role
from domain.adopted import Adopted
from domain.adoption import (
    AdoptedRow,
    ReadRow,
    agreement_word,
    appointment_word,
    connection_word,
    read_rows,
)
from domain.agreement_state import agreement_id
from domain.appointment_state import appointment_id
from domain.connection_state import dataset_id
from domain.datasets import Delivery
from domain.dates import local_date
from domain.permission_state import permission_id
from records import cases, switches
from runtime.asking import ask
from workflows.case import TASK_LIMIT, WORKFLOW_QUEUE

NEEDED: Final = (
    "org_number", "contact_name", "contact_email", "agreement_valid_from", "dataset_id",
    "system_account", "application_production",
)  # fmt: skip
REPORT: Final = ("line", "org_number", "dataset_id", "result", "field", "reason")
PEOPLE: Final = ("contact", "deputy")
AT_ONCE: Final = 10
PATIENCE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2
WAITING: Final = (
    "Kontosystemet har inte svarat om kontaktpersonen än. Kör filen igen. / "
    "The account system has not answered about the contact yet. Run the file again."
)
ENDED: Final = (
    "Har funnits här och avslutats: öppna ett nytt ärende i stället. / "
    "Has been here and ended: open a new case instead."
)
RIGHT_ENDED: Final = (
    "Behörigheten har funnits här och upphört: den tas inte över igen. / "
    "The right has been here and ended: it is not taken over again."
)
NOT_OWN: Final = (
    "Datamängden finns redan här, utan producentens egen leverans. Lägg till den med "
    "change_delivery; då får producenten en ny nyckel. / The data set is here already, without "
    "the producer's own delivery. Add it by change_delivery; the producer then gets a new key."
)
NOT_AGENTS: Final = (
    "Ombudets uppdrag finns redan här, utan datamängden. Lägg till den med change_datasets; då "
    "får ombudet en ny nyckel. / The agent's appointment is here already, without the data set. "
    "Add it by change_datasets; the agent then gets a new key."
)
UNDER_WAY: Final = (
    "Behörigheten är redan på väg i ett ärende här: låt det gå klart. / "
    "The right is on its way in a case here already: let it finish."
)
UNDER_NOTICE: Final = (
    "Avtalet är uppsagt eller avslutas: inget mer tas över under det. / "
    "The agreement is under notice or ends: nothing more is taken over under it."
)
OPEN: Final = (
    "Producenten har ett öppet ärende: avsluta det, eller låt det gå klart. / "
    "The producer has an open case: close it, or let it finish."
)


@dataclass(frozen=True)
class Result:
    """How one line ended: `adopted`, `already`, `waiting` or `refused`."""

    line: int
    row: AdoptedRow | None
    result: str
    field: str = ""
    reason: str = ""

    def cells(self) -> tuple[object, ...]:
        """Return the line of the report; what could not be read is not repeated."""
        names = (self.row.org_number, self.row.dataset_id) if self.row else ("", "")
        return (self.line, *names, self.result, self.field, self.reason)


def read_file(path: Path) -> Lines:
    """Read the lines of the file.

    Raises:
        CommandError: it is not there, or a column is missing or unknown.
    """
    return read_lines(path, NEEDED, known=AdoptedRow.model_fields)


async def adopt_file(context: Context, path: Path, basis: str | None) -> dict[str, int]:
    """Take over every permission in the file that is not here yet; returns how many ended how.

    From now on, until `adopt --done`, the reconciliation only reports.
    """
    lines = await asyncio.to_thread(read_file, path)
    now = datetime.now(UTC)
    read = read_rows(lines, context.policy, local_date(now))
    actor = staff_here(context, Role.CASE_HANDLER)
    adopting = _Adopting(context, Adopted(actor=actor, basis=basis or path.name))
    if any(each.row is not None for each in read):
        await switches.switch_on(context.pool, switches.ADOPTING, now)
    results = [_refused(each) for each in read if each.row is None]
    good = sorted((each for each in read if each.row), key=_producer)
    slots = asyncio.Semaphore(AT_ONCE)
    with Progress(transient=True, console=STDERR) as progress:
        task = progress.add_task("adopt", total=len(read), completed=len(results))

        async def one(rows: list[ReadRow]) -> None:
            async with slots:
                results.extend(await adopting.producer(rows))
            progress.advance(task, len(rows))

        await asyncio.gather(*(one(list(rows)) for _, rows in groupby(good, key=_producer)))
    rows = (each.cells() for each in sorted(results, key=lambda each: each.line))
    await asyncio.to_thread(write_report, path, REPORT, rows)
    counts: dict[str, int] = {}
    for each in results:
        counts[each.result] = counts.get(each.result, 0) + 1
    return counts


async def done(context: Context) -> bool:
    """End the adoption: the reconciliation acts again. Returns whether one was under way."""
    return await switches.switch_off(context.pool, switches.ADOPTING, datetime.now(UTC))


def _producer(read: ReadRow) -> str:
    return read.row.org_number if read.row else ""


def _refused(read: ReadRow) -> Result:
    fields = ", ".join(each.field for each in read.problems)
    texts = "; ".join(" / ".join(said(each.model_dump())) for each in read.problems)
    return Result(read.line, None, "refused", fields, texts)


def _is_own(read: ReadRow) -> bool:
    return read.row is not None and read.row.is_own


def _dataset(read: ReadRow) -> str:
    return read.row.dataset_id if read.row else ""


def _party(read: ReadRow) -> str:
    return (read.row.party or "") if read.row else ""


@dataclass(frozen=True)
class _Producer:
    """A producer that is taken over: its people, and the data sets that agents deliver."""

    agreement: dict[str, Any]
    name: str
    kind: str | None
    with_agents: set[str]

    @property
    def people(self) -> dict[str, Any]:
        """Contact and deputy, with their accounts."""
        return {role: self.agreement.get(role) for role in PEOPLE}

    @property
    def is_in_force(self) -> bool:
        """Whether anything more can rest on the agreement."""
        return bool(self.agreement["stage"] == "in_force")


class _Adopting:
    """Starts the workflows of producers, the agreement first: it finds the contact's account."""

    def __init__(self, context: Context, adopted: Adopted) -> None:
        self._context = context
        self._adopted = adopted
        self._registers = OrganisationRegisters(context.settings.data_dir)

    async def producer(self, rows: list[ReadRow]) -> list[Result]:
        """Take over one producer."""
        first = rows[0].row
        assert first is not None
        entry = self._registers.look_up(first.org_number)
        name, kind = (entry.name, entry.kind) if entry else (first.org_number, None)
        ref = agreement_id(first.org_number)
        standing = await self._standing(ref)
        if standing == "ended":
            return [Result(each.line, each.row, "refused", "org_number", ENDED) for each in rows]
        opened = await cases.open_for_organisation(self._context.pool, first.org_number)
        if standing is None and opened:
            return [Result(each.line, each.row, "refused", "org_number", OPEN) for each in rows]
        if standing is None:
            word = agreement_word(first, self._adopted, name, kind)
            await self._begin("ProducerAgreement", ref, word)
        agreement = await self._with_people(ref)
        if agreement is None:
            return [Result(each.line, each.row, "waiting", "", WAITING) for each in rows]
        taken = _Producer(
            agreement, name, kind, {_dataset(each) for each in rows if not _is_own(each)}
        )
        own_first = sorted(rows, key=lambda each: not _is_own(each))
        results = [await self._row(each, taken) for each in own_first]
        agents = sorted((each for each in rows if not _is_own(each)), key=_party)
        for _, of_agent in groupby(agents, key=_party):
            results += await self._agent(list(of_agent), results, taken)
        return [each for each in results if each.result]

    async def _row(self, read: ReadRow, taken: "_Producer") -> Result:
        """Begin a data set; an agent's row has its result from the appointment."""
        row = read.row
        assert row is not None
        done = "adopted" if row.is_own else ""
        ref = dataset_id(row.org_number, row.dataset_id)
        standing = await self._standing(ref)
        if standing == "ended":
            return Result(read.line, row, "refused", "dataset_id", ENDED)
        if standing is not None:
            return await self._known(read, ref) if row.is_own else Result(read.line, row, "")
        if not taken.is_in_force:
            return Result(read.line, row, "refused", "org_number", UNDER_NOTICE)
        has_agents = row.dataset_id in taken.with_agents
        word = connection_word(
            row, self._adopted, taken.people, taken.name, taken.kind, has_agents=has_agents
        )
        await self._begin("DatasetConnection", ref, word)
        return Result(read.line, row, done)

    async def _agent(
        self, reads: list[ReadRow], before: list[Result], taken: "_Producer"
    ) -> list[Result]:
        """Begin the appointment of one agent with all its rows that were not refused."""
        refused = {each.line for each in before if each.result == "refused"}
        rows = [each for each in reads if each.line not in refused and each.row]
        if not rows:
            return []
        first = rows[0].row
        assert first is not None
        ref = appointment_id(first.org_number, first.party or "")
        standing = await self._standing(ref)
        if standing == "ended":
            return [Result(each.line, each.row, "refused", "party", ENDED) for each in rows]
        if standing is not None:
            return [await self._known(each, ref) for each in rows]
        if not taken.is_in_force:
            return [Result(e.line, e.row, "refused", "org_number", UNDER_NOTICE) for e in rows]
        given = [each.row for each in rows if each.row]
        word = appointment_word(given, self._adopted, taken.people, taken.name)
        await self._begin("AgentAppointment", ref, word)
        return [Result(each.line, each.row, "adopted") for each in rows]

    async def _known(self, read: ReadRow, owner: str) -> Result:
        """Return what is known of a row's right, whose data set or appointment is open."""
        row = read.row
        assert row is not None
        ref = permission_id(row.org_number, row.dataset_id, row.party or row.org_number)
        standing = await self._standing(ref)
        if standing == "ended":
            return Result(read.line, row, "refused", "dataset_id", RIGHT_ENDED)
        reason = "" if standing else await self._lacking(row, owner, ref)
        if reason:
            return Result(read.line, row, "refused", "dataset_id", reason)
        return Result(read.line, row, "already")

    async def _lacking(self, row: AdoptedRow, owner: str, right: str) -> str:
        """Return why a right that has not begun is none that was taken over; empty: it is."""
        state = await ask(self._context.client.get_workflow_handle(owner), "state")
        if right in state["parts"]:
            return ""
        if row.is_own:
            delivery = state["datasets"][row.dataset_id]["declaration"]["delivery"]
            is_wanted, is_adopted = delivery != Delivery.AGENT, bool(state["adopted_delivery"])
        else:
            item = state["items"].get(row.dataset_id)
            is_wanted = item is not None and not item["is_removed"]
            is_adopted = is_wanted and bool(item["adopted"])
        if not is_wanted:
            return NOT_OWN if row.is_own else NOT_AGENTS
        return "" if is_adopted else UNDER_WAY

    async def _standing(self, ref: str) -> str | None:
        """Return whether a workflow is `open` or has `ended` here; None when it never was."""
        try:
            found = await self._context.client.get_workflow_handle(ref).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        else:
            if found.status is WorkflowExecutionStatus.RUNNING:
                return "open"
        row = await cases.find(self._context.pool, ref)
        return "ended" if row is not None else None

    async def _begin(self, type_: str, ref: str, content: dict[str, Any]) -> None:
        word = {"message_id": f"adopt#{ref}", "sender": "adopt", "what": "begin"}
        await self._context.client.start_workflow(
            type_,
            {"policy": self._context.policy.model_dump(mode="json")},
            id=ref,
            task_queue=WORKFLOW_QUEUE,
            task_timeout=TASK_LIMIT,
            start_signal="heard",
            start_signal_args=[word | {"content": content}],
        )

    async def _with_people(self, ref: str) -> dict[str, Any] | None:
        """Return the agreement when its people have accounts; None when that takes too long."""
        handle = self._context.client.get_workflow_handle(ref)
        stop = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < stop:
            state = await ask(handle, "state")
            known = [state[role].get("account_id") for role in PEOPLE if state.get(role)]
            if known and all(known):
                return state
            await asyncio.sleep(LOOK_SECONDS)
        return None
