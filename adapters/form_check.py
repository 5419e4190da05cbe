"""The automatic check of a filled agreement form, place by place.

It never refuses: each place of the checklist gets a finding, and a person decides. Findings never
repeat what was typed, since it may be a personnummer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from adapters.pdf_forms import FieldEntry, FilledForm, Forms
from domain.agreements import PlaceFinding
from domain.bad_value import BadValue
from domain.fields import Email, OrgNumberField, Phone
from domain.organisations import PERSONAL_NUMBER
from domain.text import Text

IN_ORDER = Text(sv="Ifyllt.", en="Filled in.")
NOT_READ = Text(
    sv="Stället kan inte läsas i en annan blankett; läs det för hand.",
    en="The place cannot be read in another form; read it by hand.",
)
# Unlike what is typed in a step, the document itself is kept as it came in.
KEPT = Text(
    sv="I fältet för organisationsnummer står det som ser ut som ett personnummer. "
    "Lämna tillbaka avtalet och be om ett formulär med organisationens nummer.",
    en="The field for the organisation number holds what looks like a personal identity number. "
    "Return the agreement and ask for a form with the number of the organisation.",
)
TYPED: dict[str, TypeAdapter[str]] = {
    "org_number": TypeAdapter(OrgNumberField),
    "email": TypeAdapter(Email),
    "phone": TypeAdapter(Phone),
}


@dataclass(frozen=True)
class Expected:
    """What a form is held against: the policy's template, and what the case says.

    `a3` and `a4` are the declared categories that the processing agreement must cover.
    """

    kind: str
    template_id: str
    template_version: str
    organisation: str
    org_number: str
    a3: tuple[str, ...] = ()
    a4: tuple[str, ...] = ()


def check(forms: Forms, form: FilledForm, expected: Expected) -> dict[str, PlaceFinding]:
    """Return a finding for every place of the kind, in the order of `forms.yaml`.

    Raises:
        KeyError: no form of this kind.
    """
    findings = {}
    for place, entry in forms.entries[expected.kind].places.items():
        if place == "template":
            problems = list(_template_problems(forms, form, expected))
        elif form.template_id != expected.template_id:
            problems = [NOT_READ]
        else:
            problems = list(_field_problems(entry.fields, form.fields))
            problems += _differences(place, form.fields, expected)
        said = problems or [IN_ORDER]
        findings[place] = PlaceFinding(
            place=place,
            ok=not problems,
            sv=" ".join(text.sv for text in said),
            en=" ".join(text.en for text in said),
        )
    return findings


def _template_problems(forms: Forms, form: FilledForm, expected: Expected) -> Iterator[Text]:
    right = f"{expected.template_id} {expected.template_version}"
    if form.template_id != expected.template_id:
        other = _ours(forms, form.template_id)
        yield Text(
            sv=f"Det här är {other.sv if other else 'inte Lantmäteriets blankett'}. "
            f"Använd {right}, som hämtas i ärendet.",
            en=f"This is {other.en if other else 'not a form of Lantmäteriet'}. "
            f"Use {right}, fetched from the case.",
        )
    elif form.template_version != expected.template_version:
        typed = form.template_version
        version = typed if re.fullmatch(r"[0-9.]{1,10}", typed) else "?"
        yield Text(
            sv=f"Blanketten har version {version}. Använd {right}, som hämtas i ärendet.",
            en=f"The form is of version {version}. Use {right}, fetched from the case.",
        )


def _ours(forms: Forms, template_id: str) -> Text | None:
    """Name another form of ours, for one that was sent in by mistake."""
    if any(entry.template_id == template_id for entry in forms.entries.values()):
        return Text(sv=f"blanketten {template_id}", en=f"the form {template_id}")
    return None


def _field_problems(entries: Mapping[str, FieldEntry], fields: Mapping[str, str]) -> Iterator[Text]:
    """Yield what is required and empty, and what is not well formed."""
    for name, entry in entries.items():
        value = fields.get(name, "")
        if value:
            yield from _malformed(name, entry, value)
        elif entry.required:
            yield Text(sv=f"{entry.sv} saknas.", en=f"{entry.en} is missing.")


def _malformed(name: str, entry: FieldEntry, value: str) -> Iterator[Text]:
    rule = TYPED.get(name.rpartition(".")[2])
    try:
        if rule:
            rule.validate_python(value)
    except ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        if isinstance(cause, BadValue):
            yield KEPT if cause.text == PERSONAL_NUMBER else cause.text
        else:
            yield Text(sv=f"{entry.sv} är inte rätt skrivet.", en=f"{entry.en} is not well formed.")


def _differences(place: str, fields: Mapping[str, str], expected: Expected) -> Iterator[Text]:
    """Yield where a place says something else than the case does."""
    if place == "p.1":
        yield from _party_differences(fields, expected)
    for declared, part in ((expected.a3, "A3"), (expected.a4, "A4")):
        missing = _uncovered(fields.get(f"{part}.categories", ""), declared)
        if place == part and missing:
            names = ", ".join(missing)
            yield Text(
                sv=f"Anmälda kategorier saknas i {part}: {names}.",
                en=f"Declared categories are missing in {part}: {names}.",
            )


def _party_differences(fields: Mapping[str, str], expected: Expected) -> Iterator[Text]:
    number, name = fields.get("p1.org_number", ""), fields.get("p1.organisation", "")
    if number and _digits(number) != _digits(expected.org_number):
        yield Text(
            sv=f"Organisationsnumret är inte ärendets, {expected.org_number}.",
            en=f"The organisation number is not that of the case, {expected.org_number}.",
        )
    if name and _plain(name) != _plain(expected.organisation):
        yield Text(
            sv=f"Organisationen är inte ärendets, {expected.organisation}.",
            en=f"The organisation is not that of the case, {expected.organisation}.",
        )


def _uncovered(text: str, declared: tuple[str, ...]) -> list[str]:
    """Return the declared categories that a list, one a line or parted by commas, lacks."""
    written = {_plain(part) for part in re.split(r"[\n,;•]", text)}
    return [category for category in declared if _plain(category) not in written]


def _digits(number: str) -> str:
    """Return the ten digits, without the century prefix 16 of the twelve-digit form."""
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^16(?=\d{10}$)", "", digits)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")
