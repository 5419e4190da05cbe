"""What is looked up near at hand: the organisation registers and the forms that came in."""

import asyncio

import asyncpg
from pydantic import BaseModel
from temporalio import activity

from adapters.form_check import Expected, check
from adapters.organisation_registers import OrganisationRegisters
from adapters.pdf_forms import Forms, read
from domain.agreements import FormChecked, PlaceFinding
from domain.case import Kind, OrganisationLookedUp
from domain.organisations import why_a_person
from records import documents
from records.errors import UnknownDocumentError

NO_DOCUMENT = PlaceFinding(
    place="template",
    ok=False,
    sv="Det angivna formuläret finns inte bland dokumenten. Lämna in det på nytt.",
    en="The form that was named is not among the documents. Hand it in again.",
)

NO_FIELDS = PlaceFinding(
    place="template",
    ok=False,
    sv="Det angivna formuläret har inga ifyllbara fält: en inskanning, eller inte Lantmäteriets "
    "blankett. Läs varje ställe för hand.",
    en="The form that was named has no fields to fill in: a scan, or not a form of Lantmäteriet. "
    "Read each place by hand.",
)


class LookUpInput(BaseModel):
    """The number to look up."""

    org_number: str


class FormInput(BaseModel):
    """A filled form that came in, and what it is compared with."""

    kind: Kind
    form: str
    org_number: str
    organisation_name: str
    template_id: str
    template_version: str
    a3: tuple[str, ...] = ()
    a4: tuple[str, ...] = ()


class LookUps:
    """What is looked up without leaving the house."""

    def __init__(self, registers: OrganisationRegisters, forms: Forms, pool: asyncpg.Pool) -> None:
        self._registers = registers
        self._forms = forms
        self._pool = pool

    @activity.defn
    async def look_up_organisation(self, wanted: LookUpInput) -> OrganisationLookedUp:
        """Look a number up in the registers of municipalities and state agencies."""
        entry = self._registers.look_up(wanted.org_number)
        if entry is None:
            return OrganisationLookedUp(needs_person=why_a_person(wanted.org_number))
        return OrganisationLookedUp(
            name=entry.name, kind=entry.kind, municipality_code=entry.municipality_code
        )

    @activity.defn
    async def check_form(self, wanted: FormInput) -> FormChecked:
        """Read a filled form place by place. It only reports; a person decides."""
        try:
            data = await documents.read(self._pool, wanted.form)
        except UnknownDocumentError:
            return FormChecked(kind=wanted.kind, form=wanted.form, findings=(NO_DOCUMENT,))
        form = await asyncio.to_thread(read, data)
        if form is None:
            return FormChecked(kind=wanted.kind, form=wanted.form, findings=(NO_FIELDS,))
        expected = Expected(
            kind=wanted.kind,
            template_id=wanted.template_id,
            template_version=wanted.template_version,
            organisation=wanted.organisation_name,
            org_number=wanted.org_number,
            a3=wanted.a3,
            a4=wanted.a4,
        )
        findings = check(self._forms, form, expected)
        return FormChecked(kind=wanted.kind, form=wanted.form, findings=tuple(findings.values()))
