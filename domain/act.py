"""Who does what: actors, their requests, and the answers they get."""

from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.text import Text


class Role(StrEnum):
    """What a person may be in a case (`docs/glossary.md`)."""

    PRODUCER_CONTACT = "producer_contact"
    PRODUCER_DEPUTY = "producer_deputy"
    PRODUCER_MEMBER = "producer_member"
    AGENT_CONTACT = "agent_contact"
    CASE_HANDLER = "case_handler"
    DECIDER = "decider"
    SIGNATORY = "signatory"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM = "system"


CONTACT = frozenset({Role.PRODUCER_CONTACT, Role.PRODUCER_DEPUTY})
HANDLER = frozenset({Role.CASE_HANDLER})
DECIDER = frozenset({Role.DECIDER})
SIGNATORY = frozenset({Role.SIGNATORY})
OPERATOR = frozenset({Role.OPERATOR})


class Actor(BaseModel):
    """The person (or program) behind a step, kept with what it caused.

    `on_behalf_of`, `basis` and `arrival_date` are for a case handler who enters what came by
    post: whose step it is, on what ground, and the day it reached the authority (FL 22 §).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    subject: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    role: Role
    organisation: str | None = None
    on_behalf_of: str | None = Field(default=None, max_length=200)
    basis: str | None = Field(default=None, max_length=500)
    arrival_date: date | None = None


class StepRequest(BaseModel):
    """The one argument of every update and signal."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    request_id: str = Field(min_length=1, max_length=200)
    actor: Actor
    payload: dict[str, Any] = Field(default_factory=dict)


class Refusal(BaseModel):
    """Why a step was not taken, and what is open instead.

    `code` is one of `bad_payload`, `not_allowed`, `not_now`, `unknown_step`, `basis_required`,
    `biased`, `in_the_future`, `reused_request_id`, or a code of the step's own rule. `field` says
    where; `stage` stands where a step is too early or too late.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    text: Text
    field: str | None = None
    stage: str | None = None
    open_steps: list[str] = Field(default_factory=list)


class Problem(BaseModel):
    """One thing wrong with what was typed: where, what, and what to do."""

    model_config = ConfigDict(frozen=True)

    field: str
    code: str
    text: Text


def refuse(code: str, sv: str, en: str, field: str | None = None) -> Refusal:
    """Make a refusal with its text in Swedish and English."""
    return Refusal(code=code, text=Text(sv=sv, en=en), field=field)
