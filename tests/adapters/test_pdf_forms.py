"""Filling agreement forms, reading them back, and checking them place by place."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject

from adapters.form_check import Expected, check
from adapters.pdf_forms import FilledForm, Forms, read
from domain.agreements import PlaceFinding

FORMS_DIR = Path(__file__).parents[2] / "forms"
FORMS = Forms(FORMS_DIR)
PARTY = {
    "p1.organisation": "Härjedalens kommun",
    "p1.org_number": "212000-0803",
    "p1.contact_name": "Åsa Öström-Ähl",
}
PRODUCER = PARTY | {"p14.signatory_name": "Örjan Ågren", "p14.authority_basis": "delegation"}
PERSON = {"name": "Åsa Berg", "role": "Dataskyddsombud", "phone": "010-123 45 67"}
PROCESSING = (
    PARTY
    | {"p16.signatory_name": "Örjan Ågren", "p16.authority_basis": "reglemente"}
    | {"A3.categories": "Namn\nadress, Fastighetsbeteckning", "A4.categories": "fastighetsägare"}
    | {f"p15.{part}": value for part, value in PERSON.items()}
    | {f"B8.{part}": value for part, value in PERSON.items()}
    | {"p15.email": "dso@harjedalen.example", "B8.email": "incident@harjedalen.example"}
)
AS_PRODUCER = Expected(
    kind="producer",
    template_id="ngp-producentavtal",
    template_version="1.0",
    organisation="Härjedalens kommun",
    org_number="212000-0803",
)
AS_PROCESSING = replace(
    AS_PRODUCER,
    kind="processing",
    template_id="ngp-pub-avtal",
    a3=("namn", "fastighetsbeteckning"),
    a4=("fastighetsägare",),
)


def _filled(kind: str, values: dict[str, str]) -> FilledForm:
    form = read(FORMS.fill(kind, values))
    assert form is not None
    return form


def _found(form: FilledForm, expected: Expected) -> dict[str, PlaceFinding]:
    return check(FORMS, form, expected)


def _deficient(form: FilledForm, expected: Expected) -> set[str]:
    return {place for place, finding in _found(form, expected).items() if not finding.ok}


def _pdf(*objects: str) -> bytes:
    """Return a file of numbered objects, the first of them the catalogue; pypdf finds them."""
    body = "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(objects, 1))
    return f"%PDF-1.7\n{body}trailer\n<</Root 1 0 R>>\nstartxref\n0\n%%EOF".encode("latin-1")


@pytest.mark.parametrize(("kind", "values"), [("producer", PRODUCER), ("processing", PROCESSING)])
def test_what_is_filled_in_is_read_back(kind: str, values: dict[str, str]) -> None:
    """Every filled value comes back as it was, å ä ö and line breaks too; the rest is empty."""
    form = _filled(kind, values)
    entry = FORMS.entries[kind]
    assert (form.template_id, form.template_version) == (entry.template_id, entry.version)
    assert {name: value for name, value in form.fields.items() if value} == values | {
        "template.id": entry.template_id,
        "template.version": entry.version,
    }


def test_a_filled_field_is_seen_in_every_viewer() -> None:
    """A filled field carries its own picture, for viewers that do not draw fields themselves."""
    writer = PdfWriter(clone_from=BytesIO(FORMS.fill("producer", PRODUCER)))
    drawn = set()
    for page in writer.pages:
        for annotation in page.annotations or ():
            widget = annotation.get_object()
            assert isinstance(widget, DictionaryObject)
            if "/AP" in widget:
                drawn.add(f"{widget['/Parent']['/T']}.{widget['/T']}")  # type: ignore[index]
    assert drawn == PRODUCER.keys()


def test_a_filled_form_can_be_filled_on() -> None:
    """A pre-filled form is still a form: what was left open can be filled in by the producer."""
    writer = PdfWriter(clone_from=BytesIO(FORMS.fill("producer", PARTY)))
    writer.update_page_form_field_values(None, {"p14.signatory_name": "Örjan Ågren"})
    made = BytesIO()
    writer.write(made)
    form = read(made.getvalue())
    assert form is not None
    assert form.fields["p14.signatory_name"] == "Örjan Ågren"
    assert form.fields["p1.organisation"] == "Härjedalens kommun"


def test_an_unknown_field_or_kind_is_a_mistake_of_the_caller() -> None:
    """Filling a field that the form lacks says which; an unknown kind is a KeyError."""
    with pytest.raises(ValueError, match=r"no field p99\.name"):
        FORMS.fill("producer", {"p99.name": "x"})
    with pytest.raises(KeyError):
        FORMS.fill("lease", {})


@pytest.mark.parametrize("value", ["日本語", "🦌 ren", "a\0b", "\ud800", "(\\)<</V", "x" * 20_000])
def test_any_text_can_be_filled_in(value: str) -> None:
    """Letters that the form's font lacks, control characters and long texts break nothing."""
    form = _filled("producer", {"p1.organisation": value})
    assert form.fields["p1.organisation"] == value.replace("\0", "").replace("\ud800", "")[:10_000]


def test_a_wrong_checksum_stops_the_start(tmp_path: Path) -> None:
    """A form that is not the listed one is found when the forms are loaded, not by a producer."""
    for path in filter(Path.is_file, FORMS_DIR.iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pub-avtal.pdf").write_bytes(b"%PDF-1.7 another")
    with pytest.raises(ValueError, match=r"pub-avtal\.pdf"):
        Forms(tmp_path)


def test_a_scan_has_no_fields() -> None:
    """A PDF without fields is scanned paper: None, and a person reads it."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    made = BytesIO()
    writer.write(made)
    assert read(made.getvalue()) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pdf",
        b"\xff\xd8\xff photo",
        _pdf("<</Type /Catalog /AcroForm 1 0 R>>"),
        _pdf("<</Type /Catalog /AcroForm <</Fields 7>> >>"),
        _pdf("<</Type /Catalog /AcroForm <</Fields [2 0 R]>> >>", "<</T (a) /Kids [2 0 R]>>"),
        _pdf(
            "<</Type /Catalog /AcroForm <</Fields [2 0 R]>> >>",
            "<</T (a) /Kids [2 0 R 2 0 R 2 0 R]>>",
        ),
        _pdf(
            "<</Type /Catalog /AcroForm <</Fields [2 0 R]>> >>",
            "<</T (sig) /FT /Sig /V 3 0 R>>",
            "<<>>",
        ),
        _pdf("[" * 100_000),
    ],
    ids=["empty", "text", "photo", "loop", "number", "cycle", "bomb", "signature", "deep"],
)
def test_what_cannot_be_read_counts_as_a_scan(data: bytes) -> None:
    """Damaged and hostile files, and one whose only field is a signature, raise nothing."""
    assert read(data) is None


def test_a_field_with_several_widgets_keeps_its_value() -> None:
    """A field shown at two places has one value, which its widgets do not blank."""
    form = read(
        _pdf(
            "<</Type /Catalog /AcroForm <</Fields [2 0 R]>> >>",
            "<</T (namn) /FT /Tx /V (Eva) /Kids [3 0 R 4 0 R]>>",
            "<</Subtype /Widget /Parent 2 0 R>>",
            "<</Subtype /Widget /Parent 2 0 R>>",
        )
    )
    assert form == FilledForm("", "", {"namn": "Eva"})


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [("producer", PRODUCER, AS_PRODUCER), ("processing", PROCESSING, AS_PROCESSING)],
)
def test_a_right_form_is_in_order_everywhere(
    kind: str, values: dict[str, str], expected: Expected
) -> None:
    """A form filled as the case says has a good finding for every place of its kind."""
    findings = _found(_filled(kind, values), expected)
    assert list(findings) == list(FORMS.entries[kind].places)
    assert all(finding.ok and finding.place == place for place, finding in findings.items())


def test_an_empty_form_lacks_every_place_but_the_template() -> None:
    """What is required and missing is named in Swedish and English."""
    findings = _found(_filled("processing", {}), AS_PROCESSING)
    assert [place for place, finding in findings.items() if finding.ok] == ["template"]
    assert "Behörighetsgrund saknas." in findings["p.16"].sv
    assert "Basis of authority is missing." in findings["p.16"].en


@pytest.mark.parametrize("number", ["212000-0803", "2120000803", "16212000-0803", "212000 0803"])
def test_an_organisation_number_is_compared_by_its_digits(number: str) -> None:
    """Hyphen, spaces and the prefix 16 do not matter, nor do case and spaces in the name."""
    values = PRODUCER | {"p1.org_number": number, "p1.organisation": " HÄRJEDALENS  kommun"}
    assert not _deficient(_filled("producer", values), AS_PRODUCER)


def test_another_organisation_is_found() -> None:
    """An organisation or number that is not the case's is a finding that says the right one."""
    values = PRODUCER | {"p1.org_number": "212000-0142", "p1.organisation": "Ale kommun"}
    findings = _found(_filled("producer", values), AS_PRODUCER)
    assert not findings["p.1"].ok
    assert "212000-0803" in findings["p.1"].sv
    assert "Härjedalens kommun" in findings["p.1"].en
    assert findings["p.14"].ok


def test_a_personal_number_is_found_and_not_repeated() -> None:
    """A personnummer where an organisation number belongs is not carried into the findings."""
    values = PRODUCER | {"p1.org_number": "811228-9874"}
    finding = _found(_filled("producer", values), AS_PRODUCER)["p.1"]
    assert not finding.ok
    assert "personnummer" in finding.sv
    assert "9874" not in finding.sv + finding.en
    assert "sparats" not in finding.sv  # the form itself is kept as it came in


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("p15.email", "dso at harjedalen", "p.15"),
        ("p15.role", "", "p.15"),
        ("B8.email", "@", "B8"),
        ("B8.phone", "ring mig", "B8"),
        ("p16.signatory_name", "", "p.16"),
        ("A3.categories", " \n ", "A3"),
        ("A3.categories", "namn", "A3"),
        ("A4.categories", "tjänstemän", "A4"),
    ],
)
def test_one_deficiency_is_found_at_its_place(name: str, value: str, place: str) -> None:
    """Missing, malformed and uncovered: a finding at that place and at no other."""
    assert _deficient(_filled("processing", PROCESSING | {name: value}), AS_PROCESSING) == {place}


def test_missing_categories_are_named() -> None:
    """A declared category that the annex lacks is named, so that it can be added."""
    form = _filled("processing", PROCESSING | {"A3.categories": "namn; telefon"})
    assert "fastighetsbeteckning" in _found(form, AS_PROCESSING)["A3"].sv


def test_somebody_elses_form_is_named_as_such() -> None:
    """A form with fields that is not ours is a finding, and its other places are left to people."""
    form = FilledForm("", "", {"Namn": "Härjedalens kommun"})
    findings = _found(form, AS_PROCESSING)
    assert not any(finding.ok for finding in findings.values())
    assert "inte Lantmäteriets blankett" in findings["template"].sv
    assert "not a form of Lantmäteriet" in findings["template"].en


def test_our_other_form_is_named() -> None:
    """A producer agreement sent in as a processing agreement is called what it is."""
    finding = _found(_filled("producer", PRODUCER), AS_PROCESSING)["template"]
    assert "ngp-producentavtal" in finding.sv
    assert "ngp-pub-avtal 1.0" in finding.sv


def test_an_old_version_is_named_and_still_read() -> None:
    """A form of another version is a finding at the template only."""
    expected = replace(AS_PRODUCER, template_version="2.0")
    form = _filled("producer", PRODUCER)
    assert _deficient(form, expected) == {"template"}
    assert "version 1.0" in _found(form, expected)["template"].sv


def test_reading_leaves_the_document_as_it_is() -> None:
    """The filled form still is a whole PDF of as many pages as the empty one."""
    empty = PdfReader(FORMS_DIR / FORMS.entries["producer"].file)
    assert len(PdfReader(BytesIO(FORMS.fill("producer", PRODUCER))).pages) == len(empty.pages)
