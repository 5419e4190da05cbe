"""The policy as it is delivered against the deadlines of the process."""

import pytest

from domain.policy import WaitPolicy
from tests.domain.playing import POLICY

ASKED = WaitPolicy(remind_days=(7, 14), handler_days=30)
GIVEN = WaitPolicy(before_due_days=7)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (
            (
                "activate_account",
                "submit_agreement",
                "describe_dataset",
                "report_test_delivery",
                "accept_appointment",
                "name_contact",
                "name_agent",
            ),
            ASKED,
        ),
        (("completion", "hearing"), GIVEN),
        (("check_agreement", "approve_agent", "accept_test_delivery"), WaitPolicy(working_days=5)),
        (("review",), WaitPolicy(working_days=20)),
        (("countersign",), WaitPolicy(working_days=10)),
    ],
)
def test_whoever_is_awaited_is_reminded_as_the_process_says(
    rules: tuple[str, ...], wanted: WaitPolicy
) -> None:
    """Outer parties after 7 and 14 days, a handler told at 30; Lantmäteriet by working days."""
    assert {rule: POLICY.waiting[rule] for rule in rules} == dict.fromkeys(rules, wanted)


def test_the_other_deadlines_are_those_of_the_process() -> None:
    """Days to complete, to be heard, to appeal, to decide on request; keys; the yearly check."""
    wanted = {
        "completion_days": 14,
        "hearing_days": 14,
        "appeal_weeks": 3,
        "request_decision_months": 6,
        "decision_on_request_weeks": 4,
        "key_offer_days": 7,
        "key_rotation_days": 365,
        "key_overlap_days": 14,
        "key_overlap_tell_days": 7,
        "unexplained_days": 3,
        "confirm_access_days": 365,
        "confirm_access_answer_days": 30,
        "appointment_reminder_days": (30, 14, 1),
    }
    assert {name: getattr(POLICY, name) for name in wanted} == wanted
