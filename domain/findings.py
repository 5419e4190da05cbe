"""What the reconciliation finds: its kinds, what weighs, and what is told whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from domain.state import System


class FindingKind(StrEnum):
    """What differs."""

    NOT_ENTITLED = "not_entitled"
    KEY_MISSING = "key_missing"
    ACCOUNT_ON = "account_found_on"
    ACCOUNT_OFF = "account_found_off"
    SYSTEM_ACCOUNT_ON = "system_account_on"
    REGISTER_DIFFERS = "register_differs"
    REGISTER_AGREES = "register_agrees"
    STILL_IN_REGISTER = "still_in_register"
    UNKNOWN_AGREEMENT = "unknown_agreement"
    DOUBLED_APPLICATION = "doubled_application"
    FOREIGN_APPLICATION = "foreign_application"


# What takes something from somebody who has it, or gives a new key in its place: when there are
# many of these at once, an answer from outside is likelier to be wrong than all of them right.
CUTS: Final = frozenset(
    {
        FindingKind.NOT_ENTITLED,
        FindingKind.KEY_MISSING,
        FindingKind.ACCOUNT_ON,
        FindingKind.ACCOUNT_OFF,
        FindingKind.SYSTEM_ACCOUNT_ON,
    }
)
# What no workflow can mend: a case handler reads of it.
TASKS: Final = frozenset(
    {
        FindingKind.STILL_IN_REGISTER,
        FindingKind.UNKNOWN_AGREEMENT,
        FindingKind.DOUBLED_APPLICATION,
    }
)


class Finding(BaseModel):
    """One difference.

    `ref` is the workflow it concerns, `item` the outside system's own id of the thing, `facts` what
    a person needs to see. `rests_on` is the workflow that must not be alive for a cut to be right.
    """

    model_config = ConfigDict(frozen=True)

    kind: FindingKind
    system: System
    ref: str = ""
    item: str = ""
    facts: dict[str, str] = Field(default_factory=dict)
    rests_on: str | None = None

    @property
    def is_cut(self) -> bool:
        """Whether it counts towards the limit of one run."""
        return self.kind in CUTS

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What is the same in two looks."""
        return self.kind, self.system, self.ref, self.item


@dataclass(frozen=True)
class Word:
    """What a finding says to the workflow it concerns.

    `starts` is the workflow's type where it may be closed and is then started again.
    """

    what: str
    content: Mapping[str, object]
    starts: str | None = None


def word_of(finding: Finding) -> Word | None:
    """Return what is told; None for what is only listed."""
    match finding.kind:
        case FindingKind.NOT_ENTITLED:
            return Word("end", {"outcome": "not_entitled"}, "Credential")
        case FindingKind.SYSTEM_ACCOUNT_ON:
            return Word("end", {"outcome": "not_entitled"}, "Permission")
        case FindingKind.ACCOUNT_ON:
            return Word(finding.kind, {}, "PersonAccess")
        case FindingKind.KEY_MISSING | FindingKind.ACCOUNT_OFF:
            return Word(finding.kind, {})
        case FindingKind.REGISTER_DIFFERS | FindingKind.REGISTER_AGREES:
            return Word(finding.kind, finding.facts)
        case _:
            return None
