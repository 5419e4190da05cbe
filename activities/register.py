"""Agreements in the agreement register."""

from datetime import date

from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside
from adapters.agreement_register import AgreementRegister
from domain.case import Kind
from domain.countersigning import AgreementRegistered
from domain.onboarding_state import Withdrawn
from domain.producer_agreement import ClosedInRegister
from domain.registration import Registration, RegistrationsFound


class RegistrationInput(BaseModel):
    """An agreement to register; `document` is the hash of the signed document.

    `supplements` is the document of the agreement in force that this one widens, and
    `supplements_key` the register's key of it where that is not ours.
    """

    org_number: str
    kind: Kind
    template: str
    document: str
    valid_from: date
    supplements: str | None = None
    supplements_key: str | None = None


class ProducerInput(BaseModel):
    """The producer whose agreements are looked up."""

    org_number: str


class EndInput(BaseModel):
    """An agreement that has ended."""

    org_number: str
    kind: Kind
    key: str
    last_day: date


def registration_key(org_number: str, kind: str, document: str) -> str:
    """Return our key of an agreement in the register: one for each signed document."""
    return f"{org_number}-{kind}-{document[:16]}"


class Agreements:
    """What is done in the agreement register."""

    def __init__(self, register: AgreementRegister) -> None:
        self._register = register

    @activity.defn
    @calls_outside()
    async def register_agreement(self, wanted: RegistrationInput) -> AgreementRegistered:
        """Register a countersigned agreement as in force, or as supplement to the one that is."""
        if wanted.supplements is not None:
            ours = registration_key(wanted.org_number, wanted.kind, wanted.supplements)
            await self._register.supplement(
                key=wanted.supplements_key or ours,
                document_sha256=wanted.document,
                valid_from=wanted.valid_from,
            )
            return AgreementRegistered(kind=wanted.kind)
        await self._register.register(
            key=registration_key(wanted.org_number, wanted.kind, wanted.document),
            org_number=wanted.org_number,
            kind=wanted.kind,
            template=wanted.template,
            document_sha256=wanted.document,
            valid_from=wanted.valid_from,
        )
        return AgreementRegistered(kind=wanted.kind)

    @activity.defn
    @calls_outside()
    async def find_registrations(self, wanted: ProducerInput) -> RegistrationsFound:
        """Look up what the register holds as in force for a producer."""
        held = await self._register.in_force(wanted.org_number)
        return RegistrationsFound(
            registrations=tuple(
                Registration(
                    kind=Kind(each.kind),
                    key=each.key,
                    document=each.document_sha256,
                    valid_from=each.valid_from,
                )
                for each in held
            )
        )

    @activity.defn
    @calls_outside()
    async def end_agreement(self, wanted: EndInput) -> ClosedInRegister:
        """Let an agreement end in the register."""
        await self._register.end(wanted.key, wanted.last_day)
        return ClosedInRegister(kind=wanted.kind)

    @activity.defn
    @calls_outside()
    async def withdraw_registration(self, wanted: EndInput) -> Withdrawn:
        """End an agreement that may have been registered just before the case was withdrawn."""
        await self._register.end(wanted.key, wanted.last_day)
        return Withdrawn(kind=wanted.kind)
