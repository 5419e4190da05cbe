"""Playing a scenario against a stack, and counting what it left outside."""

import time
from datetime import datetime
from typing import Any

from adapters.organisation_registers import OrganisationRegisters
from commands.context import CommandError, Context
from commands.demo import Demo
from commands.rehearsals import REHEARSALS
from commands.scenarios import SCENARIOS
from records import cases
from records.journal import journal_of
from runtime.acting import StepRefusedError

MOLNDAL = "212000-1363"
DATASETS = {"municipality": "detaljplan", "state_agency": "stompunkt"}
PLAYED = SCENARIOS | REHEARSALS
# What begins a shut-off in a workflow's journal, and what confirms it.
SHUT_OFF = {
    "PersonAccess": ({"left", "suspend", "account_found_on"}, {"account_off"}),
    "Permission": ({"expired", "end", "end_permission"}, {"system_account_off"}),
    "Credential": ({"expired", "end", "revoke_key"}, {"application_gone", "keys_revoked"}),
}


async def run_demo(
    context: Context, addresses: dict[str, str], scenario: str, organisation: str | None
) -> dict[str, Any]:
    """Play a scenario against a running stack; returns what was counted.

    Raises:
        CommandError: there is no such scenario or organisation.
    """
    if scenario not in PLAYED:
        raise CommandError(f"Okänt / unknown: {scenario}. {', '.join(PLAYED)}")
    registers = OrganisationRegisters(context.settings.data_dir)
    entry = registers.look_up(organisation or MOLNDAL)
    if entry is None:
        raise CommandError(f"{organisation} finns inte i registren. / is in neither register.")
    demo = Demo(context, entry, addresses, dataset_id=DATASETS[entry.kind])
    started = time.monotonic()
    try:
        token = await PLAYED[scenario](demo)
    except StepRefusedError as error:
        text = error.refusal["text"]
        raise CommandError(f"{text['sv']} / {text['en']}") from None
    result = await demo.result(started, token=token)
    return result | {
        "accounts": await demo.accounts(),
        "shut_offs": await shut_offs(context, entry.org_number),
    }


async def shut_offs(context: Context, org_number: str) -> list[dict[str, Any]]:
    """Return everything that was shut off under a producer: when it was due, and how late it was.

    Both instants are the workflow's own; `seconds` is from due to confirmed by the outside system,
    None while it is not confirmed.
    """
    found = []
    for row in await cases.of_organisation(context.pool, org_number):
        if row["type"] in SHUT_OFF:
            found += _in_journal(row, await journal_of(context.pool, row["workflow_id"]))
    return sorted(found, key=lambda each: each["due"])


def _in_journal(row: dict[str, Any], journal: list[dict[str, Any]]) -> list[dict[str, Any]]:
    begins, confirms = SHUT_OFF[row["type"]]
    found: list[dict[str, Any]] = []
    due: datetime | None = None
    for entry in journal:
        if entry["name"] in begins and due is None:
            due = entry["at"]
        elif entry["name"] in confirms and due is not None:
            found.append(_shut_off(row, due, entry["at"]))
            due = None
    if due is not None:
        found.append(_shut_off(row, due, None))
    return found


def _shut_off(row: dict[str, Any], due: datetime, at: datetime | None) -> dict[str, Any]:
    seconds = round((at - due).total_seconds(), 2) if at else None
    return {"ref": row["workflow_id"], "due": due.isoformat(), "seconds": seconds}
