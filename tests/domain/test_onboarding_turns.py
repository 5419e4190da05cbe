"""An onboarding that changes course: people, declarations, decisions and deadlines move."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.connection import MACHINE as CONNECTION
from domain.dates import midnight_after
from domain.onboarding_state import OnboardingState
from tests.domain.parts import AGREEMENT_ID, EVA
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
    at_agreement,
    at_datasets,
    at_review,
    declaration,
    opened,
    proposal,
    submission,
)

REGION = {"sv": "Region.", "en": "Region."}
BYGGNAD = f"dataset/{MOLNDAL}/byggnad"
DETALJPLAN = f"dataset/{MOLNDAL}/detaljplan"
COMPLETION = {"items": [{"what": "Karta"}], "due": "2026-03-16"}


def _dismissed_at_intake() -> Play[OnboardingState]:
    play = opened()
    play.answer("organisation_looked_up", needs_person=REGION)
    play.take("propose_decision", HANDLER, proposal(outcome="dismissed") | {"datasets": []})
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    return play


def _half_granted() -> Play[OnboardingState]:
    play = at_review(declaration(), declaration("byggnad"))
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    denied = {"dataset_id": "byggnad", "granted": False}
    play.take("propose_decision", HANDLER, proposal(granted, denied))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_2"})
    play.take("decide", DECIDER, {"reasons": "Delvis."})
    return play


def _sign(play: Play[OnboardingState]) -> None:
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    play.answer("agreement_registered", kind="producer")


def _begun(play: Play[OnboardingState]) -> list[str]:
    return [word.to for word in play.told("begin")]


def test_nothing_is_granted_before_the_review() -> None:
    """A decider cannot turn a proposed dismissal into a grant: no agreement stands behind it."""
    play = opened()
    play.answer("organisation_looked_up", needs_person=REGION)
    play.take("propose_decision", HANDLER, proposal(outcome="dismissed") | {"datasets": []})
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    granted = {"outcome": "granted", "datasets": proposal()["datasets"], "reasons": "Ja."}
    assert play.refused("decide", DECIDER, granted).code == "only_dismissal"


@pytest.mark.parametrize("how", ["reconsider", "court"])
def test_a_dismissal_that_does_not_stand_is_taken_up_where_it_was(how: str) -> None:
    """Changed by the authority or remitted by the court, the case goes on from the intake."""
    play = _dismissed_at_intake()
    if how == "court":
        play.take("hand_over", HANDLER, {"date": "2026-03-02"})
        play.take("record_appeal_outcome", HANDLER, {"outcome": "remitted", "date": "2026-03-02"})
    else:
        reasons = {"legal_rules": ["FL 38 §"], "decisive_facts": "Nytt.", "reasons": "Ändras."}
        named = reasons | {"datasets": proposal()["datasets"]}
        assert play.refused("reconsider", DECIDER, named).code == "not_examined"
        play.take("reconsider", DECIDER, reasons)

    assert (play.state.stage, play.state.appeal) == ("intake", None)
    assert play.waits == [("case_handler", "confirm_organisation")]


def test_an_organisation_is_not_confirmed_while_its_dismissal_lies_with_the_decider() -> None:
    """The decider sends the proposal back first: the two cannot both happen."""
    play = opened()
    play.answer("organisation_looked_up", needs_person=REGION)
    play.take("propose_decision", HANDLER, proposal(outcome="dismissed") | {"datasets": []})
    assert "confirm_organisation" not in play.open
    play.take("send_back", DECIDER, {"reason": "Pröva igen."})
    assert "confirm_organisation" in play.open


def test_a_denied_data_set_has_its_appeal_period_from_the_decision() -> None:
    """Its connection begins at once, and is told when the agreement has come into force."""
    play = _half_granted()
    assert (play.state.stage, _begun(play)) == ("countersigning", [BYGGNAD])
    _sign(play)
    assert _begun(play) == [BYGGNAD, AGREEMENT_ID, DETALJPLAN]
    assert [word.to for word in play.told("agreement_in_force")] == [BYGGNAD]


def test_a_denial_in_legal_force_before_the_signature_is_not_begun_again() -> None:
    """The denied data set's connection may end while the signatory is awaited."""
    play = _half_granted()
    play.answer("part_ended", ref=BYGGNAD, outcome="denied")
    _sign(play)
    assert _begun(play) == [BYGGNAD, AGREEMENT_ID, DETALJPLAN]
    play.answer("dataset_connected", ref=DETALJPLAN)
    assert (play.state.stage, play.state.outcome) == ("ended", "connected")


def test_a_decision_made_again_begins_the_connections_again() -> None:
    """The signatory declines: what the old decision began ends before the new one takes effect."""
    play = _half_granted()
    play.take("refuse_countersigning", SIGNATORY, {"reason": "Fel mall."})
    assert [word.to for word in play.told("end")] == [BYGGNAD]

    both = [
        {"dataset_id": name, "granted": True, "ground": "none_needed"}
        for name in ("detaljplan", "byggnad")
    ]
    play.take("propose_decision", HANDLER, proposal(*both))
    play.take("decide", DECIDER, {"reasons": "Båda."})
    _sign(play)
    assert play.state.stage == "countersigning"
    play.answer("part_ended", ref=BYGGNAD, outcome="examined_again")
    assert play.state.stage == "datasets"
    assert sorted(_begun(play)[1:]) == [AGREEMENT_ID, BYGGNAD, DETALJPLAN]


def test_an_appeal_under_way_goes_on_with_the_decision_that_is_made_again() -> None:
    """What the party has handed in is not lost (FL 46 §): it lies with the new denial."""
    play = _half_granted()
    begun = next(word for word in play.told("begin") if word.to == BYGGNAD)
    denied = Play(CONNECTION, BYGGNAD)
    denied.answer("begin", **begun.content)
    denied.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})

    play.take("refuse_countersigning", SIGNATORY, {"reason": "Fel mall."})
    denied.answer("end", **play.told("end")[0].content)
    play.answer("part_ended", **denied.told("part_ended")[0].content)
    again = [
        {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"},
        {"dataset_id": "byggnad", "granted": False},
    ]
    play.take("propose_decision", HANDLER, proposal(*again))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_2"})
    play.take("decide", DECIDER, {"reasons": "Som förut."})

    second = [word for word in play.told("begin") if word.to == BYGGNAD][-1]
    anew = Play(CONNECTION, BYGGNAD)
    anew.answer("begin", **second.content)
    assert anew.waits == [("case_handler", "record_timeliness")]


def test_the_agreement_stays_when_the_last_data_set_ended_without() -> None:
    """The onboarding ends with the outcome of the last one; nobody ends the agreement."""
    play = _half_granted()
    _sign(play)
    play.answer("part_ended", ref=DETALJPLAN, outcome="withdrawn")
    assert play.state.stage == "datasets"
    play.answer("part_ended", ref=BYGGNAD, outcome="denied")
    assert (play.state.stage, play.state.outcome) == ("ended", "denied")
    assert not play.told("end")


@pytest.mark.parametrize("step", ["withdraw", "close"])
def test_from_countersigning_on_the_agreement_ends_with_the_case(step: str) -> None:
    """Withdrawn or closed, the agreement and all below it are told to end, once, and awaited."""
    play = at_datasets()
    if step == "withdraw":
        play.take("withdraw", CONTACT)
    else:
        play.take("close", HANDLER, {"reason": "x", "legal_rules": ["FL 32 §"]})
    assert [word.to for word in play.told("end")] == [AGREEMENT_ID, DETALJPLAN]
    for ref in (AGREEMENT_ID, AGREEMENT_ID, DETALJPLAN):
        play.answer("part_ended", ref=ref, outcome="withdrawn")
    assert play.state.stage == "ended"


def test_a_registration_with_an_unknown_answer_is_looked_for_later() -> None:
    """Withdrawn while it registers and nobody knows: 30 s later it is ended in the register."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Ja."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "producer"})
    play.take("withdraw", CONTACT)
    play.answer("outcome_unknown", operation="register_agreement")
    assert (play.state.stage, play.wanted) == ("ending", [])
    assert play.wait(seconds=30) == ["look_again"]
    assert play.wanted == ["withdraw_registration:producer"]


def test_an_account_found_after_the_end_hangs_on_nothing() -> None:
    """The search was under way when the producer withdrew: nobody is kept for a case that ended."""
    play = opened()
    play.answer("organisation_looked_up", name="Mölndals kommun", kind="municipality")
    assert "find_or_create_person:contact" in play.wanted
    play.take("withdraw", CONTACT)
    found = {"email": CONTACT.subject, "account_id": "acc-1", "login_name": "annalind"}
    play.answer("person_found", role="contact", **found, active=False)
    assert (play.state.stage, play.state.enrolled) == ("ended", [])
    assert not play.told("enrol")


def test_a_replaced_contact_is_let_go() -> None:
    """The old contact's access is released; in review too the new one gets an account."""
    play = at_review()
    play.take("replace_contact", CONTACT, EVA)
    assert [word.to for word in play.told("release")] == ["person/acc-1"]
    assert play.wanted == ["find_or_create_person:contact"]
    assert play.refused("withdraw", CONTACT).code == "not_allowed"


def test_a_contact_replaced_in_the_appeal_period_gets_an_account() -> None:
    """Whoever appeals must be able to log in; a party dismissed at intake has no account yet."""
    play = at_review()
    denied = {"dataset_id": "detaljplan", "granted": False}
    play.take("propose_decision", HANDLER, proposal(denied, outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    play.take("replace_contact", CONTACT, EVA)
    assert play.wanted == ["find_or_create_person:contact"]
    assert not _dismissed_at_intake().wanted


@pytest.mark.parametrize(
    ("changes", "kinds", "stage"),
    [
        ({}, ["producer"], "review"),
        (
            {**PERSONAL, "a3": ["namn", "adress", "telefon"]},
            ["processing", "producer"],
            "agreement",
        ),
    ],
)
def test_a_declaration_may_change_until_the_agreements_are_accepted(
    changes: dict[str, Any], kinds: list[str], stage: str
) -> None:
    """To none, the processing agreement falls away; to more, it is to be checked again."""
    play = at_agreement(declaration(**PERSONAL))
    for kind in ("processing", "producer"):
        play.take("submit_agreement", CONTACT, submission(kind))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    play.take("describe_dataset", CONTACT, declaration(**changes))
    play.take("accept_agreement", HANDLER, all_ok())

    assert (sorted(play.state.agreements), play.state.stage) == (kinds, stage)
    if stage == "agreement":
        assert play.waits == [("case_handler", "check_agreement")]


def test_a_data_set_can_be_described_while_a_completion_is_awaited() -> None:
    """What the handler asks to be completed may be that very description."""
    play = at_agreement(declaration(personal_data="unknown"))
    play.take("request_completion", HANDLER, COMPLETION)
    play.take("describe_dataset", CONTACT, declaration())
    assert not play.state.agreements.keys() - {"producer"}


def test_a_form_read_too_late_is_not_taken_for_the_new_one() -> None:
    """Returned and sent in anew while the first form was being read: the second is read too."""
    play = at_agreement()
    play.take("submit_agreement", CONTACT, submission(form="f1"))
    lacks = {"place": "p.1", "what": "Namn"}
    back = {"kind": "producer", "deficiencies": [lacks], "due": "2026-03-20"}
    play.take("return_agreement", HANDLER, back)
    play.take("submit_agreement", CONTACT, submission(form="f2"))
    finding = {"place": "p.1", "ok": False, "sv": "Saknas", "en": "Missing"}
    play.answer("form_checked", kind="producer", form="f1", findings=[finding])
    assert play.wanted == ["check_form:producer"]
    play.answer("form_checked", kind="producer", form="f2", findings=[])
    assert not play.wanted


def test_an_accepted_agreement_can_be_returned_while_the_other_is_checked() -> None:
    """Accepted by mistake, it goes back to the producer and is checked again."""
    play = at_agreement(declaration(**PERSONAL))
    for kind in ("processing", "producer"):
        play.take("submit_agreement", CONTACT, submission(kind))
    play.take("accept_agreement", HANDLER, all_ok())
    lacks = {"place": "p.14", "what": "Underskrift"}
    back = {"kind": "producer", "deficiencies": [lacks], "due": "2026-03-20"}
    play.take("return_agreement", HANDLER, back)
    assert ("producer", "return_agreement") in play.waits
    play.take("submit_agreement", CONTACT, submission())
    play.take("accept_agreement", HANDLER, all_ok())
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    assert play.state.stage == "review"


def test_after_silence_the_handler_may_decide() -> None:
    """While a completion is awaited nothing is proposed; when its day has passed it may be."""
    play = at_review()
    play.take("request_completion", HANDLER, COMPLETION)
    assert "propose_decision" not in play.open
    play.wait_until(midnight_after(date(2026, 3, 16)))
    play.take("propose_decision", HANDLER, proposal())
    assert play.waits == [("decider", "decide")]


@pytest.mark.parametrize("rule", ["hearing", "completion"])
def test_an_extended_day_is_the_partys_own(rule: str) -> None:
    """A day given to the party moves with the extension: nothing is over before the new one."""
    play = at_review()
    if rule == "hearing":
        granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
        play.take("propose_decision", HANDLER, proposal(granted | {"conditions": "Rapport."}))
        play.take("hear_party", HANDLER, {"material": "Villkor", "due": "2026-03-16"})
    else:
        play.take("request_completion", HANDLER, COMPLETION)
    payload = {"deadline": rule, "due": "2026-03-30", "reason": "Sjukdom"}
    play.take("extend_deadline", HANDLER, payload)
    play.wait_until(midnight_after(date(2026, 3, 29)))
    assert play.waits == [("producer", rule)]
    play.wait(days=1)
    assert "decide" in play.open if rule == "hearing" else "propose_decision" in play.open


def test_an_extension_ends_with_its_wait() -> None:
    """Sent back, the review begins anew with the time it always has."""
    play = at_review()
    payload = {"deadline": "review", "due": "2027-01-11", "reason": "Remiss"}
    play.take("extend_deadline", HANDLER, payload)
    play.take("propose_decision", HANDLER, proposal())
    play.take("send_back", DECIDER, {"reason": "Igen."})
    play.wait(days=60)
    assert len(play.mails("overdue")) == 1


def test_an_extension_does_not_repeat_reminders_that_went_out() -> None:
    """Only what was told about the old day is told again about the new."""
    play = at_agreement()
    play.wait(days=8)
    payload = {"deadline": "submit_agreement", "due": "2026-05-29", "reason": "Nämnd"}
    play.take("extend_deadline", HANDLER, payload)
    play.wait(days=1)
    assert len(play.mails("reminder")) == 1


def test_deadlines_of_the_law_are_not_extended() -> None:
    """Neither the appeal period nor the four weeks of FL 12 § can be moved by a handler."""
    play = at_agreement()
    play.wait_until(midnight_after(date(2026, 9, 2)))
    play.take("request_decision", CONTACT)
    payload = {"deadline": "decide_on_request", "due": "2027-01-11", "reason": "x"}
    assert play.refused("extend_deadline", HANDLER, payload).code == "no_such_deadline"


def test_no_reminder_goes_out_with_the_request_itself() -> None:
    """Three days to complete: a reminder seven days before would come with the request."""
    play = at_agreement()
    play.take("request_completion", HANDLER, COMPLETION | {"due": "2026-03-05"})
    assert play.wait(days=2) == []


def test_a_hearing_ends_while_the_case_is_parked() -> None:
    """The party's time runs on; taken up again, the decision may follow."""
    play = at_review()
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    play.take("propose_decision", HANDLER, proposal(granted | {"conditions": "Rapport."}))
    play.take("hear_party", HANDLER, {"material": "Villkor", "due": "2026-03-16"})
    play.take("park", HANDLER, {"until": "2026-04-01", "reason": "Semester"})
    assert "hearing_over" in play.wait(days=40)
    assert play.waits == [("decider", "decide")]


def test_withdrawal_while_parked_leaves_no_parking_behind() -> None:
    """Ended is ended: nothing is taken up again later."""
    play = at_review()
    play.take("park", HANDLER, {"until": "2026-04-01", "reason": "Semester"})
    play.take("withdraw", CONTACT)
    assert (play.state.stage, play.wait(days=60)) == ("ended", [])
    assert (play.state.parked_at, play.state.paused) == (None, [])


def test_an_appeal_after_the_last_day_is_judged_by_a_handler() -> None:
    """It came before legal force was noted: not lost, but judged too late by a person."""
    play = at_review()
    denied = {"dataset_id": "detaljplan", "granted": False}
    play.take("propose_decision", HANDLER, proposal(denied, outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    play.now = midnight_after(date(2026, 3, 23)) + timedelta(seconds=5)
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-24"})
    assert play.waits == [("case_handler", "record_timeliness")]
    assert "request_decision" not in play.open


def test_words_to_a_case_that_has_ended_change_nothing_else() -> None:
    """Late answers and words are journaled; the case stays ended, as it was."""
    play = opened()
    play.take("withdraw", CONTACT)
    play.answer("organisation_looked_up", name="Mölndals kommun", kind="municipality")
    play.answer("part_ended", ref=AGREEMENT_ID, outcome="closed")
    play.answer("person_active", account_id="acc-1")
    assert (play.state.stage, play.state.outcome) == ("ended", "withdrawn")
    assert (play.wanted, play.waits, play.state.ended_at) == ([], [], NOON)


def test_nothing_but_the_application_is_open_before_it() -> None:
    """A workflow that nobody has applied in takes no other step."""
    play = Play(opened().machine, "onboarding/x")
    assert play.open == set()
    assert play.refused("withdraw", CONTACT).code == "not_now"
    assert play.refused("note", HANDLER, {"text": "x"}).code == "not_now"
