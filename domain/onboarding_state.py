"""What an onboarding knows about itself, and what its parts say to it."""

from pydantic import Field

from domain.agreement_state import agreement_id
from domain.case import Appeal, CaseState, Kind, PartEnded
from domain.machine import Content


def onboarding_id(org_number: str) -> str:
    """Workflow id of an organisation's onboarding."""
    return f"onboarding/{org_number}"


class Withdrawn(Content):
    """An agreement that was being registered has been ended in the register."""

    kind: Kind


class DatasetEnded(PartEnded):
    """A part has ended; an appeal that was not settled goes on with the new decision."""

    appeal: Appeal | None = None


class DatasetConnected(Content):
    """One of the data sets has been connected."""

    ref: str


class OnboardingState(CaseState):
    """Everything about one producer's onboarding."""

    type: str = "ProducerOnboarding"
    stage: str = "intake"
    unregistered: list[str] = Field(default_factory=list)
    pending_appeals: dict[str, Appeal] = Field(default_factory=dict)
    last_outcome: str | None = None
    is_agreement_kept: bool = False

    @property
    def agreement_ref(self) -> str | None:
        """The agreement, once it is in force."""
        part = self.parts.get(agreement_id(self.org_number))
        return part.ref if part is not None and not part.ended else None
