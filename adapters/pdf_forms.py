"""Agreement forms as PDF: fills Lantmäteriet's own, reads and checks those that come back.

The forms are data (`forms/forms.yaml`): another wording is another file there. Reading never trusts
the file: what cannot be read counts as scanned paper, at which a person looks.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, PdfObject

from adapters.untrusted_pdf import UnreadablePdf, in_own_thread, untrusted_pdf
from domain.text import Text

TEXT_FIELDS = {"/Tx", "/Ch"}
FIELDS_MAX = 500
VALUE_CHARACTERS_MAX = 10_000


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldEntry(_Listed):
    """A named field: its label, and whether it must be filled."""

    sv: str
    en: str
    required: bool = False


class PlaceEntry(_Listed):
    """A place of the checklist and its fields by full name (`p1.organisation`)."""

    label: Text
    fields: dict[str, FieldEntry]


class FormEntry(_Listed):
    """One form of `forms.yaml`; `sha256` is of `file`, `source` is what it is made from."""

    template_id: str
    version: str
    file: str
    source: str
    sha256: str
    places: dict[str, PlaceEntry]

    @property
    def field_names(self) -> set[str]:
        """The names of all fields."""
        return {name for place in self.places.values() for name in place.fields}


@dataclass(frozen=True)
class FilledForm:
    """What the fields of a form hold: text by full field name, empty where nothing is filled.

    Id and version are empty when it carries none of ours, so is somebody else's form.
    """

    template_id: str
    template_version: str
    fields: Mapping[str, str]


class Forms:
    """The agreement forms of one folder.

    Raises:
        OSError: the folder lacks `forms.yaml` or a file it names.
        ValueError: the list is malformed, or a file is not the one that the list names.
    """

    def __init__(self, forms_dir: Path) -> None:
        listing = yaml.safe_load((forms_dir / "forms.yaml").read_text(encoding="utf-8"))
        self.entries = TypeAdapter(dict[str, FormEntry]).validate_python(listing)
        self._files = {k: (forms_dir / e.file).read_bytes() for k, e in self.entries.items()}
        for kind, entry in self.entries.items():
            if hashlib.sha256(self._files[kind]).hexdigest() != entry.sha256:
                raise ValueError(
                    f"forms.yaml: sha256 of {entry.file} is another than that of the file; "
                    "restore the file, or run forms/make.py and commit both"
                )

    def fill(self, kind: str, values: Mapping[str, str]) -> bytes:
        """Return the form of a kind with fields filled in; the others stay empty and fillable.

        Raises:
            KeyError: no form of this kind.
            ValueError: a field that the form does not have.
        """
        entry = self.entries[kind]
        if unknown := values.keys() - entry.field_names:
            raise ValueError(f"{entry.file} has no field {', '.join(sorted(unknown))}")
        writer = PdfWriter(clone_from=BytesIO(self._files[kind]))
        filled = {name: _clean(value) for name, value in values.items() if value}
        writer.update_page_form_field_values(None, filled, auto_regenerate=True)
        made = BytesIO()
        writer.write(made)
        return made.getvalue()


@in_own_thread
def read(data: bytes) -> FilledForm | None:
    """Read the fields of a form, or return None when there are none that can be read (a scan)."""
    fields: dict[str, str] = {}
    try:
        with untrusted_pdf(data) as reader:
            for name, value in _text_fields(_at(reader.root_object, "/AcroForm")):
                fields.setdefault(name, value)  # a field comes before its widgets, which have none
    except UnreadablePdf:
        return None
    if not fields:
        return None
    return FilledForm(fields.get("template.id", ""), fields.get("template.version", ""), fields)


def _at(node: object, key: str) -> PdfObject | None:
    """Return what a dictionary holds under a key, references resolved, or None."""
    return node[key] if isinstance(node, DictionaryObject) and key in node else None


def _text_fields(acro_form: PdfObject | None) -> Iterator[tuple[str, str]]:
    """Yield name and text of each text and choice field, visiting at most FIELDS_MAX nodes."""
    roots = _at(acro_form, "/Fields")
    waiting = [(root, "", "") for root in islice(_each(roots), FIELDS_MAX)]
    visited = 0
    while waiting and visited < FIELDS_MAX:
        visited += 1
        reference, prefix, inherited = waiting.pop()
        node = reference.get_object()
        name = ".".join(str(part) for part in (prefix, _at(node, "/T")) if part)
        kind = str(_at(node, "/FT") or inherited)
        kids = list(islice(_each(_at(node, "/Kids")), FIELDS_MAX))
        value = _at(node, "/V")
        if name and kind in TEXT_FIELDS and (value is not None or not kids):
            yield name, _clean(value) if isinstance(value, str) else ""
        waiting.extend((kid, name, kind) for kid in kids)


def _each(array: object) -> Iterator[PdfObject]:
    return iter(array if isinstance(array, list) else ())


def _clean(text: str) -> str:
    """Return text that every part of the system can keep: no NUL, no lone surrogates, NFC."""
    kept = text[:VALUE_CHARACTERS_MAX].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return unicodedata.normalize("NFC", kept.encode("utf-8", "ignore").decode()).strip()
