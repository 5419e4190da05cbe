"""What an agreement in force knows about itself, and what rests on it."""

from collections.abc import Mapping
from datetime import date, datetime

from pydantic import BaseModel, Field

from domain.adopted import Adopted
from domain.case import Agreement, Kind, Organisation
from domain.datasets import Declaration, PersonalData
from domain.machine import Content, Payload
from domain.policy import Policy
from domain.state import Person
from domain.yearly import YearlyConfirmed

APPOINTMENT = "AgentAppointment"
CONNECTION = "DatasetConnection"


def agreement_id(org_number: str) -> str:
    """Workflow id of an organisation's agreement."""
    return f"agreement/{org_number}"


class Covered(BaseModel):
    """A data set that a decision in force covers: as it was declared when it was decided."""

    dataset_id: str
    specification: str
    personal_data: PersonalData
    a3: tuple[str, ...] = ()
    a4: tuple[str, ...] = ()
    decided_on: date | None = None

    def covers(self, declaration: Declaration, specification: str) -> bool:
        """Whether nothing is declared that was not before the decider."""
        if self.specification != specification:
            return False
        if declaration.personal_data is PersonalData.NONE:
            return True
        return set(declaration.a3) <= set(self.a3) and set(declaration.a4) <= set(self.a4)


def covered_by(declaration: Declaration, policy: Policy, decided_on: date) -> Covered:
    """Return what a grant of a declaration covers."""
    return Covered(
        dataset_id=declaration.dataset_id,
        specification=policy.datasets[declaration.dataset_id].specification,
        personal_data=declaration.personal_data,
        a3=declaration.a3,
        a4=declaration.a4,
        decided_on=decided_on,
    )


class RegisterDiffers(Content):
    """What the register says otherwise of one kind: `why` is a code of the texts' `reasons`.

    `registered_from` is the day from which it is in force there, where that is what differs.
    """

    kind: Kind
    why: str
    valid_from: date
    registered_from: date | None = None


class AgreementState(YearlyConfirmed):
    """Everything about one producer's agreement.

    `supplements` widen what the processing agreement covers (A3 and A4). `granted` are the data
    sets that a decision in force covers. The yearly confirmation counts from `confirmed_at`.
    """

    type: str = "ProducerAgreement"
    stage: str = "in_force"
    supplements: list[Agreement] = Field(default_factory=list)
    granted: dict[str, Covered] = Field(default_factory=dict)
    last_day: date | None = None
    notice_by_producer: bool = False
    confirmed_at: datetime | None = None
    register_findings: dict[Kind, RegisterDiffers] = Field(default_factory=dict)
    is_registration_sought: bool = False
    closed_in_register: list[str] = Field(default_factory=list)

    @property
    def is_case(self) -> bool:
        """An agreement is an entity."""
        return False

    @property
    def processing(self) -> Agreement | None:
        """The data processing agreement, where there is one."""
        return self.agreements.get(Kind.PROCESSING)

    def categories(self, which: str) -> tuple[str, ...]:
        """Return the A3 or A4 categories that the signed agreements cover, each once."""
        signed = [*([self.processing] if self.processing else []), *self.supplements]
        return tuple(dict.fromkeys(c for each in signed for c in getattr(each, which)))


class Begin(Content):
    """What the onboarding says when the agreement comes into force."""

    owner: str | None = None
    org_number: str
    organisation_name: str
    organisation: Organisation | None = None
    case_number: str | None = None
    contact: Person | None = None
    deputy: Person | None = None
    agreements: dict[str, Agreement]
    granted: dict[str, Covered] = Field(default_factory=dict)
    adopted: Adopted | None = None


class Enrol(Payload):
    """Something that will rest on this."""

    ref: str
    type: str
    item: str = ""


class CategoriesCovered(Content):
    """Which categories the signed agreements cover, and the processing agreement among them.

    `processing_key` is its document, `processing_registration` the register's own key of it.
    """

    a3: tuple[str, ...] = ()
    a4: tuple[str, ...] = ()
    processing_key: str | None = None
    processing_registration: str | None = None


class ValidUntil(Content):
    """The agreement says until when it carries; None when it no longer sets an end."""

    source: str
    until: datetime | None = None


class Standing(CategoriesCovered):
    """What an agreement tells those who enrol at it; nothing but `accepted` when it refuses."""

    accepted: bool
    organisation: Organisation | None = None
    organisation_name: str = ""
    contact: Person | None = None
    deputy: Person | None = None
    granted: dict[str, Covered] = Field(default_factory=dict)


def covered(agreement: AgreementState) -> CategoriesCovered:
    """Return what the signed agreements cover by now."""
    processing = agreement.processing
    return CategoriesCovered(
        a3=agreement.categories("a3"),
        a4=agreement.categories("a4"),
        processing_key=processing.document if processing else None,
        processing_registration=processing.registration if processing else None,
    )


def tell_covered(agreement: AgreementState) -> None:
    """Tell the data sets under the agreement what is covered by now."""
    for part in agreement.open_parts():
        if part.type == CONNECTION:
            agreement.tell(part.ref, "covered", covered(agreement).model_dump(mode="json"))


def standing(state: Mapping[str, object]) -> Standing:
    """Return what the state of an agreement means for those who enrol at it."""
    agreement = AgreementState.model_validate(state)
    return Standing(
        accepted=True,
        organisation=agreement.organisation,
        organisation_name=agreement.organisation_name,
        contact=agreement.contact,
        deputy=agreement.deputy,
        granted=agreement.granted,
        **dict(covered(agreement)),
    )
