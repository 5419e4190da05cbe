"""What the connection of a data set knows about itself."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from domain.act import Actor
from domain.adopted import Adopted, AdoptedDelivery
from domain.agreement_state import CategoriesCovered, Covered, Standing
from domain.case import Appeal, CaseState, Decision, Organisation, Review
from domain.datasets import Dataset, Declaration, PersonalData
from domain.machine import Content
from domain.policy import Policy
from domain.state import Person

TAKES_AGENTS = frozenset({"connecting", "connected"})
ENDS_CHANGE = frozenset({"withdrawn", "closed", "denied", "dismissed"})


def dataset_id(org_number: str, dataset: str) -> str:
    """Workflow id of an organisation's connection of one data set."""
    return f"dataset/{org_number}/{dataset}"


class ConnectionState(CaseState):
    """Everything about one data set's connection.

    `standing` is what the agreement said when the data set enrolled there, `covered_since` what it
    has said since while that answer was still on its way. `agreement_until` is the agreement's end
    once notice has been given. `before` is the data set as it was while a changed declaration is
    examined, which began `changed_on`: delivery goes on under it.
    """

    type: str = "DatasetConnection"
    stage: str = "intake"
    dataset_id: str = ""
    opened_by: str | None = None
    is_by_authority: bool = False
    standing: Standing | None = None
    covered_since: CategoriesCovered | None = None
    before: Dataset | None = None
    changed_on: date | None = None
    is_enrolled: bool = False
    is_agreement_missing: bool = False
    is_ready_told: bool = False
    is_own_begun: bool = False
    last_day: date | None = None
    agreement_until: datetime | None = None
    has_been_connected: bool = False
    owner_email: str | None = None
    owner_account: str | None = None
    is_owner_gone: bool = False
    active: list[str] = Field(default_factory=list)
    adopted_delivery: AdoptedDelivery | None = None

    @property
    def is_case(self) -> bool:
        """A connected data set is an entity: the everyday steps are closed."""
        return not self.is_ending and self.stage != "connected"

    @property
    def is_alone(self) -> bool:
        """Whether it was opened by itself, under an agreement in force."""
        return self.owner is None and self.is_opened

    @property
    def examining_stage(self) -> str:
        """A data set alone is examined in `assessment`."""
        return "assessment"

    @property
    def dataset(self) -> Dataset:
        """The one data set."""
        return self.datasets[self.dataset_id]

    @property
    def declaration(self) -> Declaration:
        """The data set as it is declared (a change that is examined included)."""
        return self.dataset.declaration

    def not_covered(self, which: str) -> tuple[str, ...]:
        """Return the declared A3 or A4 categories that no signed agreement covers."""
        if self.dataset_id not in self.datasets:
            return ()
        if self.declaration.personal_data is not PersonalData.DECLARED:
            return ()
        signed = getattr(self.standing, which) if self.standing else ()
        return tuple(c for c in getattr(self.declaration, which) if c not in signed)

    @property
    def difference(self) -> dict[str, tuple[str, ...]]:
        """What a supplement must add, by A3 and A4; empty when nothing is lacking."""
        found = {which: self.not_covered(which) for which in ("a3", "a4")}
        return {which: lacking for which, lacking in found.items() if lacking}

    def derived(self) -> dict[str, Any]:
        """Return what a supplement must add."""
        return {"difference": {w: list(lacking) for w, lacking in self.difference.items()}}

    def is_decided(self, policy: Policy) -> bool:
        """Whether a decision in force covers the data set as it is declared."""
        known: Covered | None = None
        if self.standing is not None:
            known = self.standing.granted.get(self.dataset_id)
        specification = policy.datasets[self.dataset_id].specification
        return known is not None and known.covers(self.declaration, specification)

    @property
    def agreement_ref(self) -> str | None:
        """The agreement that the data set is enrolled at."""
        return f"agreement/{self.org_number}" if self.is_enrolled else None

    def is_mine(self, actor: Actor) -> bool:
        """Whether it is the contact's; until the agreement has said who that is, the opener's."""
        if self.standing is None and self.contact is None:
            return actor.subject == self.opened_by
        return super().is_mine(actor)

    def as_described(self, declaration: Declaration) -> Declaration:
        """While a change is examined delivery goes on: how is `change_delivery`'s to say."""
        if self.before is None:
            return declaration
        kept = ("delivery", "hosting", "base_url")
        as_is = {name: getattr(self.declaration, name) for name in kept}
        return declaration.model_copy(update=as_is)

    @property
    def undecided_since(self) -> date | None:
        """Since when a decision is asked for: a change is a matter of its own (FL 12 §)."""
        return self.changed_on or super().undecided_since

    def begin_round(self, changed_on: date | None) -> None:
        """Begin the examination of a change that came on a day, or leave it behind with None."""
        self.changed_on, self.decisions_before = changed_on, len(self.decisions)
        self.decision_requested_at, self.decision_request_due = None, None
        self.decision_request_refused = False

    def end(self, outcome: str) -> None:
        """End; while a change is examined only the change ends, and delivery goes on as before."""
        if self.before is None or outcome not in ENDS_CHANGE:
            self.finish(outcome)
            return
        self.datasets[self.dataset_id] = self.before
        self.before, self.appeal, self.completion = None, None, None
        self.review = Review()
        if not all(each.countersigned_at for each in self.agreements.values()):
            self.agreements = {}  # else it is carried through: both have signed
        self.stage = "connected"
        self.unpark()
        self.begin_round(None)

    def finish(self, outcome: str) -> None:
        """Begin the clean-up of the whole connection."""
        super().end(outcome)


class Begin(Content):
    """What the onboarding says when it starts a connection."""

    owner: str
    org_number: str
    organisation: Organisation
    case_number: str | None = None
    contact: Person | None = None
    deputy: Person | None = None
    handler: str | None = None
    biased: tuple[str, ...] = ()
    dataset: Dataset
    decision: Decision | None = None
    appeal: Appeal | None = None
    delivery: AdoptedDelivery | None = None
    adopted: Adopted | None = None
