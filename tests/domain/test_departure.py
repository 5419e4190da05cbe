from datetime import UTC, date, datetime, timedelta

import pytest

from domain.act import Actor, Role
from domain.appointment_state import appointment_id
from domain.dates import midnight_after
from domain.permission_state import permission_id
from domain.person import MACHINE
from domain.person_state import PersonState
from domain.view import forecast, view
from tests.domain.parts import (
    AGREEMENT_ID,
    ANNA,
    CONNECTION_ID,
    EVA,
    ONBOARDING_ID,
    PERMISSION_ID,
    enrolled_person,
    enrolment,
)
from tests.domain.playing import CONTACT, HANDLER, MOLNDAL, Play, by_post

LAST = "2026-03-31"
MIDNIGHT = midnight_after(date(2026, 3, 31))
DEPUTY = Actor(
    subject="bo.ek@molndal.example", name="Bo Ek", role=Role.PRODUCER_DEPUTY, organisation=MOLNDAL
)
TO_EVA = {"role": "contact", "person": EVA}
AGENT_ELSEWHERE = appointment_id("212000-0142", MOLNDAL)
AGENTS_ELSEWHERE = permission_id("212000-0142", "byggnad", MOLNDAL)


def active_person() -> Play[PersonState]:
    """Return a person whose account is on, with an onboarding and an agreement on it."""
    play = enrolled_person(active=True)
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID, active=True))
    return play


def leaving(**changes: object) -> Play[PersonState]:
    """Return a person who leaves after the last of March."""
    play = active_person()
    play.take("schedule_departure", CONTACT, {"last_day": LAST, **changes})
    return play


def found(play: Play[PersonState], *, active: bool, account_id: str = "acc-2") -> None:
    """Let the account system find the successor."""
    play.answer(
        "successor_found",
        role="contact",
        email=EVA["email"],
        account_id=account_id,
        login_name="evany",
        active=active,
    )


def test_the_account_goes_off_at_midnight_after_the_last_day() -> None:
    """At 00:00 in Stockholm the account is wanted off and everybody is told; not before."""
    assert datetime(2026, 3, 31, 22, tzinfo=UTC) == MIDNIGHT
    play = leaving()
    assert play.state.stage == "leaving"
    play.wait_until(MIDNIGHT - timedelta(seconds=1))
    assert (play.state.stage, play.wanted) == ("leaving", [])
    play.wait(seconds=1)
    assert (play.state.stage, play.wanted) == ("ending", ["disable_person"])
    assert {word.to for word in play.told("person_left")} == {ONBOARDING_ID, AGREEMENT_ID}


def test_it_ends_when_the_account_is_off_and_every_role_handed_over() -> None:
    """Neither alone is enough: clean-up is confirmed from both sides."""
    play = leaving()
    play.wait_until(MIDNIGHT)
    play.answer("release", ref=ONBOARDING_ID)
    play.answer("account_off")
    assert play.state.stage == "ending"
    assert play.waits == [("nobody", "roles_handed_over")]
    play.answer("release", ref=AGREEMENT_ID)
    assert (play.state.stage, play.state.outcome) == ("ended", "left")


def test_a_forecast_of_a_departure_is_the_departure_alone() -> None:
    """It takes it that everybody lets go: nothing is told again night after night."""
    play = leaving()
    rows = forecast(play.machine, play.state, play.moment, 400)
    assert [row["what"] for row in rows] == ["remind", "left"]
    assert rows[-1]["at"] == MIDNIGHT.isoformat()


def test_what_does_not_let_go_is_told_again_every_day() -> None:
    """A word that was lost holds nobody's access up for ever."""
    play = leaving()
    play.wait_until(MIDNIGHT)
    play.state.outgoing.clear()
    assert play.wait(days=1) == ["tell_again"]
    assert len(play.told("person_left")) == 2


def test_a_last_day_in_the_past_ends_the_access_at_once() -> None:
    """Whoever hears late shuts off now."""
    play = leaving(last_day="2026-02-01")
    assert play.wait(seconds=0)[0] == "left"
    assert play.state.stage == "ending"


def test_a_departure_is_called_off_an_hour_before() -> None:
    """The account stays, the successor is let go, and nobody is told to take over."""
    play = leaving(successors=[TO_EVA])
    found(play, active=True)
    play.wait_until(MIDNIGHT - timedelta(hours=1))
    play.take("cancel_departure", DEPUTY)
    assert (play.state.stage, play.state.successors) == ("active", {})
    assert [word.to for word in play.told("release")] == ["person/acc-2"]
    assert "left" not in play.wait(days=3)
    assert not play.told("person_left")


def test_whoever_schedules_a_departure_sees_all_that_hangs_on_the_person() -> None:
    """The list, and who is to take over: each role once, but for keys, which follow the role."""
    play = active_person()
    play.answer("enrol", **enrolment(ref=AGENT_ELSEWHERE, role="agent_contact", active=True))
    play.answer("enrol", **enrolment(ref=PERMISSION_ID, role="key", active=True))
    play.take("schedule_departure", CONTACT, {"last_day": LAST})
    shown = view(play.machine, play.state, play.moment)
    assert {(each["ref"], each["role"]) for each in shown["details"]["enrolments"].values()} == {
        (ONBOARDING_ID, "contact"),
        (AGREEMENT_ID, "contact"),
        (AGENT_ELSEWHERE, "agent_contact"),
        (PERMISSION_ID, "key"),
    }
    asked = [(each["item"], each["due"]) for each in shown["waits"]
             if each["rule"] == "name_successor"]  # fmt: skip
    assert asked == [("agent_contact", LAST), ("contact", LAST)]


def test_a_successor_is_asked_for_by_role_and_found_in_the_account_system() -> None:
    """The view lists who must take over what; a named successor gets an own account."""
    play = leaving()
    assert ("producer", "name_successor") in play.waits
    play.take("name_successor", DEPUTY, TO_EVA)
    assert play.wanted == ["find_successor:contact"]
    found(play, active=False)
    assert ("producer", "name_successor") not in play.waits
    play.answer("person_active", account_id="acc-2")
    play.wait_until(MIDNIGHT)
    successors = play.told("person_left")[0].content["successors"]
    assert successors["contact"]["account_id"] == "acc-2"
    assert successors["contact"]["active"] is True


def test_a_successor_who_leaves_first_or_the_same_day_cannot_take_over() -> None:
    """Somebody else is asked for, and a handler hears of it."""
    for last_day in ("2026-03-15", LAST):
        play = leaving(successors=[TO_EVA])
        found(play, active=True)
        play.answer("person_leaving", account_id="acc-2", last_day=last_day)
        assert play.state.successors == {}
        assert ("producer", "name_successor") in play.waits
        assert play.mails("successor_gone")


def test_a_successor_who_leaves_later_takes_over() -> None:
    """Only who is gone on the day is no successor."""
    play = leaving(successors=[TO_EVA])
    found(play, active=True)
    play.answer("person_leaving", account_id="acc-2", last_day="2026-04-30")
    assert "contact" in play.state.successors


def test_everything_that_hangs_on_a_person_knows_ahead() -> None:
    """Each is told of the last day when it is set, one that enrols later too, and when it goes."""
    play = leaving()
    assert {word.to for word in play.told("person_leaving")} == {ONBOARDING_ID, AGREEMENT_ID}
    play.answer("enrol", **enrolment(ref="agent/x", role="agent_contact", active=True))
    assert play.told("person_leaving")[-1].to == "agent/x"
    play.take("cancel_departure", CONTACT)
    assert play.told("person_leaving")[-1].content["last_day"] is None


def test_one_that_enrols_after_the_person_has_gone_is_told_at_once() -> None:
    """No role is given to a person whose access is ending."""
    play = leaving()
    play.wait_until(MIDNIGHT)
    play.answer("enrol", **enrolment(ref="onboarding/late", active=True))
    assert play.told("person_left")[-1].to == "onboarding/late"
    assert not [word for word in play.told("person_active") if word.to == "onboarding/late"]


def test_duties_are_given_up_from_a_day_and_the_account_stays() -> None:
    """Only the named role is handed over, by the same rules, at 00:00 of the day."""
    play = active_person()
    play.answer("enrol", **enrolment(ref="agent/x", role="agent_contact", active=True))
    play.take("change_duties", CONTACT, {"roles": ["contact"], "from": "2026-04-01"})
    assert ("producer", "name_successor") in play.waits
    play.wait_until(MIDNIGHT)
    assert {word.to for word in play.told("person_left")} == {ONBOARDING_ID, AGREEMENT_ID}
    assert (play.state.stage, play.wanted) == ("active", [])


def test_each_duty_is_given_up_on_its_own_day() -> None:
    """A later change moves no other day, and successors of other roles stay."""
    play = active_person()
    play.answer("enrol", **enrolment(ref=CONNECTION_ID, role="deputy", active=True))
    play.take("change_duties", CONTACT, {"roles": ["contact"], "from": "2026-04-01"})
    play.take("change_duties", CONTACT, {"roles": ["deputy"], "from": "2026-06-01"})
    for role in ("contact", "deputy"):
        eva = {"name": "Eva Ny", "email": f"eva.{role}@molndal.example"}
        play.take("name_successor", CONTACT, {"role": role, "person": eva})
    play.wait_until(MIDNIGHT)
    assert {word.to for word in play.told("person_left")} == {ONBOARDING_ID, AGREEMENT_ID}
    assert list(play.state.successors) == ["deputy"]
    play.wait_until(midnight_after(date(2026, 5, 31)))
    assert play.told("person_left")[-1].to == CONNECTION_ID


def test_a_successor_who_only_gives_up_a_duty_still_takes_over() -> None:
    """Those who count on the person as successor hear only of a departure."""
    play = active_person()
    play.answer("enrol", **enrolment(ref="person/acc-4", role="successor", active=True))
    play.take("change_duties", CONTACT, {"roles": ["contact"], "from": "2026-04-01"})
    play.wait_until(MIDNIGHT)
    assert "person/acc-4" not in {word.to for word in play.told("person_left")}
    play.take("schedule_departure", CONTACT, {"last_day": "2026-04-02"})
    play.wait(days=3)
    assert "person/acc-4" in {word.to for word in play.told("person_left")}


def test_who_comes_back_gives_up_nothing_that_was_planned_before() -> None:
    """Duties that were to be given up after the departure went with it."""
    play = active_person()
    play.take("change_duties", CONTACT, {"roles": ["contact"], "from": "2026-06-01"})
    play.take("schedule_departure", CONTACT, {"last_day": LAST})
    play.wait_until(MIDNIGHT)
    play.answer("account_off")
    for ref in {each.ref for each in play.state.enrolments.values()}:
        play.answer("release", ref=ref)
    assert play.state.stage == "ended"
    play.answer("enrol", **enrolment(ref="onboarding/again", active=True))
    play.wait_until(midnight_after(date(2026, 6, 2)))
    assert "onboarding/again" not in {word.to for word in play.told("person_left")}


def test_nobody_explains_the_account_of_somebody_who_has_left() -> None:
    """The last day comes before the time to explain is over: the question goes with it."""
    play = active_person()
    play.take("schedule_departure", CONTACT, {"last_day": LAST})
    play.wait_until(MIDNIGHT - timedelta(days=1))
    play.answer("account_found_off")
    play.wait_until(MIDNIGHT)
    assert ("case_handler", "explain_suspension") not in play.waits


def test_an_invitation_that_lapses_lets_its_successors_go() -> None:
    """Nothing hangs on the person any more, so nothing is to be taken over."""
    play = Play(MACHINE, "person/acc-1")
    play.answer("enrol", **enrolment())
    eva = {"name": "Eva Ny", "email": "eva@molndal.example"}
    named = [{"role": "contact", "person": eva}]
    play.take("schedule_departure", CONTACT, {"last_day": LAST, "successors": named})
    found = {"email": eva["email"], "account_id": "acc-9", "login_name": "evany", "active": True}
    play.answer("successor_found", role="contact", **found)
    play.answer("release", ref=ONBOARDING_ID)
    assert play.state.outcome == "lapsed"
    assert play.told("release")[-1].to == "person/acc-9"


@pytest.mark.parametrize(
    ("given_up", "gone"),
    [
        (["contact", "deputy"], [PERMISSION_ID]),
        (["contact"], []),  # the deputy may hold the key
        (["agent_contact"], [AGENTS_ELSEWHERE]),
        (["information_owner"], []),
        (["key", "contact", "deputy"], [AGENTS_ELSEWHERE, PERMISSION_ID]),  # each once
    ],
)
def test_with_a_role_go_the_keys_that_were_held_in_it(given_up: list[str], gone: list[str]) -> None:
    """The producer's own with contact and deputy, an agent's with the agent's contact."""
    play = active_person()
    for ref, role in (
        (AGREEMENT_ID, "deputy"),
        (CONNECTION_ID, "information_owner"),
        (AGENT_ELSEWHERE, "agent_contact"),
        (PERMISSION_ID, "key"),
        (AGENTS_ELSEWHERE, "key"),
    ):
        play.answer("enrol", **enrolment(ref=ref, role=role, active=True))
    play.take("change_duties", CONTACT, {"roles": given_up, "from": "2026-04-01"})
    play.wait_until(MIDNIGHT)
    told = [word for word in play.told("person_left") if word.to.startswith("permission/")]
    assert [word.to for word in told] == gone
    assert all(word.content["roles"] == ["key"] for word in told)


def test_a_role_the_person_does_not_have_is_refused_and_named() -> None:
    """The refusal says which roles there are."""
    play = active_person()
    refused = play.refused("change_duties", CONTACT, {"roles": ["king"], "from": "2026-04-01"})
    assert (refused.code, refused.field) == ("unknown_role", "roles")
    assert "contact" in refused.text.sv
    named = {"role": "contact", "person": {"name": "Anna", "email": ANNA["email"]}}
    refused = play.refused("schedule_departure", CONTACT, {"last_day": LAST, "successors": [named]})
    assert refused.code == "own_successor"


def test_who_may_say_that_a_person_leaves() -> None:
    """The own organisation, a handler on a written basis, and a leaver list; nobody else."""
    play = active_person()
    other = CONTACT.model_copy(update={"organisation": "212000-0142"})
    assert play.refused("schedule_departure", other, {"last_day": LAST}).code == "not_allowed"
    assert play.refused("schedule_departure", HANDLER, {"last_day": LAST}).code == "basis_required"
    assert play.ask("schedule_departure", by_post(), {"last_day": LAST}) is None
    system = Actor(subject="leaver-list", name="leaver list", role=Role.SYSTEM)
    assert play.ask("schedule_departure", system, {"last_day": LAST}) is None


def test_suspended_and_switched_on_again() -> None:
    """Off at once and confirmed; on again by the same people."""
    play = active_person()
    play.take("suspend", CONTACT, {"reason": "Borttappad dator"})
    assert (play.state.stage, play.wanted) == ("suspended", ["disable_person"])
    play.answer("account_off")
    assert play.waits == [("nobody", "suspended")]
    play.take("reactivate", DEPUTY)
    assert play.wanted == ["activate_person"]
    play.answer("person_activated")
    assert play.state.stage == "active"


def test_an_account_found_off_is_a_handlers_task_then_a_departure() -> None:
    """Suspended at once; not explained in three days, the person has left."""
    play = active_person()
    play.answer("account_found_off")
    assert (play.state.stage, play.waits[0]) == (
        "suspended",
        ("account_system", "shut_off_account"),
    )
    assert ("case_handler", "explain_suspension") in play.waits
    play.answer("account_off")
    assert "unexplained" in play.wait(days=3)
    assert (play.state.stage, play.state.outcome) == ("ending", "left")
    assert play.mails("taken_for_departure")


def test_what_enrols_at_a_suspended_person_is_told_that_only_a_handler_helps() -> None:
    """The person cannot switch the account on: whoever hangs on it must not wait on the person."""
    play = active_person()
    play.take("suspend", DEPUTY, {"reason": "förlorad telefon"})
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID))
    assert [word.to for word in play.told("person_suspended")] == [AGREEMENT_ID]


def test_an_account_found_off_before_the_last_day_is_told_too() -> None:
    """Who is about to leave has access until then: who took it away, and why, is asked."""
    play = active_person()
    play.take("schedule_departure", CONTACT, {"last_day": LAST})
    assert play.state.stage == "leaving"
    play.answer("account_found_off")
    assert ("case_handler", "explain_suspension") in play.waits


def test_an_account_found_off_that_is_explained_stays_as_it_is() -> None:
    """A handler's reason, or switching it on, stops the clock."""
    play = active_person()
    play.answer("account_found_off")
    play.answer("account_off")
    play.take("suspend", by_post(), {"reason": "Föräldraledig"})
    assert "unexplained" not in play.wait(days=10)
    assert play.state.stage == "suspended"


def test_an_invitation_that_lapsed_has_nothing_to_shut_off() -> None:
    """Whoever is invited again is not shut off by what was found in between."""
    play = enrolled_person()
    play.answer("release", ref=ONBOARDING_ID)
    play.answer("account_found_on")
    play.answer("enrol", **enrolment())
    assert (play.state.stage, play.wanted) == ("invited", [])


def test_the_account_of_somebody_who_left_found_on_goes_off_again() -> None:
    """Also when the access had ended long ago and is started again for it."""
    play = Play(MACHINE, "person/acc-1")
    play.answer("account_found_on")
    assert (play.state.stage, play.wanted) == ("ending", ["disable_person"])
    play.answer("account_off")
    assert (play.state.stage, play.state.outcome) == ("ended", "left")


def test_off_is_looked_at_again_when_nobody_knows_what_came_of_an_attempt() -> None:
    """An answer before the attempt limit has passed does not count as confirmed."""
    play = leaving()
    play.wait_until(MIDNIGHT)
    play.answer("outcome_unknown", operation="disable_person")
    assert play.wanted == []
    play.wait(seconds=31)
    assert play.wanted == ["disable_person"]
