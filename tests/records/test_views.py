from datetime import timedelta
from typing import Any

import asyncpg

from records import documents, incidents
from records.cases import record
from records.documents import NewDocument
from records.views import view
from tests.records.recording import NOON, ONBOARDING, batch, line, waiting

CREDENTIAL = "credential/1"


async def _fail(pool: asyncpg.Pool, workflow_id: str, operation: str) -> None:
    await incidents.failed(
        pool,
        workflow_id=workflow_id,
        operation=operation,
        system="portal_production",
        status=403,
        said="no",
        unmendable=True,
        now=NOON,
        next_try_at=NOON,
    )


async def _case_with_credential(pool: asyncpg.Pool, **changes: Any) -> None:
    await record(pool, batch(line(1), series="NGP2026", **waiting("case_handler")))
    part: dict[str, Any] = {
        "type": "Credential",
        "owner": ONBOARDING,
        "case_number": "NGP2026-000001",
        "pending": [{"key": "issue_key"}],
        "open_steps": [{"name": "rotate", "role": "case_handler"}],
        **waiting("producer", since=NOON + timedelta(hours=1)),
    }
    await record(pool, batch(line(1), workflow_id=CREDENTIAL, kind="entity", **(part | changes)))


async def test_a_view_joins_what_is_below(pool: asyncpg.Pool) -> None:
    """The parts' waits and steps are the case's, the party to show first in front."""
    await _case_with_credential(pool)

    shown = await view(pool, "NGP2026-000001")

    assert shown is not None
    assert shown["number"] == "NGP2026-000001"
    assert [wait["on"] for wait in shown["waits"]] == ["producer", "case_handler"]
    assert shown["waiting"]["ref"] == CREDENTIAL
    assert [part["workflow_id"] for part in shown["parts"]] == [CREDENTIAL]
    assert shown["open_steps_below"] == [
        {"ref": CREDENTIAL, "name": "rotate", "role": "case_handler"}
    ]
    assert shown == await view(pool, ONBOARDING)
    assert await view(pool, "NGP2026-000002") is None


async def test_an_incident_shows_only_while_its_operation_is_wanted(pool: asyncpg.Pool) -> None:
    """One that the workflow no longer wants is not shown, whatever the table holds."""
    await _case_with_credential(pool)
    for operation in ("issue_key", "called_off"):
        await _fail(pool, CREDENTIAL, operation)

    shown = await view(pool, ONBOARDING)
    assert shown is not None
    assert [each["operation"] for each in shown["incidents"]] == ["issue_key"]

    done: dict[str, Any] = {"owner": ONBOARDING, "type": "Credential", "pending": [], "version": 2}
    await record(pool, batch(line(2), workflow_id=CREDENTIAL, kind="entity", **done))
    after = await view(pool, ONBOARDING)
    assert after is not None
    assert after["incidents"] == []


async def test_a_part_that_ended_no_longer_waits(pool: asyncpg.Pool) -> None:
    """It is listed, with its outcome, and nothing of it is awaited."""
    await _case_with_credential(pool, ended_at=NOON.isoformat(), outcome="revoked", stage="ended")

    shown = await view(pool, ONBOARDING)

    assert shown is not None
    assert [wait["on"] for wait in shown["waits"]] == ["case_handler"]
    assert shown["open_steps_below"] == []
    assert shown["parts"][0]["outcome"] == "revoked"


async def test_documents_of_the_case_and_its_parts_show(pool: asyncpg.Pool) -> None:
    """Without their content, oldest first."""
    await _case_with_credential(pool)
    for n, ref in enumerate((CREDENTIAL, ONBOARDING)):
        new = NewDocument(
            data=f"{n}".encode(),
            media_type="application/pdf",
            pages=1,
            file_name=f"{n}.pdf",
            ref=ref,
            kind="signed",
            stored_by="anna",
            stored_at=NOON + timedelta(minutes=n),
        )
        await documents.store(pool, new)

    shown = await view(pool, ONBOARDING)

    assert shown is not None
    assert [each["file_name"] for each in shown["documents"]] == ["0.pdf", "1.pdf"]
    assert all("data" not in each for each in shown["documents"])
