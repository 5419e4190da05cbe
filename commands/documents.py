"""Documents of a case: checked when they come, stored by content hash; and pre-filled forms."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from adapters.pdf_forms import Forms
from adapters.pdf_inspection import inspect
from commands.acting import view_of
from commands.context import CommandError, Context
from domain.act import Actor
from records import documents


async def store_document(
    context: Context, ref: str, file_name: str, data: bytes, *, kind: str, by: Actor
) -> str:
    """Check a document and keep it; returns its id.

    Raises:
        CommandError: it is too large, of the wrong type, encrypted, damaged or empty.
    """
    limits = context.policy.limits
    found = await asyncio.to_thread(
        inspect, data, max_bytes=limits.document_bytes, max_pages=limits.document_pages
    )
    if found.reason is not None:
        raise CommandError(f"{file_name}: {found.reason.text.sv} / {found.reason.text.en}")
    new = documents.NewDocument(
        data=data,
        media_type=found.media_type or "application/octet-stream",
        pages=found.pages,
        file_name=file_name,
        ref=await context.workflow_id(ref),
        kind=kind,
        stored_by=by.subject,
        stored_at=datetime.now(UTC),
    )
    return await documents.store(context.pool, new)


async def prefilled_form(context: Context, ref: str, kind: str) -> bytes:
    """Return an agreement form with all that is known filled in.

    Raises:
        CommandError: there is no such form.
    """
    view = await view_of(context, ref)
    forms = Forms(context.settings.forms_dir)
    if kind not in forms.entries:
        raise CommandError(f"Okänt formulär / unknown form {kind}. {', '.join(forms.entries)}")
    details: dict[str, Any] = view["details"]
    contact = details.get("contact") or {}
    values = {
        "p1.organisation": view["organisation"]["name"],
        "p1.org_number": view["organisation"]["org_number"],
        "p1.contact_name": contact.get("name", ""),
        "p1.contact_email": contact.get("email", ""),
        "p1.contact_phone": contact.get("phone", ""),
    }
    if kind == "processing":
        declared = [d["declaration"] for d in details.get("datasets", {}).values()]
        for place in ("a3", "a4"):
            lines = dict.fromkeys(line for each in declared for line in each.get(place, []))
            values[f"{place.upper()}.categories"] = "\n".join(lines)
    return forms.fill(kind, values)
