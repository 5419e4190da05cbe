"""The check of a form that is handed in: what cannot be read is said, never passed in silence."""

from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfWriter

from activities.lookups import FormInput, LookUps


async def test_a_form_without_fields_is_said_to_be_read_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scan named as the form, or somebody else's document: the handler is told why."""
    written = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(written)

    async def stored(*_: Any) -> bytes:
        return written.getvalue()

    monkeypatch.setattr("activities.lookups.documents.read", stored)
    wanted = FormInput(
        kind="producer",
        form="f",
        org_number="212000-2783",
        organisation_name="Kiruna kommun",
        template_id="ngp-producentavtal",
        template_version="1.0",
    )
    nothing: Any = None
    checked = await LookUps(nothing, nothing, nothing).check_form(wanted)

    assert [(each.place, each.ok) for each in checked.findings] == [("template", False)]
    assert "för hand" in checked.findings[0].sv
    assert "by hand" in checked.findings[0].en
