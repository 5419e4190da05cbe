"""What a producer declares about a data set, and what the authority decides about it."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, model_validator

from domain.act import Problem
from domain.bad_value import BadValue
from domain.fields import Email, FreeText, HttpsUrl, Name
from domain.machine import Payload
from domain.policy import Policy
from domain.text import Text


class PersonalData(StrEnum):
    """Whether a data set holds personal data. `unknown` must be resolved before signing."""

    DECLARED = "declared"
    NONE = "none"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """Who delivers: the producer itself, an agent, or both."""

    OWN = "own"
    AGENT = "agent"
    BOTH = "both"


class Hosting(StrEnum):
    """Where the data lie: at Lantmäteriet as data host, or behind the producer's own API."""

    DATA_HOST = "data_host"
    OWN_API = "own_api"


class Ground(StrEnum):
    """Ground of a purpose assessment: lag (2000:224) 2 §, or that none is needed."""

    NONE_NEEDED = "none_needed"
    P1A = "P1a"
    P1B = "P1b"
    P1C = "P1c"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"
    P6 = "P6"
    P7 = "P7"


class InformationOwner(Payload):
    """The person who answers for a data set's content."""

    name: Name
    email: Email


def categories_missing() -> BadValue:
    """Return the error of a data set with personal data that does not say which."""
    return BadValue(
        "categories_missing",
        Text(
            sv="Ange vilka personuppgifter (A3) och vilka registrerade (A4) det gäller.",
            en="Say which personal data (A3) and whose (A4) the data set holds.",
        ),
    )


class Declaration(Payload):
    """Everything the producer says about one data set; given once, never asked again."""

    dataset_id: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9_-]+$")
    information_owner: InformationOwner
    support_email: Email
    personal_data: PersonalData
    a3: tuple[FreeText, ...] = ()
    a4: tuple[FreeText, ...] = ()
    delivery: Delivery = Delivery.OWN
    hosting: Hosting | None = None
    base_url: HttpsUrl | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.personal_data is PersonalData.DECLARED and not (self.a3 and self.a4):
            raise categories_missing()
        if self.delivery is not Delivery.AGENT and self.hosting is None:
            raise BadValue(
                "hosting_missing",
                Text(
                    sv="Ange var data ska ligga (hosting): data_host eller own_api.",
                    en="Say where the data will lie (hosting): data_host or own_api.",
                ),
            )
        if self.hosting is Hosting.OWN_API and self.base_url is None:
            raise BadValue(
                "base_url_missing",
                Text(
                    sv="Ange adressen till ert API (base_url), den ska börja med https://.",
                    en="Give the address of your API (base_url), beginning with https://.",
                ),
            )
        return self


FULL_GRANT = 2


class DatasetDecision(Payload):
    """What is decided, or proposed, for one data set."""

    dataset_id: str
    granted: bool
    ground: Ground | None = None
    conditions: FreeText = ""

    @property
    def rank(self) -> int:
        """How good it is for the party: 2 granted, 1 with conditions, 0 denied."""
        if not self.granted:
            return 0
        return 1 if self.conditions else FULL_GRANT


class Dataset(BaseModel):
    """A declared data set within a case, and what became of it."""

    declaration: Declaration
    decision: DatasetDecision | None = None
    ref: str | None = None
    outcome: str | None = None


def declaration_problems(
    declarations: tuple[Declaration, ...], policy: Policy, kind: str | None
) -> list[Problem]:
    """Check declarations against the policy; `kind` is the producer's, None when not known."""
    problems = []
    seen: set[str] = set()
    for index, declaration in enumerate(declarations):
        where, dataset_id = f"datasets.{index}.dataset_id", declaration.dataset_id
        known = policy.datasets.get(dataset_id)
        if known is None:
            names = ", ".join(policy.datasets)
            problems.append(
                _problem(
                    where,
                    "unknown_dataset",
                    f"Datamängden {dataset_id} finns inte. Välj en av: {names}.",
                    f"There is no data set {dataset_id}. Choose one of: {names}.",
                )
            )
        elif kind in {"municipality", "state_agency"} and kind not in known.delivered_by:
            problems.append(
                _problem(
                    where,
                    "not_your_dataset",
                    f"{known.name} levereras inte av er slags organisation.",
                    f"{known.name} is not delivered by your kind of organisation.",
                )
            )
        if dataset_id in seen:
            problems.append(
                _problem(
                    where,
                    "same_dataset_twice",
                    f"Datamängden {dataset_id} står två gånger. Ta bort den ena.",
                    f"The data set {dataset_id} stands twice. Remove one.",
                )
            )
        seen.add(dataset_id)
    return problems


def _problem(field: str, code: str, sv: str, en: str) -> Problem:
    return Problem(field=field, code=code, text=Text(sv=sv, en=en))
