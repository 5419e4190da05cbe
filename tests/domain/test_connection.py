from datetime import date, timedelta

import pytest

from domain.connection_state import ConnectionState
from domain.dates import midnight_after
from domain.everyday import EVERYDAY
from tests.domain.parts import (
    AGREEMENT_ID,
    CONNECTION_ID,
    EVA,
    ONBOARDING_ID,
    PERMISSION_ID,
    begun_connection,
    connected,
    connection_begin,
)
from tests.domain.playing import CONTACT, DECIDER, HANDLER, Play, proposal

GRANTED = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}


def _appealed() -> Play[ConnectionState]:
    play = begun_connection(granted=False)
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    return play


def _reconsider(play: Play[ConnectionState]) -> None:
    reasons = {"legal_rules": ["FL 38 §"], "decisive_facts": "Nytt.", "reasons": "Ändras."}
    play.take("reconsider", DECIDER, {"datasets": [GRANTED], **reasons})


def test_enrols_then_begins_the_producers_own_permission() -> None:
    """Nothing is started before the agreement has taken it in; active means connected."""
    play = begun_connection()
    assert (play.state.stage, play.wanted) == ("connecting", ["enrol_at_agreement"])
    assert not play.told("begin")

    play.answer("enrolled", accepted=True)
    begun = play.told("begin")
    assert [(word.to, word.starts) for word in begun] == [(PERMISSION_ID, "Permission")]
    assert begun[0].content["accepts_by_itself"] is True
    assert not play.waits

    play.answer("permission_active", ref=PERMISSION_ID)
    assert (play.state.stage, play.waits) == ("connected", [("nobody", "connected")])
    assert play.told("dataset_connected")[0].to == ONBOARDING_ID


def test_the_policy_says_whether_a_handler_judges_the_test_delivery() -> None:
    """The permission is begun with what the policy says of its data set."""
    play = begun_connection()
    play.state.datasets["geotekniskmarkundersokning"] = play.state.datasets.pop("detaljplan")
    play.state.dataset_id = "geotekniskmarkundersokning"
    play.answer("enrolled", accepted=True)
    assert play.told("begin")[0].content["accepts_by_itself"] is False


def test_a_strangers_permission_does_not_connect() -> None:
    """Only a part of the connection makes it connected."""
    play = begun_connection()
    play.answer("enrolled", accepted=True)
    play.answer("permission_active", ref="permission/x/y/z")
    assert play.state.stage == "connecting"


def test_delivery_by_an_agent_alone_waits_on_the_producer_to_name_one() -> None:
    """No own permission is begun; the producer is reminded to name an agent."""
    play = begun_connection(delivery="agent", hosting=None)
    play.answer("enrolled", accepted=True)
    assert (play.waits, play.told("begin")) == ([("producer", "name_agent")], [])
    play.wait(days=31)
    assert (len(play.mails("reminder")), len(play.mails("overdue"))) == (2, 1)


def test_without_an_agreement_it_waits_for_the_signature() -> None:
    """Not taken in: it waits, and tries again when the agreement has come into force."""
    play = begun_connection()
    play.answer("enrolled", accepted=False)
    assert (play.waits, play.wanted) == ([("signatory", "countersign")], [])
    play.answer("agreement_in_force")
    assert play.wanted == ["enrol_at_agreement"]


def test_a_denied_data_set_begins_in_its_appeal_period_and_ends_with_it() -> None:
    """Three weeks from the decision; the owner is told how it ended."""
    play = begun_connection(granted=False)
    assert (play.state.stage, play.wanted) == ("appeal_period", ["enrol_at_agreement"])
    play.answer("enrolled", accepted=False)  # the agreement is not in force yet
    assert play.wanted == []
    play.wait_until(midnight_after(date(2026, 3, 23)))
    assert (play.state.stage, play.state.outcome) == ("ended", "denied")
    told = play.told("part_ended")[0]
    assert (told.to, told.content["outcome"]) == (ONBOARDING_ID, "denied")


def test_a_denial_that_is_changed_goes_on_to_connecting() -> None:
    """Reconsidered in the party's favour, it enrols at the agreement like any other."""
    play = _appealed()
    _reconsider(play)
    assert (play.state.stage, play.wanted) == ("connecting", ["enrol_at_agreement"])
    assert play.state.appeal is None
    play.answer("enrolled", accepted=True)
    assert play.told("begin")[0].to == PERMISSION_ID


@pytest.mark.parametrize("outcome", ["granted", "denied"])
def test_a_remitted_appeal_is_assessed_again(outcome: str) -> None:
    """The court sends it back: examined alone, granted or denied again."""
    play = _appealed()
    play.take("hand_over", HANDLER, {"date": "2026-03-02"})
    play.take("record_appeal_outcome", HANDLER, {"outcome": "remitted", "date": "2026-03-02"})
    assert (play.state.stage, play.waits) == ("assessment", [("case_handler", "review")])

    play.take("propose_decision", HANDLER, proposal(outcome=outcome))
    if outcome == "denied":
        play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Prövat igen."})
    expected = {"granted": "connecting", "denied": "appeal_period"}
    assert play.state.stage == expected[outcome]


def test_disconnects_at_the_midnight_after_the_last_day() -> None:
    """Delivery goes on through the last day; the permission knows the end beforehand."""
    play = connected()
    assert play.refused("disconnect", CONTACT, {"last_day": "2026-03-01"}).code == "in_the_past"
    play.take("disconnect", CONTACT, {"last_day": "2026-03-31", "reason": "Nytt system"})
    midnight = midnight_after(date(2026, 3, 31))
    told = play.told("valid_until")
    assert [(word.to, word.content["until"]) for word in told] == [
        (PERMISSION_ID, midnight.isoformat())
    ]

    play.wait_until(midnight - timedelta(seconds=1))
    assert play.state.stage == "connected"
    assert play.wait(seconds=1) == ["last_day_over"]
    assert (play.state.stage, play.state.outcome) == ("ending", "disconnected")
    assert play.told("end")[0].to == PERMISSION_ID

    play.answer("part_ended", ref=PERMISSION_ID, outcome="expired")
    assert play.state.stage == "ended"
    assert [word.to for word in play.told("part_ended")] == [ONBOARDING_ID, AGREEMENT_ID]


def test_today_may_be_the_last_day_and_the_day_can_be_moved() -> None:
    """The last day given last is the one that counts."""
    play = connected()
    play.take("disconnect", CONTACT, {"last_day": "2026-03-02"})
    play.take("disconnect", CONTACT, {"last_day": "2026-03-05"})
    assert play.wait(days=2) == []
    assert play.wait(days=2) == ["last_day_over"]


def test_a_right_that_ends_is_not_begun_again_by_itself() -> None:
    """When the last permission has ended it is connecting again and waits on the producer."""
    play = connected()
    play.answer("part_ended", ref=PERMISSION_ID, outcome="ended_by_handler")
    assert (play.state.stage, play.waits) == ("connecting", [("producer", "name_agent")])
    assert len(play.told("begin")) == 1
    play.take("withdraw", CONTACT)
    assert (play.state.stage, play.state.outcome) == ("ended", "withdrawn")


def test_a_right_that_a_handler_ends_on_the_way_is_not_begun_again() -> None:
    """The same before it was ever active: the handler's end stands."""
    play = begun_connection()
    play.answer("enrolled", accepted=True)
    play.answer("part_ended", ref=PERMISSION_ID, outcome="ended_by_handler")
    assert len(play.told("begin")) == 1


def test_the_everyday_steps_are_closed_while_it_is_connected() -> None:
    """Connected, it is an entity: contacts and the end are the producer's to change."""
    play = connected()
    everyday = {step.name for step in EVERYDAY} - {"assign", "note", "retry_step"}
    assert not play.open & everyday
    owner = {"name": "Ny Ägare", "email": "ny@molndal.example"}
    support = {"support_email": "gis@molndal.example"}
    play.take("update_contacts", CONTACT, {"information_owner": owner, **support})
    assert play.state.dataset.declaration.information_owner.name == "Ny Ägare"


def test_the_permission_follows_the_agreements_contact() -> None:
    """The agreement names another contact: the connection and its permission follow."""
    play = connected()
    play.answer("contacts", holder=EVA, deputy=None)
    assert play.told("contacts")[0].to == PERMISSION_ID
    assert play.refused("disconnect", CONTACT, {"last_day": "2026-03-31"}).code == "not_allowed"
    play.answer("contacts", holder=EVA, deputy=None)
    assert len(play.told("contacts")) == 1


def test_a_contact_replaced_on_the_way_gets_an_account_and_the_keys() -> None:
    """While it is a case its own contact can be changed: account wanted, permission told."""
    play = begun_connection()
    play.answer("enrolled", accepted=True)
    play.take("replace_contact", CONTACT, EVA)
    assert "find_or_create_person:contact" in play.wanted
    assert play.told("contacts")[0].content["holder"]["email"] == EVA["email"]
    found = {"role": "contact", "email": EVA["email"], "account_id": "a2", "login_name": "evany"}
    play.answer("person_found", **found, active=True)
    assert play.told("contacts")[1].content["holder"]["account_id"] == "a2"
    play.take("withdraw", CONTACT.model_copy(update={"subject": EVA["email"]}))
    play.answer("part_ended", ref=PERMISSION_ID)
    assert play.told("release")[0].to == "person/a2"


@pytest.mark.parametrize("step", ["withdraw", "close"])
def test_ends_its_permission_before_itself(step: str) -> None:
    """Withdrawn or closed on the way: the part ends first, then owner and agreement are told."""
    play = begun_connection()
    play.answer("enrolled", accepted=True)
    if step == "withdraw":
        play.take("withdraw", CONTACT)
    else:
        play.take("close", HANDLER, {"reason": "x", "legal_rules": ["FL 32 §"]})
    assert (play.state.stage, play.told("end")[0].to) == ("ending", PERMISSION_ID)
    play.answer("part_ended", ref=PERMISSION_ID)
    assert play.state.stage == "ended"


def test_an_enrolment_that_is_answered_too_late_is_given_up() -> None:
    """Withdrawn while it enrols: the agreement does not go on waiting for it."""
    play = begun_connection()
    play.take("withdraw", CONTACT)
    assert [word.to for word in play.told("part_ended")] == [ONBOARDING_ID, AGREEMENT_ID]
    play.answer("enrolled", accepted=True)
    assert play.told("part_ended")[-1].to == AGREEMENT_ID
    assert len(play.told("part_ended")) == 3


def test_beginning_twice_or_after_the_end_changes_nothing() -> None:
    """A second `begin` neither sets back nor revives."""
    play = connected()
    play.answer("begin", **connection_begin())
    assert play.state.stage == "connected"
    play.answer("end", outcome="closed")
    play.answer("begin", **connection_begin())
    assert play.state.stage == "ending"

    play = Play(play.machine, CONNECTION_ID)
    play.answer("end", outcome="closed")
    play.answer("begin", **connection_begin())
    assert play.state.stage == "ended"
