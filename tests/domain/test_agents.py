from datetime import date, timedelta

import pytest

from domain.agent_appointment import MACHINE
from domain.appointment_state import AppointmentState
from domain.dates import midnight_after
from domain.permission import MACHINE as PERMISSION
from tests.domain.parts import (
    AGENT,
    AGENT_PERMISSION_ID,
    AGREEMENT_ID,
    ANNA,
    APPOINTMENT_ID,
    CONNECTION_ID,
    OLA,
    active_agent,
    appointment,
    proposed,
    standing,
)
from tests.domain.playing import CONTACT, HANDLER, MOLNDAL, NOON, Play, by_post

ENDS = midnight_after(date(2027, 3, 1))
EVA = {**ANNA, "name": "Eva Ombud", "email": "eva@konsult.example", "account_id": "acc-8"}


def test_enrols_then_finds_the_agents_organisation_and_person() -> None:
    """The agreement first; then the agent's own organisation and personal account."""
    play = Play(MACHINE, APPOINTMENT_ID)
    play.take("apply", CONTACT, appointment())
    assert play.wanted == ["enrol_at_agreement"]
    play.answer("enrolled", **standing())
    assert play.wanted == ["look_up_organisation", "find_or_create_person:agent_contact"]
    play.answer("organisation_looked_up", name="Konsult AB")
    assert "find_or_create_organisation" in play.wanted
    assert play.state.agent_kind == "unknown"
    assert play.state.organisation_of("agent_contact") == (AGENT, "Konsult AB")


def test_the_agents_own_contact_accepts_when_the_account_is_active() -> None:
    """Not before, and nobody else; then a handler approves where the policy asks for it."""
    play = proposed()
    assert play.waits == [("agent", "accept_appointment")]
    assert play.refused("accept_appointment", CONTACT).code == "not_allowed"
    other = OLA.model_copy(update={"organisation": MOLNDAL})
    assert play.refused("accept_appointment", other).code == "not_allowed"
    play.take("accept_appointment", OLA)
    assert (play.state.stage, play.waits) == ("accepted", [("case_handler", "approve_agent")])
    play.take("approve_agent", HANDLER)
    assert play.state.stage == "active"


def test_an_agent_of_a_known_kind_needs_no_approval() -> None:
    """A municipality or agency that delivers for another is active when it has accepted."""
    play = proposed()
    play.answer("organisation_looked_up", name="Kungsbacka kommun", kind="municipality")
    play.take("accept_appointment", OLA)
    assert play.state.stage == "active"


def test_an_own_permission_for_each_data_set_never_the_producers() -> None:
    """It is the agent's, enrols at the data set, and carries every end that is known."""
    play = active_agent(mandate={"document": "m", "valid_to": "2026-12-31"})
    begun = play.told("begin")[0]
    assert (begun.to, begun.starts) == (AGENT_PERMISSION_ID, "Permission")
    assert begun.content["party"] == AGENT
    assert begun.content["dataset_ref"] == CONNECTION_ID
    assert begun.content["holder"]["email"] == OLA.subject
    assert begun.content["limits"] == {
        "appointment": ENDS.isoformat(),
        "mandate": midnight_after(date(2026, 12, 31)).isoformat(),
    }


def test_each_data_set_has_its_own_hosting() -> None:
    """Where the agent's data lie is said by data set, and its permission knows it."""
    api = {"hosting": "own_api", "base_url": "https://api.konsult.example/v1"}
    wanted = [{"dataset_id": "detaljplan"}, {"dataset_id": "byggnad", **api}]
    play = active_agent(datasets=wanted)
    held = {}
    for word in play.told("begin"):
        permission = Play(PERMISSION, word.to)
        permission.answer("begin", **word.content)
        state = permission.state
        held[state.dataset_id] = (state.hosting, state.base_url)
    assert held == {"detaljplan": ("data_host", None), "byggnad": tuple(api.values())}


def test_the_earliest_of_the_dates_rules_and_they_move_with_their_sources() -> None:
    """The agreement's end comes and goes; a longer mandate moves its own."""
    play = active_agent()
    until = midnight_after(date(2026, 9, 30))
    assert play.state.valid_until == (ENDS, "appointment")
    play.answer("valid_until", source="agreement", until=until)
    assert play.state.valid_until == (until, "agreement")
    word = play.told("valid_until")[-1]
    assert (word.to, word.content) == (
        AGENT_PERMISSION_ID,
        {"source": "agreement", "until": until.isoformat()},
    )
    play.answer("valid_until", source="agreement", until=None)
    assert play.state.valid_until == (ENDS, "appointment")
    assert play.told("valid_until")[-1].content == {"source": "agreement", "until": None}


def test_a_longer_mandate_moves_its_own_end() -> None:
    """It comes with the extension; of the later dates the earliest rules again."""
    play = active_agent(mandate={"document": "m", "valid_to": "2026-12-31"})
    assert play.state.valid_until == (midnight_after(date(2026, 12, 31)), "mandate")
    longer = {"document": "n", "valid_to": "2027-12-31"}
    asked = {"valid_to": "2028-03-01", "mandate": longer}
    play.take("request_extension", CONTACT, asked)
    play.take("approve_extension", HANDLER, {"valid_to": "2028-03-01"})
    until = midnight_after(date(2027, 12, 31))
    assert play.state.valid_until == (until, "mandate")
    words = [word.content for word in play.told("valid_until")]
    assert {"source": "mandate", "until": until.isoformat()} in words
    assert {word["source"] for word in words} == {"appointment", "mandate"}


def test_reminders_thirty_fourteen_and_one_days_before_then_the_end() -> None:
    """Both parties are told each time; at midnight everything under it ends."""
    play = active_agent()
    play.take("confirm_responsibility", CONTACT)
    play.wait_until(ENDS - timedelta(days=31))
    assert not play.mails("agent_ends_soon")
    for days in (30, 14, 1):
        play.state.notices.clear()
        play.wait_until(ENDS - timedelta(days=days))
        assert len(play.mails("agent_ends_soon")) == 2
    play.wait_until(ENDS)
    assert (play.state.stage, play.state.outcome) == ("ending", "expired")
    assert [word.to for word in play.told("end")] == [AGENT_PERMISSION_ID]
    play.answer("part_ended", ref=AGENT_PERMISSION_ID, outcome="expired")
    assert play.state.stage == "ended"
    assert [word.to for word in play.told("part_ended")] == [AGREEMENT_ID]


def test_an_extension_by_the_agent_is_agreed_by_the_producer_then_approved() -> None:
    """Each answers when it is their turn; the reminders start anew."""
    play = active_agent()
    play.take("request_extension", OLA, {"valid_to": "2028-03-01"})
    assert play.waits[0] == ("producer", "approve_extension")
    agreed = {"valid_to": "2028-02-01"}
    assert play.refused("approve_extension", HANDLER, agreed).code == "not_yours_to_answer"
    later = {"valid_to": "2029-01-01"}
    assert play.refused("approve_extension", CONTACT, later).code == "later_than_asked"
    play.take("approve_extension", CONTACT, agreed)
    assert play.waits[0] == ("case_handler", "approve_extension")
    play.take("approve_extension", HANDLER, agreed)
    assert play.state.valid_until == (midnight_after(date(2028, 2, 1)), "appointment")
    assert play.told("valid_until")[-1].content["source"] == "appointment"


def test_an_extension_can_be_declined_and_must_be_longer() -> None:
    """Then nothing changes."""
    play = active_agent()
    assert play.refused("request_extension", OLA, {"valid_to": "2026-06-01"}).code == "no_extension"
    play.take("request_extension", CONTACT, {"valid_to": "2028-03-01"})
    play.take("decline_extension", HANDLER, {"reason": "Ny fullmakt saknas."})
    assert play.state.valid_until == (ENDS, "appointment")
    assert play.state.extension is None


@pytest.mark.parametrize(
    ("step", "actor", "outcome"),
    [("revoke_agent", CONTACT, "revoked"), ("revoke_agent", HANDLER, "revoked"),
     ("leave_appointment", OLA, "left")],
)  # fmt: skip
def test_ended_by_either_party_at_once_or_after_a_last_day(
    step: str, actor: object, outcome: str
) -> None:
    """With a last day the keys are told ahead; without one they end now."""
    now = active_agent()
    now.take(step, actor, {"reason": "Klart."})  # type: ignore[arg-type]
    assert (now.state.stage, now.state.outcome) == ("ending", outcome)
    later = active_agent()
    later.take(step, actor, {"reason": "Klart.", "last_day": "2026-03-31"})  # type: ignore[arg-type]
    assert later.state.stage == "active"
    assert later.told("valid_until")[-1].content["source"] == "last_day"
    later.wait_until(midnight_after(date(2026, 3, 31)))
    assert (later.state.stage, later.state.outcome) == ("ending", outcome)


@pytest.mark.parametrize("is_approved", [False, True])
def test_who_has_accepted_leaves_also_before_the_first_day(*, is_approved: bool) -> None:
    """Not yet approved, or months ahead: at once or after a last day; nothing was begun."""
    for last_day in (None, "2026-03-31"):
        play = proposed(valid_from="2026-06-01")
        assert play.refused("leave_appointment", OLA, {"reason": "Nej."}).code == "not_now"
        play.take("accept_appointment", OLA)
        if is_approved:
            play.take("approve_agent", HANDLER)
        play.take("leave_appointment", OLA, {"reason": "Har slutat.", "last_day": last_day})
        assert play.state.stage == ("ended" if last_day is None else "accepted")
        play.wait_until(midnight_after(date(2026, 3, 31)))
        assert (play.state.stage, play.state.outcome) == ("ended", "left")
        assert not play.told("begin")


def test_data_sets_are_added_and_removed_while_it_runs() -> None:
    """Each has its own permission; one that was removed and added again waits for its end."""
    play = active_agent()
    play.take("change_datasets", CONTACT, {"add": [{"dataset_id": "byggnad"}]})
    assert len(play.told("begin")) == 2
    play.take("change_datasets", CONTACT, {"remove": ["detaljplan"]})
    assert [word.to for word in play.told("end")] == [AGENT_PERMISSION_ID]
    play.take("change_datasets", CONTACT, {"add": [{"dataset_id": "detaljplan"}]})
    assert len(play.told("begin")) == 2
    play.answer("part_ended", ref=AGENT_PERMISSION_ID, outcome="removed")
    assert len(play.told("begin")) == 3
    assert play.refused("change_datasets", CONTACT, {"remove": ["stompunkt"]}).code == (
        "not_appointed"
    )
    again = {"add": [{"dataset_id": "byggnad"}]}
    assert play.refused("change_datasets", CONTACT, again).code == "already_appointed"


def test_a_data_set_that_comes_later_reaches_the_waiting_permission() -> None:
    """And one that was connected anew gets a new permission."""
    play = active_agent()
    play.answer("dataset_ready", dataset_id="detaljplan")
    assert [word.to for word in play.told("dataset_ready")] == [AGENT_PERMISSION_ID]
    play.answer("part_ended", ref=AGENT_PERMISSION_ID, outcome="disconnected")
    assert play.waits[0] == ("producer", "change_datasets")
    play.answer("dataset_ready", dataset_id="detaljplan")
    assert len(play.told("begin")) == 2


def test_the_agents_person_leaves() -> None:
    """An active successor takes over; without one the appointment ends with all its rights."""
    play = active_agent()
    left = {"account_id": "acc-7", "roles": ["agent_contact"]}
    play.answer("person_left", **left, successors={"agent_contact": EVA})
    assert play.state.agent_contact is not None
    assert play.state.agent_contact.account_id == "acc-8"
    assert play.told("contacts")[-1].content["holder"]["account_id"] == "acc-8"
    for successors in ({}, {"agent_contact": {**EVA, "active": False}}):
        ended = active_agent()
        ended.answer("person_left", **left, successors=successors)
        assert (ended.state.stage, ended.state.outcome) == ("ending", "person_left")


def test_the_producers_person_leaving_ends_no_agent() -> None:
    """The organisation's right stands: the contact is vacant until another is named."""
    play = active_agent()
    play.answer("person_left", account_id="acc-1", roles=["contact"])
    assert (play.state.stage, play.state.contact) == ("active", None)


def test_a_day_that_one_party_has_set_is_not_put_off_by_the_other() -> None:
    """Who set it may change it, and either may end it sooner."""
    play = active_agent()
    play.take("leave_appointment", OLA, {"reason": "Ny uppgift", "last_day": "2026-04-30"})
    later = {"reason": "Behövs", "last_day": "2026-06-30"}
    assert play.refused("revoke_agent", CONTACT, later).code == "ends_before"
    play.take("leave_appointment", OLA, later)
    sooner = {"reason": "Klart", "last_day": "2026-05-31"}
    play.take("revoke_agent", CONTACT, sooner)
    play.wait_until(midnight_after(date(2026, 5, 31)))
    assert play.state.outcome == "revoked"


def test_the_producer_answers_for_the_agent_anew_every_year() -> None:
    """After 30 more days a handler follows it up."""
    play = active_agent(valid_to="2029-03-01")
    play.wait_until(NOON + timedelta(days=365))
    assert play.waits[0] == ("producer", "confirm_responsibility")
    play.wait(days=30)
    assert ("case_handler", "confirmation_overdue") in play.waits
    play.take("confirm_responsibility", CONTACT)
    assert play.waits == [("nobody", "agent_active")]


def test_it_begins_on_its_first_day() -> None:
    """Accepted and approved before, it is active at 00:00 of the day."""
    play = proposed(valid_from="2026-04-01")
    play.take("accept_appointment", OLA)
    play.take("approve_agent", HANDLER, {"valid_to": "2026-12-31"})
    assert (play.state.stage, play.waits) == ("accepted", [("nobody", "valid_from")])
    play.wait_until(midnight_after(date(2026, 3, 31)))
    assert play.state.stage == "active"
    assert play.state.valid_to == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"agent": {"org_number": MOLNDAL, "name": "M"}}, "own_agent", "agent.org_number"),
        ({"acknowledgement": False}, "not_acknowledged", "acknowledgement"),
        ({"valid_to": "2026-03-01"}, "bad_period", "valid_to"),
        ({"datasets": [{"dataset_id": "okand"}]}, "unknown_dataset", "datasets.0.dataset_id"),
        ({"datasets": [{"dataset_id": "byggnad"}] * 2}, "same_dataset_twice",
         "datasets.1.dataset_id"),
        ({"agent": {"name": "Ida"}}, "agent_number", "agent"),
        ({"agent": {"org_number": AGENT, "sole_trader": True, "name": "I"}}, "agent_number",
         "agent"),
    ],
)  # fmt: skip
def test_an_appointment_that_cannot_be_is_refused_with_its_field(
    changes: dict[str, object], code: str, field: str
) -> None:
    """What, where, and what to do."""
    play = Play(MACHINE, APPOINTMENT_ID)
    refused = play.refused("apply", CONTACT, appointment(**changes))
    assert (refused.code, refused.field) == (code, field)


def test_a_handler_of_the_case_is_nobodys_agent() -> None:
    """Neither when proposing, nor when approving, nor when assigned, by mail or by account."""
    play = Play(MACHINE, APPOINTMENT_ID)
    mine = {"name": "Hanna", "email": "hanna.h@lantmateriet.example"}
    hanna = by_post().model_copy(update={"subject": mine["email"]})
    assert play.refused("apply", hanna, appointment(contact=mine)).code == "handler_as_agent"
    play = proposed()
    play.take("accept_appointment", OLA)
    ola = HANDLER.model_copy(update={"subject": OLA.subject})
    assert play.refused("approve_agent", ola).code == "handler_as_agent"
    for name in (OLA.subject, OLA.subject.upper(), "acc-7"):
        refused = play.refused("assign", HANDLER, {"handler": name})
        assert (refused.code, refused.field) == ("handler_as_agent", "handler")
    play.take("assign", HANDLER, {"handler": "hanna"})


def test_a_sole_trader_goes_under_a_number_of_ours() -> None:
    """No organisation is looked up, none gets an account, and a handler approves."""
    play: Play[AppointmentState] = Play(MACHINE, f"agent/{MOLNDAL}/E00001")
    trader = {"sole_trader": True, "name": "Idas kartor"}
    play.take("apply", CONTACT, appointment(agent=trader))
    play.answer("enrolled", **standing())
    assert play.wanted == ["find_or_create_person:agent_contact"]
    assert (play.state.agent_id, play.state.is_approval_needed) == ("E00001", True)


def test_the_agents_contact_is_changed_by_the_agent() -> None:
    """The producer changes its own at the agreement."""
    play = active_agent()
    bo = {"name": "Bo Ombud", "email": "bo@konsult.example"}
    assert play.refused("replace_contact", CONTACT, bo).code == "at_the_agreement"
    play.take("replace_contact", OLA, bo)
    assert play.wanted == ["find_or_create_person:agent_contact"]
    assert [word.to for word in play.told("release")] == ["person/acc-7"]
