"""The policy: data sets, deadlines, checklists and templates, as one versioned, validated model.

A running workflow keeps the policy it was started with and takes the newer one when it continues
as new. No figure of the process stands anywhere else.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

AgentKind = Literal["municipality", "state_agency", "unknown", "sole_trader"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetPolicy(_Part):
    """A data set of the platform: its name, specification, and who may deliver it."""

    name: str
    specification: str
    search_version: str
    delivered_by: tuple[Literal["municipality", "state_agency"], ...]
    accepts_test_delivery_by_itself: bool = True
    apis: tuple[str, ...] = ("NGP Uppdatering", "NGP Uppladdning")


class WaitPolicy(_Part):
    """When somebody who is awaited is reminded, and when a handler is told.

    Days are calendar days from the beginning of the wait; `working_days` is Lantmäteriet's own
    time, after which all handlers are told. `before_due_days` counts back from a given day.
    """

    remind_days: tuple[int, ...] = ()
    handler_days: int | None = None
    working_days: int | None = None
    before_due_days: int | None = None


class TemplatePolicy(_Part):
    """An agreement form that is accepted, and the places a handler answers for it."""

    template_id: str
    version: str
    places: tuple[str, ...]


class LimitPolicy(_Part):
    """How large an uploaded document may be."""

    document_bytes: int = 10_000_000
    document_pages: int = 200


class ReconciliationPolicy(_Part):
    """When a run of the reconciliation looks again, and when it asks before it cuts.

    It asks when there are more cuts than `most_cuts`, or than `most_cuts_percent` of all keys,
    permissions and people that stand; `few_cuts` are never asked about. Without an answer within
    `hours_to_answer` nothing is cut.
    """

    minutes_between_looks: int = 10
    most_cuts: int = 20
    most_cuts_percent: int = 5
    few_cuts: int = 3
    hours_to_answer: int = 24


class Policy(_Part):
    """The whole policy, as read from `policy/policy.yaml`."""

    version: int
    datasets: dict[str, DatasetPolicy]
    waiting: dict[str, WaitPolicy]
    agreements: dict[Literal["producer", "processing"], TemplatePolicy]
    completion_days: int = 14
    hearing_days: int = 14
    appeal_weeks: int = 3
    request_decision_months: int = 6
    decision_on_request_weeks: int = 4
    key_offer_days: int = 7
    key_rotation_days: int = 365
    key_overlap_days: int = 14
    key_overlap_tell_days: int = 7
    unexplained_days: int = 3
    confirm_access_days: int = 365
    confirm_access_answer_days: int = 30
    appointment_reminder_days: tuple[int, ...] = (30, 14, 1)
    agents_approved: tuple[AgentKind, ...] = ("unknown", "sole_trader")
    outcome_unknown_seconds: int = 30
    skip_hearing_reasons: tuple[str, ...] = Field(
        default=("FL25_1", "FL25_2", "FL25_3", "full_grant"), min_length=1
    )
    limits: LimitPolicy = LimitPolicy()
    reconciliation: ReconciliationPolicy = ReconciliationPolicy()
    mailboxes: dict[str, str]
    continue_as_new_acts: int = 500

    def told(self) -> dict[str, str]:
        """Return the numbers of days and weeks that mails mention, by their placeholders."""
        return {
            "appeal_weeks": str(self.appeal_weeks),
            "request_weeks": str(self.decision_on_request_weeks),
            "offer_days": str(self.key_offer_days),
            "unexplained_days": str(self.unexplained_days),
            "answer_days": str(self.confirm_access_answer_days),
            "answer_hours": str(self.reconciliation.hours_to_answer),
        }

    @model_validator(mode="after")
    def _knows_what_it_names(self) -> "Policy":
        missing = {"case_handler", "decider", "signatory"} - self.mailboxes.keys()
        if missing:
            raise ValueError(f"mailboxes lack {', '.join(sorted(missing))}")
        return self
