from collections.abc import Callable
from datetime import date, timedelta

import pytest

from domain.act import Role
from domain.dates import add_working_days, midnight_after
from domain.onboarding import MACHINE as ONBOARDING
from domain.onboarding_state import OnboardingState, onboarding_id
from domain.organisations import WRONG_CODE
from domain.text import Text
from tests.domain.playing import (
    CONTACT,
    DECIDER,
    HANDLER,
    MOLNDAL,
    NOON,
    PERSONAL,
    SIGNATORY,
    Play,
    all_ok,
    application,
    at_agreement,
    at_datasets,
    at_review,
    by_post,
    declaration,
    opened,
    proposal,
    submission,
)


def test_goes_from_application_to_connected() -> None:
    """A municipality with one data set without personal data is onboarded step by step."""
    play = at_datasets()

    assert play.state.stage == "datasets"
    assert [word.starts for word in play.told("begin")] == [
        "ProducerAgreement",
        "DatasetConnection",
    ]

    play.answer("dataset_connected", ref=f"dataset/{CONTACT.organisation}/detaljplan")

    assert (play.state.stage, play.state.outcome) == ("ended", "connected")
    assert play.mails("connected")
    assert play.told("release")


def test_waits_on_the_person_until_the_account_is_active() -> None:
    """The account stage waits on the invited person, and goes straight on when active."""
    play = opened()
    play.answer("organisation_looked_up", name="Mölndals kommun", kind="municipality")
    assert play.wanted == ["find_or_create_organisation", "find_or_create_person:contact"]

    play.answer("organisation_found", account_id="org-1")
    found = {"role": "contact", "email": CONTACT.subject, "account_id": "a", "login_name": "al"}
    play.answer("person_found", **found, active=False)
    assert ("person", "activate_account") in play.waits

    play.answer("person_suspended", account_id="a")
    assert ("case_handler", "reactivate") in play.waits
    assert ("person", "activate_account") not in play.waits

    play.answer("person_active", account_id="a")
    assert play.state.stage == "agreement"


def test_an_unknown_number_waits_on_the_handler() -> None:
    """A number in neither register is never dismissed by a machine: a handler confirms it."""
    play = opened()
    reason = {"sv": "Finns inte i registren.", "en": "In neither register."}
    play.answer("organisation_looked_up", needs_person=reason)

    assert play.waits == [("case_handler", "confirm_organisation")]
    payload = {"kind": "state_agency", "name": "Nya verket", "basis": "Förordning 2026:1"}
    play.take("confirm_organisation", HANDLER, payload)
    assert play.state.stage == "account"


@pytest.mark.parametrize("typed", ["114", "0l14", "1614", "19811218-9876"])
def test_a_code_that_is_no_municipalitys_is_refused(typed: str) -> None:
    """The place is named, in both languages, and what was typed is not repeated."""
    wanted = application()
    wanted["organisation"] |= {"municipality_code": typed}
    refusal = Play(ONBOARDING, onboarding_id(MOLNDAL)).refused("apply", CONTACT, wanted)

    assert refusal.field == "organisation.municipality_code"
    assert "ommunkod" in refusal.text.sv
    assert "unicipality code" in refusal.text.en
    assert typed not in refusal.text.sv + refusal.text.en


@pytest.mark.parametrize(("stated", "looks"), [("1481", None), ("0180", WRONG_CODE)])
def test_a_stated_code_must_be_that_of_the_number(stated: str, looks: Text | None) -> None:
    """With another municipality's a handler looks; the register's code is the one kept."""
    wanted = application()
    wanted["organisation"] |= {"municipality_code": stated}
    play = Play(ONBOARDING, onboarding_id(MOLNDAL))
    play.take("apply", CONTACT, wanted)
    found = {"name": "Mölndals kommun", "kind": "municipality", "municipality_code": "1481"}
    play.answer("organisation_looked_up", **found)

    assert play.state.organisation.municipality_code == "1481"
    assert play.state.organisation.needs_person == looks
    assert (("case_handler", "confirm_organisation") in play.waits) is (looks is not None)


def test_an_organisation_that_is_not_eligible_is_dismissed_by_decision() -> None:
    """A region is heard and dismissed by a decision of another person, with an appeal period."""
    play = opened()
    reason = {"sv": "Region.", "en": "Region."}
    play.answer("organisation_looked_up", needs_person=reason)
    play.take("propose_decision", HANDLER, proposal(outcome="dismissed") | {"datasets": []})
    play.take("hear_party", HANDLER, {"material": "Förslag", "due": "2026-03-16"})
    assert play.refused("decide", DECIDER, {"reasons": "x"}).code == "not_now"
    play.wait(days=15)
    play.take("decide", DECIDER, {"reasons": "En region kan inte bli producent."})

    assert play.state.stage == "appeal_period"
    assert play.wait(days=40)[-1] == "legal_force"
    assert (play.state.stage, play.state.outcome) == ("ended", "dismissed")


def test_a_dismissal_examines_no_data_sets() -> None:
    """One that names some is refused, and so is one that a decider would make so."""
    play = opened()
    play.answer("organisation_looked_up", needs_person={"sv": "Region.", "en": "Region."})
    named = proposal({"dataset_id": "nope", "granted": False}, outcome="dismissed")
    assert play.refused("propose_decision", HANDLER, named).code == "not_examined"
    play.take("propose_decision", HANDLER, named | {"datasets": []})
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    decided = {"reasons": "x", "datasets": named["datasets"]}
    assert play.refused("decide", DECIDER, decided).field == "datasets"


def test_the_deputy_is_told_while_there_is_no_contact() -> None:
    """And a handler where nobody acts for the party: what it must know is never told to nobody."""
    play = at_review()
    play.take("name_deputy", CONTACT, {"name": "Bo Ek", "email": "bo.ek@molndal.example"})
    play.state.contact = None
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Enligt förslaget."})
    [told] = [each for each in play.state.notices if each.template == "decided"]
    assert told.person is not None
    assert told.person.email == "bo.ek@molndal.example"
    play.state.deputy = None
    assert play.state.addressee is Role.CASE_HANDLER


def test_personal_data_call_for_a_processing_agreement() -> None:
    """Declared personal data add the processing agreement; a ground is then demanded."""
    play = at_agreement(declaration(**PERSONAL))
    assert sorted(play.state.agreements) == ["processing", "producer"]

    play = at_review(declaration(**PERSONAL))
    assert play.refused("propose_decision", HANDLER, proposal()).code == "ground_mismatch"
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "P1a"}
    play.take("propose_decision", HANDLER, proposal(granted))
    assert ("decider", "decide") in play.waits


def test_unknown_personal_data_block_the_agreements() -> None:
    """`unknown` waits on the producer until the data set has been described."""
    play = at_agreement(declaration(personal_data="unknown"))
    assert ("producer", "describe_dataset") in play.waits

    play.take("submit_agreement", CONTACT, submission())
    play.take("accept_agreement", HANDLER, all_ok())
    assert play.state.stage == "agreement"

    play.take("describe_dataset", CONTACT, declaration(**PERSONAL))
    assert play.waits == [("producer", "submit_agreement")]


def test_a_returned_agreement_names_the_place_and_comes_again() -> None:
    """A handler returns an agreement by place; the producer hands it in again."""
    play = at_agreement()
    play.take("submit_agreement", CONTACT, submission())
    lacks = {"place": "p.14", "what": "Underskrift saknas"}
    payload = {"kind": "producer", "deficiencies": [lacks], "due": "2026-03-20"}
    play.take("return_agreement", HANDLER, payload)

    assert play.waits == [("producer", "return_agreement")]
    assert "p.14" in play.mails("agreement_returned")[0].what["what"]
    assert play.refused("accept_agreement", HANDLER, all_ok()).code == "not_now"

    play.take("submit_agreement", CONTACT, submission())
    play.take("accept_agreement", HANDLER, all_ok())
    assert play.state.stage == "review"


def test_every_place_of_an_agreement_is_answered() -> None:
    """An incomplete checklist, or a deficient place, does not accept an agreement."""
    play = at_agreement()
    play.take("submit_agreement", CONTACT, submission())
    short = {"kind": "producer", "checklist": all_ok()["checklist"][:1]}
    assert play.refused("accept_agreement", HANDLER, short).code == "checklist_incomplete"

    bad = all_ok()
    bad["checklist"][1]["outcome"] = "deficient"
    assert play.refused("accept_agreement", HANDLER, bad).code == "place_deficient"


def test_the_proposer_cannot_decide() -> None:
    """Two persons: who proposed the decision neither decides it nor sends it back."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    same = DECIDER.model_copy(update={"subject": HANDLER.subject})
    assert play.refused("decide", same, {"reasons": "x"}).code == "own_proposal"
    assert play.refused("send_back", same, {"reason": "x"}).code == "own_proposal"
    play.take("send_back", DECIDER, {"reason": "Komplettera."})


def test_a_decision_is_never_worse_than_what_the_party_was_heard_on() -> None:
    """A full grant was proposed: a denial must be sent back so that the party is heard."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    denial = {"dataset_id": "detaljplan", "granted": False}
    payload = {"outcome": "denied", "datasets": [denial], "reasons": "x"}
    assert play.refused("decide", DECIDER, payload).code == "worse_than_heard"

    play.take("send_back", DECIDER, {"reason": "Hör parten."})
    assert play.waits == [("case_handler", "review")]


@pytest.mark.parametrize("how", ["comment", "skip", "silence"])
def test_a_grant_with_conditions_needs_a_hearing(how: str) -> None:
    """Conditions go against the party: it comments, stays silent, or is left out with a code."""
    play = at_review()
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    play.take("propose_decision", HANDLER, proposal(granted | {"conditions": "Årlig rapport."}))
    assert play.waits == [("case_handler", "hear_party")]

    if how == "skip":
        assert play.refused("skip_hearing", HANDLER, {"reason": "tid"}).code == "not_an_exception"
        play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    else:
        play.take("hear_party", HANDLER, {"material": "Villkor", "due": "2026-03-16"})
        assert ("producer", "hearing") in play.waits
        if how == "comment":
            play.take("comment", CONTACT, {"text": "Vi godtar villkoret."})
        else:
            play.wait_until(midnight_after(date(2026, 3, 16)))
    play.take("decide", DECIDER, {"reasons": "Som föreslaget."})
    assert play.state.stage == "countersigning"


def test_data_sets_are_granted_and_denied_one_by_one() -> None:
    """A denied data set beside a granted one goes on as its own connection."""
    play = at_review(declaration(), declaration("byggnad"))
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    denied = {"dataset_id": "byggnad", "granted": False}
    play.take("propose_decision", HANDLER, proposal(granted, denied))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_2"})
    play.take("decide", DECIDER, {"reasons": "Delvis."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    play.answer("agreement_registered", kind="producer")

    begun = {word.to: word.content for word in play.told("begin")}
    assert len(begun) == 3
    content = begun[f"dataset/{CONTACT.organisation}/byggnad"]
    assert content["dataset"]["decision"]["granted"] is False


def test_all_denied_leads_to_the_appeal_period_and_no_agreement() -> None:
    """Nobody denied ever holds an agreement; the case ends when the decision has legal force."""
    play = at_review()
    denied = {"dataset_id": "detaljplan", "granted": False}
    play.take("propose_decision", HANDLER, proposal(denied, outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})

    assert play.state.appeal is not None
    assert play.state.appeal.last_day == date(2026, 3, 23)
    assert not play.told("begin")
    play.wait_until(midnight_after(date(2026, 3, 23)) - timedelta(seconds=1))
    assert play.state.stage == "appeal_period"
    play.wait(seconds=1)
    assert (play.state.stage, play.state.outcome) == ("ended", "denied")


def _denied() -> Play[OnboardingState]:
    play = at_review()
    denied = {"dataset_id": "detaljplan", "granted": False}
    play.take("propose_decision", HANDLER, proposal(denied, outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    return play


def test_an_appeal_in_time_stops_the_clock_and_goes_to_court() -> None:
    """An appeal in time is reconsidered or handed over; the court's answer ends the case."""
    play = _denied()
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    assert not [name for name in play.wait(days=60) if name == "legal_force"]
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    play.take("hand_over", HANDLER, {"date": "2026-03-10"})
    assert play.waits == [("court", "court")]
    play.take("record_appeal_outcome", HANDLER, {"outcome": "upheld", "date": "2026-04-01"})
    assert (play.state.stage, play.state.outcome) == ("ended", "denied")


def test_a_decision_can_be_reconsidered_until_it_is_handed_over() -> None:
    """A new decision in the party's favour leads on to countersigning."""
    play = _denied()
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    payload = {
        "datasets": [granted],
        "legal_rules": ["FL 38 §"],
        "decisive_facts": "Nytt underlag.",
        "reasons": "Beslutet ändras.",
    }
    play.take("reconsider", DECIDER, payload)
    assert play.state.stage == "countersigning"


def test_an_appeal_too_late_ends_the_case() -> None:
    """An appeal that came too late is dismissed and the decision stands."""
    play = _denied()
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": False, "reason": "För sent."})
    assert (play.state.stage, play.state.outcome) == ("ended", "denied")


def _at_account() -> Play[OnboardingState]:
    play = opened()
    play.answer("organisation_looked_up", name="Mölndals kommun", kind="municipality")
    play.answer("organisation_found", account_id="org-1")
    person = {"email": CONTACT.subject, "account_id": "acc-1", "login_name": "annalind"}
    play.answer("person_found", role="contact", **person, active=False)
    return play


def _at_countersigning() -> Play[OnboardingState]:
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Ja."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    return play


STAGES: dict[str, Callable[[], Play[OnboardingState]]] = {
    "intake": opened,
    "account": _at_account,
    "agreement": at_agreement,
    "review": at_review,
    "countersigning": _at_countersigning,
    "datasets": at_datasets,
    "appeal_period": _denied,
}


@pytest.mark.parametrize("step", ["withdraw", "close"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_case_ends_from_wherever_it_is(stage: str, step: str) -> None:
    """`withdraw` and `close` work at every stage, with the clean-up that the stage needs."""
    play = STAGES[stage]()
    assert play.state.stage == stage
    outcome = "withdrawn" if step == "withdraw" else "closed"
    if step == "withdraw":
        play.take("withdraw", CONTACT)
    else:
        play.take("close", HANDLER, {"reason": "Dubblett.", "legal_rules": ["FL 32 §"]})
    if stage == "countersigning":
        assert (play.state.stage, play.wanted) == ("ending", ["withdraw_registration:producer"])
        play.answer("registration_withdrawn", kind="producer")
    if stage == "datasets":
        assert {word.to for word in play.told("end")} == set(play.state.parts)
        assert play.state.stage == "ending"
        for ref in list(play.state.parts):
            play.answer("part_ended", ref=ref, outcome=outcome)
    assert (play.state.stage, play.state.outcome) == ("ended", outcome)
    assert not play.state.pending
    assert not play.state.enrolled
    assert len(play.told("release")) == (stage != "intake")


def test_refused_countersigning_goes_back_to_review() -> None:
    """The signatory declines with a reason; the handler examines again."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Ja."})
    play.take("refuse_countersigning", SIGNATORY, {"reason": "Fel mall."})
    assert play.waits == [("case_handler", "review")]


def test_completion_is_asked_for_and_handed_in() -> None:
    """While asked for a completion the case waits on the producer, then on the handler."""
    play = at_agreement()
    payload = {"items": [{"what": "Delegationsordning"}], "due": "2026-03-16"}
    play.take("request_completion", HANDLER, payload)
    assert play.waits == [("producer", "completion")]
    assert any(name.startswith("remind") for name in play.wait(days=8))
    play.take("submit_completion", CONTACT, {"text": "Här är den."})
    assert ("case_handler", "check_completion") in play.waits


def test_a_completion_never_closes_a_case_by_itself() -> None:
    """After the day has passed the handler is told, and the case goes on waiting."""
    play = at_agreement()
    payload = {"items": [{"what": "Karta"}], "due": "2026-03-16"}
    play.take("request_completion", HANDLER, payload)
    play.wait(days=200)
    assert play.state.stage == "agreement"
    assert play.mails("overdue")


def test_parking_moves_lantmateriets_deadlines() -> None:
    """Twenty working days, of which those that it was parked do not count.

    From 2 March they would end on the 30th; parked until 1 April they end on 4 May.
    """
    play = at_review()
    play.take("park", HANDLER, {"until": "2026-04-01", "reason": "Semester"})
    assert play.waits == [("nobody", "parked")]
    passed = play.wait_until(midnight_after(date(2026, 5, 4)) - timedelta(seconds=1))
    assert (passed, play.mails("overdue")) == (["unpark"], [])
    play.wait(seconds=1)
    assert [mail.what["rule"] for mail in play.mails("overdue")] == ["review"]


def test_parking_moves_no_day_that_the_producer_was_given() -> None:
    """An extended day is the day, parked or not: neither earlier nor later."""
    play = at_agreement()
    later = {"deadline": "submit_agreement", "due": "2026-04-30", "reason": "Nämnd"}
    play.take("extend_deadline", HANDLER, later)
    play.take("park", HANDLER, {"until": "2026-04-01", "reason": "Semester"})
    play.wait_until(midnight_after(date(2026, 4, 30)) - timedelta(seconds=1))
    assert not play.mails("overdue")
    play.wait(seconds=1)
    assert [mail.what["rule"] for mail in play.mails("overdue")] == ["submit_agreement"]


def test_parking_counts_no_day_against_the_producer() -> None:
    """Five days before and two after make the week after which they are reminded."""
    play = at_agreement()
    play.wait(days=5)
    play.take("park", HANDLER, {"until": "2026-04-01", "reason": "Semester"})
    play.wait_until(midnight_after(date(2026, 4, 1)))
    assert not play.mails("reminder")
    play.wait(days=2)
    assert len(play.mails("reminder")) == 1


def test_what_came_by_post_is_entered_for_somebody_on_a_basis() -> None:
    """A handler opens no case of their own accord, and none that has not come yet."""
    play: Play[OnboardingState] = Play(ONBOARDING, onboarding_id(MOLNDAL))
    assert play.refused("apply", HANDLER, application()).code == "basis_required"
    tomorrow = {"arrival_date": NOON.date() + timedelta(days=1)}
    ahead = play.refused("apply", by_post().model_copy(update=tomorrow), application())
    assert (ahead.code, ahead.field) == ("in_the_future", "actor.arrival_date")
    play.take("apply", by_post(), application())
    assert (play.state.arrived_on, play.state.handler) == (NOON.date(), HANDLER.subject)


def test_six_months_are_counted_from_the_day_it_came_by_post() -> None:
    """It lay for two weeks before it was entered: those are the authority's (FL 12 §)."""
    play: Play[OnboardingState] = Play(ONBOARDING, onboarding_id(MOLNDAL))
    came = {"arrival_date": NOON.date() - timedelta(days=14)}
    play.take("apply", by_post().model_copy(update=came), application())
    play.wait_until(midnight_after(date(2026, 8, 15)))
    assert play.refused("request_decision", CONTACT).code == "not_now"
    play.wait_until(midnight_after(date(2026, 8, 17)))
    play.take("request_decision", CONTACT)


@pytest.mark.parametrize(
    ("stage", "rule", "days"),
    [("agreement", "check_agreement", 5), ("review", "review", 20), ("signing", "countersign", 10)],
)
def test_lantmateriets_own_deadlines_escalate(stage: str, rule: str, days: int) -> None:
    """At the end of the last working day, not a second sooner, all handlers are told, once."""
    play = at_agreement() if stage == "agreement" else at_review()
    if stage == "agreement":
        play.take("submit_agreement", CONTACT, submission())
    elif stage == "signing":
        play.take("propose_decision", HANDLER, proposal())
        play.take("decide", DECIDER, {"reasons": "Ja."})
    end = midnight_after(add_working_days(NOON.date(), days))
    assert [wait.rule for wait in play.state.waiting] == [rule]

    play.wait_until(end - timedelta(seconds=1))
    assert not play.mails("overdue")
    play.wait(seconds=1)
    (mail,) = play.mails("overdue")
    assert (mail.role, mail.what["rule"]) == (Role.CASE_HANDLER, rule)
    play.wait(days=60)
    assert len(play.mails("overdue")) == 1


def test_a_deadline_can_be_extended_with_a_reason() -> None:
    """An extended deadline escalates on the new day only."""
    play = at_review()
    payload = {"deadline": "review", "due": "2026-06-01", "reason": "Remiss"}
    play.take("extend_deadline", HANDLER, payload)
    play.wait_until(midnight_after(date(2026, 5, 31)))
    assert not play.mails("overdue")
    play.wait(days=2)
    assert len(play.mails("overdue")) == 1


def test_a_decision_may_be_asked_for_after_six_months_once() -> None:
    """FL 12 §: when the last day of the six months has passed, once, and then within 28 days."""
    play = at_agreement()
    assert play.refused("request_decision", CONTACT).code == "not_now"
    six_months = midnight_after(date(2026, 9, 2))
    play.wait_until(six_months - timedelta(seconds=1))
    assert play.refused("request_decision", CONTACT).code == "not_now"
    play.wait_until(six_months)
    play.take("request_decision", CONTACT)
    assert ("decider", "decide_on_request") in play.waits
    assert date(2026, 10, 1) in {wait.due for wait in play.state.waiting}
    assert play.refused("request_decision", CONTACT).code == "not_now"
    play.take("refuse_request_decision", DECIDER, {"reason": "Kompletteras."})
    assert ("decider", "decide_on_request") not in play.waits


def test_a_private_party_has_three_weeks_from_receipt() -> None:
    """A company's appeal clock starts when it got the decision (FL 44 §)."""
    play = opened()
    play.state.organisation.org_number = "556036-0793"
    reason = {"sv": "Bolag.", "en": "Company."}
    play.answer("organisation_looked_up", needs_person=reason)
    play.take("propose_decision", HANDLER, proposal(outcome="dismissed") | {"datasets": []})
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    assert play.waits == [("case_handler", "record_receipt")]
    assert play.refused("record_receipt", HANDLER, {"date": "2026-03-13"}).code == "in_the_future"
    before = {"date": "2026-03-01"}
    assert play.refused("record_receipt", HANDLER, before).code == "before_the_decision"
    play.wait(days=12)
    play.take("record_receipt", HANDLER, {"date": "2026-03-13"})
    assert play.state.appeal is not None
    assert play.state.appeal.last_day == date(2026, 4, 7)


def test_a_biased_handler_cannot_act() -> None:
    """After declaring bias a handler is refused in this case."""
    play = at_review()
    play.take("declare_bias", HANDLER, {"reason": "Släkt."})
    assert play.refused("propose_decision", HANDLER, proposal()).code == "biased"


def test_a_letter_needs_a_basis_and_a_day() -> None:
    """A handler enters the contact's step only for somebody, with the day it arrived."""
    play = at_agreement()
    assert play.refused("submit_agreement", HANDLER, submission()).code == "basis_required"
    play.take("submit_agreement", by_post(), submission())


def test_another_organisations_contact_is_refused() -> None:
    """A contact of another organisation, and a stranger of the own, may not act."""
    play = at_agreement()
    other = CONTACT.model_copy(update={"organisation": "212000-0142"})
    assert play.refused("submit_agreement", other, submission()).code == "not_allowed"
    stranger = CONTACT.model_copy(update={"subject": "x@molndal.example"})
    assert play.refused("submit_agreement", stranger, submission()).code == "not_allowed"


def test_the_deputy_acts_as_the_contact_but_names_no_deputy() -> None:
    """`contact` includes the deputy, except in `name_deputy`."""
    play = at_agreement()
    play.take("name_deputy", CONTACT, {"name": "Bo Ek", "email": "bo.ek@molndal.example"})
    deputy = CONTACT.model_copy(
        update={"subject": "bo.ek@molndal.example", "role": Role.PRODUCER_DEPUTY}
    )
    play.take("submit_agreement", deputy, submission())
    named = {"name": "Eva Ny", "email": "eva.ny@molndal.example"}
    assert play.refused("name_deputy", deputy, named).code == "not_allowed"


def test_a_replaced_contact_gets_an_own_account() -> None:
    """The new contact's account is wanted; the old one may no longer act."""
    play = at_agreement()
    play.take("replace_contact", CONTACT, {"name": "Eva Ny", "email": "eva.ny@molndal.example"})
    assert "find_or_create_person:contact" in play.wanted
    assert play.refused("submit_agreement", CONTACT, submission()).code == "not_allowed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"hosting": "own_api", "base_url": "http://api.molndal.example"}, "not_https"),
        ({"support_email": "fel"}, "bad_email"),
        ({"personal_data": "declared"}, "categories_missing"),
        ({"hosting": None}, "hosting_missing"),
        ({"dataset_id": "vagar"}, "unknown_dataset"),
    ],
)
def test_bad_input_is_refused_with_a_code_and_both_languages(
    changes: dict[str, object], code: str
) -> None:
    """Each kind of bad input says what and where, in Swedish and English."""
    play = Play(opened().machine, "onboarding/x")
    payload = {
        "organisation": {"org_number": CONTACT.organisation},
        "contact": {"name": "Anna Lind", "email": CONTACT.subject},
        "datasets": [declaration(**changes)],
    }
    found = play.refused("apply", CONTACT, payload)
    assert found.code == code
    assert found.field is not None
    assert found.field.startswith("datasets.0")
    assert found.text.sv
    assert found.text.en


def test_a_personal_number_is_refused_and_not_repeated() -> None:
    """A personnummer in the organisation's place is neither kept nor echoed."""
    play = Play(opened().machine, "onboarding/x")
    payload = {
        "organisation": {"org_number": "19811218-9876"},
        "contact": {"name": "Anna Lind", "email": CONTACT.subject},
        "datasets": [declaration()],
    }
    found = play.refused("apply", CONTACT, payload)
    assert found.code == "personal_number"
    assert "9876" not in found.model_dump_json()
