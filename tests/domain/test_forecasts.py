"""What happens by itself in each of the rehearsals, where each stands before time is skipped."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.reconciliation_run import MACHINE as RECONCILIATION
from domain.view import forecast
from tests.domain.parts import (
    SYSTEM,
    active_agent,
    active_permission,
    agreement_in_force,
    begun_credential,
    begun_permission,
    enrolled_person,
    live_credential,
    opened_alone,
    standing,
)
from tests.domain.playing import CONTACT, DECIDER, HANDLER, Play, at_datasets, at_review, proposal

APPOINTED = "ends_soon 2027-01-30, ends_soon 2027-02-15, ends_soon 2027-02-28, expired 2027-03-01"
LAST_DAY = "2026-06-30"
UNTIL = "2026-06-30T22:00:00+00:00"


def _supplement() -> Play[Any]:
    play = opened_alone(personal_data="declared", a3=["namn"], a4=["fastighetsägare"])
    play.answer("enrolled", **standing())
    return play


def _leaving() -> Play[Any]:
    play = enrolled_person(active=True)
    play.take("schedule_departure", CONTACT, {"last_day": "2026-03-31"})
    return play


def _denied() -> Play[Any]:
    play = at_review()
    play.take("propose_decision", HANDLER, proposal(outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Enligt förslaget."})
    return play


def _under_notice() -> Play[Any]:
    play = agreement_in_force()
    play.take("give_notice", DECIDER, {"last_day": LAST_DAY, "reason": "Ny avtalsform."})
    return play


def _told_of_notice() -> Play[Any]:
    play = active_permission()
    play.answer("valid_until", source="agreement", until=UNTIL)
    return play


def _looked_once() -> Play[Any]:
    play = Play(RECONCILIATION, "reconciliation/on-demand")
    play.answer("begin")
    while play.state.looking:
        system, operation = next(iter(play.state.looking.items()))
        play.answer("looked", look=1, system=system, operation=operation)
    counted = {"found": {}, "to_tell": 1, "cuts": 1, "tasks": 0, "granted": 40}
    play.answer("compared", look=1, only_reports=False, **counted)
    return play


def _adopted() -> Play[Any]:
    adopted = {"actor": SYSTEM.model_dump(mode="json"), "basis": "arkiv 7"}
    delivery = {
        "adopted": adopted,
        "system_account": "adop1234",
        "applications": {"production": "app-9"},
        "valid_until": UNTIL,
    }
    return begun_permission(delivery=delivery)


@pytest.mark.parametrize(("play", "expected"), [
    pytest.param(_supplement,
        "remind 2026-03-09, remind 2026-03-16, tell_handler 2026-04-01", id="adding-dataset"),
    pytest.param(active_agent, APPOINTED, id="agent"),
    pytest.param(_leaving, "remind 2026-03-23, left 2026-03-31", id="departure"),
    pytest.param(at_datasets, "", id="outage"),
    pytest.param(lambda: begun_credential("production"), "", id="outage, the key"),
    pytest.param(_denied, "legal_force 2026-03-23", id="appeal"),
    pytest.param(live_credential,
        "rotation_due 2027-03-02, rotation_slow 2027-03-09, overlap_over 2027-03-16",
        id="rotation"),
    pytest.param(_looked_once, "second_look_due 2026-03-02", id="reconciliation"),
    pytest.param(_under_notice, "notice_over 2026-06-30", id="notice"),
    pytest.param(_told_of_notice, "expired 2026-06-30", id="notice, the right"),
    pytest.param(_adopted, "expired 2026-06-30", id="adopted"),
])  # fmt: skip
def test_a_forecast_says_what_happens_by_itself(
    play: Callable[[], Play[Any]], expected: str
) -> None:
    """All of it and nothing else, within 400 days, each on its day."""
    played = play()
    rows = forecast(played.machine, played.state, played.moment, 400)

    assert ", ".join(f"{row['what']} {row['at'][:10]}" for row in rows) == expected
