"""The committed agreement forms, their list, their sources and the policy say the same."""

import hashlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from pypdf import PdfReader

from adapters.pdf_forms import Forms, read

ROOT = Path(__file__).parents[1]
FORMS_DIR = ROOT / "forms"
FORMS = Forms(FORMS_DIR)
KINDS = sorted(FORMS.entries)


class _Fields(HTMLParser):
    """Collects what a source declares: field names, values, metadata, and whether labelled."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.values: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        self.ids: set[str] = set()
        self.labelled: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        found = {key: value or "" for key, value in attrs}
        if tag in {"input", "textarea", "select"}:
            self.names.append(found["name"])
            self.values[found["name"]] = found.get("value", "")
            self.ids.add(found["id"])
        elif tag == "label":
            self.labelled.add(found["for"])
        elif tag == "meta" and "name" in found:
            self.metadata[found["name"]] = found["content"]


def _source(kind: str) -> _Fields:
    path = FORMS_DIR / FORMS.entries[kind].source
    return _Fields(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_the_one_listed(kind: str) -> None:
    """The committed PDF has the listed checksum, so that nobody changes a wording unnoticed."""
    entry = FORMS.entries[kind]
    assert hashlib.sha256((FORMS_DIR / entry.file).read_bytes()).hexdigest() == entry.sha256


@pytest.mark.parametrize("kind", KINDS)
def test_the_pdf_has_exactly_the_listed_fields(kind: str) -> None:
    """Every listed field can be filled in the PDF, and it has no others."""
    entry = FORMS.entries[kind]
    form = read((FORMS_DIR / entry.file).read_bytes())
    assert form is not None
    assert set(form.fields) == entry.field_names
    assert (form.template_id, form.template_version) == (entry.template_id, entry.version)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pdf_carries_its_template_in_the_metadata(kind: str) -> None:
    """Template id and version stand in the document information too."""
    entry = FORMS.entries[kind]
    information = PdfReader(FORMS_DIR / entry.file).metadata
    assert information is not None
    assert str(information["/templateid"]) == entry.template_id
    assert str(information["/templateversion"]) == entry.version


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_fields_cannot_be_edited(kind: str) -> None:
    """Template id and version are read-only in the PDF."""
    fields = PdfReader(FORMS_DIR / FORMS.entries[kind].file).get_fields() or {}
    assert all(fields[name]["/Ff"] & 1 for name in ("template.id", "template.version"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_has_the_same_fields_as_the_pdf(kind: str) -> None:
    """A source and the PDF made from it do not drift apart, and no field occurs twice."""
    entry, source = FORMS.entries[kind], _source(kind)
    assert sorted(source.names) == sorted(entry.field_names)
    assert source.values["template.id"] == source.metadata["TemplateId"] == entry.template_id
    assert source.values["template.version"] == entry.version
    assert source.metadata["TemplateVersion"] == entry.version


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_label(kind: str) -> None:
    """Each field of a source has a label of its own, which a screen reader says (PDF/UA-1)."""
    source = _source(kind)
    assert source.ids == source.labelled
    assert len(source.ids) == len(source.names)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pdf_says_that_its_text_is_a_placeholder(kind: str) -> None:
    """Every page says so, since the authority's own wording is not public."""
    pages = PdfReader(FORMS_DIR / FORMS.entries[kind].file).pages
    assert all("Platshållartext" in page.extract_text() for page in pages)


@pytest.mark.parametrize("kind", KINDS)
def test_the_pdf_is_tagged_swedish(kind: str) -> None:
    """The forms are tagged and in Swedish, so that assistive technology can read them."""
    catalogue = PdfReader(FORMS_DIR / FORMS.entries[kind].file).root_object
    assert "/StructTreeRoot" in catalogue
    assert str(catalogue["/Lang"]) == "sv"


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_accepts_this_template_and_asks_for_its_places(kind: str) -> None:
    """What is handed out is what the policy accepts, place by place."""
    policy = yaml.safe_load((ROOT / "policy" / "policy.yaml").read_text(encoding="utf-8"))
    accepted, entry = policy["agreements"][kind], FORMS.entries[kind]
    assert (accepted["template_id"], accepted["version"]) == (entry.template_id, entry.version)
    assert accepted["places"] == list(entry.places)
