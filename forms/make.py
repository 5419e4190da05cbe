"""Make the agreement forms again: `uv run --group forms python forms/make.py`.

Renders each source that `forms.yaml` names to a tagged, fillable PDF (PDF/UA-1) and writes its
SHA-256 into `forms.yaml`. Needs the Debian packages `fonts-ebgaramond` and `fonts-open-sans`.
Dates and identifiers are fixed, so the same source makes the same file.
"""

# mypy: disable-error-code="import-untyped,import-not-found"
# (neither renderer has types, and without the group `forms` they are not even installed)

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

import pydyf
import yaml
from weasyprint import HTML

HERE = Path(__file__).parent
READ_ONLY = 1  # bit 1 of /Ff (ISO 32000-1, table 221)


def _name_fields_by_parts(_document: Any, pdf: pydyf.PDF) -> None:
    """Give `p1.organisation` a parent `p1`: a partial name holds no full stop (12.7.3.2)."""
    acro_form = pdf.catalog["AcroForm"]
    parents: dict[str, pydyf.Dictionary] = {}
    for reference in acro_form["Fields"]:
        field = pdf.objects[int(reference.split()[0])]
        place, name = field["T"].string.split(".")
        if place not in parents:
            parents[place] = pydyf.Dictionary({"T": pydyf.String(place), "Kids": pydyf.Array()})
            pdf.add_object(parents[place])
        parents[place]["Kids"].append(reference)
        field["Parent"], field["T"] = parents[place].reference, pydyf.String(name)
        if place == "template":
            field["Ff"] = READ_ONLY
    acro_form["Fields"] = pydyf.Array(parent.reference for parent in parents.values())


def make(source: Path, template: str) -> bytes:
    """Render one source; `template` (id and version) is the file's identifier."""
    made = HTML(source).write_pdf(
        pdf_variant="pdf/ua-1",
        pdf_forms=True,
        pdf_identifier=hashlib.md5(template.encode(), usedforsecurity=False).digest(),
        custom_metadata=True,
        finisher=_name_fields_by_parts,
    )
    assert isinstance(made, bytes)
    return made


def main() -> None:
    """Make every form and note its checksum."""
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    listing = HERE / "forms.yaml"
    text = listing.read_text(encoding="utf-8")
    for form in yaml.safe_load(text).values():
        made = make(HERE / form["source"], f"{form['template_id']} {form['version']}")
        (HERE / form["file"]).write_bytes(made)
        pattern = rf"(file: {re.escape(form['file'])}\n.*\n  sha256: ).*"
        text = re.sub(pattern, rf'\g<1>"{hashlib.sha256(made).hexdigest()}"', text)
        sys.stdout.write(f"{form['file']}: {len(made)} bytes\n")
    listing.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
