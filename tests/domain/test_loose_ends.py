"""What must not be left behind when a case takes another way than expected."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.act import Role
from domain.connection import MACHINE as CONNECTION
from domain.connection_state import ConnectionState
from domain.dates import midnight_after
from tests.domain.parts import (
    AGREEMENT_ID,
    ANNA,
    CONNECTION_ID,
    EVA,
    PERMISSION_ID,
    SYSTEM,
    agreement_in_force,
    begun_connection,
    connected,
    connection_begin,
    opened_alone,
    standing,
)
from tests.domain.playing import (
    CONTACT,
    DECIDER,
    HANDLER,
    PERSONAL,
    SIGNATORY,
    Play,
    all_ok,
    at_agreement,
    at_review,
    declaration,
    opened,
    proposal,
    submission,
)

P1A = {"dataset_id": "detaljplan", "granted": True, "ground": "P1a"}
GRANT = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
COMPLETION = {"items": [{"what": "Reglemente"}], "due": "2026-03-31"}
DISMISSAL = proposal(outcome="dismissed") | {"datasets": []}
BO = {"name": "Bo Ek", "email": "bo.ek@molndal.example", "account_id": "acc-3"}


def _signed(play: Play[ConnectionState]) -> None:
    """Let the processing agreement be handed in, the case decided, and both have signed."""
    play.take("submit_agreement", CONTACT, submission("processing"))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    play.take("propose_decision", HANDLER, proposal(P1A))
    play.take("decide", DECIDER, {"reasons": "Som föreslaget."})
    play.take("countersign_agreement", SIGNATORY, {"kind": "processing"})


# ---- what both have signed is registered, whatever becomes of the data set -----------------------


def test_a_data_set_withdrawn_while_its_agreement_is_registered_leaves_no_orphan() -> None:
    """The register is waited for, the agreement answers for what it holds, then it ends."""
    play = opened_alone(**PERSONAL)
    play.answer("enrolled", **standing())
    _signed(play)
    play.take("withdraw", CONTACT)
    assert (play.state.stage, play.wanted) == ("ending", ["register_agreement:processing"])
    assert play.waits == [("agreement_register", "register_agreement")]
    play.answer("agreement_registered", kind="processing")
    assert (play.state.stage, play.state.outcome) == ("ended", "withdrawn")
    (word,) = play.told("supplemented")
    assert (word.to, word.content["agreement"]["a3"]) == (AGREEMENT_ID, ["namn", "adress"])
    assert not play.told("granted")


def test_a_change_withdrawn_while_its_supplement_is_registered_leaves_no_orphan() -> None:
    """Delivery goes on as before; another change waits until the register has answered."""
    play = connected()
    play.take("change_declaration", CONTACT, PERSONAL)
    _signed(play)
    play.take("withdraw", CONTACT)
    assert play.state.stage == "connected"
    assert "register_agreement:processing" in play.wanted
    assert play.refused("change_declaration", CONTACT, PERSONAL).code == "being_registered"
    play.answer("agreement_registered", kind="processing")
    assert "register_agreement:processing" not in play.wanted
    assert len(play.told("supplemented")) == 1
    play.take("change_declaration", CONTACT, PERSONAL)
    assert "processing" in play.state.agreements


def test_a_data_set_that_ends_waits_for_no_decider() -> None:
    """A change lay before the decider when the agreement ended: nothing is decided any more."""
    play = connected()
    play.take("change_declaration", CONTACT, PERSONAL)
    play.take("submit_agreement", CONTACT, submission("processing"))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    play.take("propose_decision", HANDLER, proposal(P1A))
    assert ("decider", "decide") in play.waits
    play.answer("end", outcome="agreement_ended")
    assert play.state.stage == "ending"
    assert "decider" not in {on for on, _ in play.waits}


def test_the_second_of_two_first_processing_agreements_is_registered_as_a_supplement() -> None:
    """Another data set's came first: the same paper is wanted anew, under the other's."""
    play = opened_alone(**PERSONAL)
    play.answer("enrolled", **standing())
    _signed(play)
    play.answer("covered", a3=["namn"], a4=["fastighetsägare"], processing_key="other")
    assert play.wanted == ["register_agreement:supplement"]
    play.answer("agreement_registered", kind="processing")
    assert play.state.stage == "connecting"


def test_an_agreement_told_twice_of_the_same_paper_keeps_it_once() -> None:
    """The first processing agreement does not become a supplement of itself."""
    play = agreement_in_force("producer")
    paper = {"kind": "processing", "document": "p" * 64, "a3": ["namn"], "a4": ["ägare"]}
    for _ in range(2):
        play.answer("supplemented", agreement=paper)
    assert (list(play.state.agreements), play.state.supplements) == (["producer", "processing"], [])


# ---- people --------------------------------------------------------------------------------------


def test_a_denied_data_set_hears_of_a_new_contact_who_may_appeal() -> None:
    """From the onboarding while there is no agreement; it enrols there when one is in force."""
    onboarding = at_review(declaration(), declaration("byggnad"))
    onboarding.take(
        "propose_decision",
        HANDLER,
        proposal(GRANT, {"dataset_id": "byggnad", "granted": False}),
    )
    onboarding.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    onboarding.take("decide", DECIDER, {"reasons": "Delvis."})
    onboarding.take("replace_contact", CONTACT, EVA)
    (told,) = onboarding.told("contacts")
    assert told.to.startswith("dataset/")
    assert told.content["holder"]["email"] == EVA["email"]

    denied = begun_connection(granted=False)
    denied.answer("enrolled", accepted=False)
    denied.answer("contacts", **told.content)
    denied.answer("agreement_in_force")
    assert "enrol_at_agreement" in denied.wanted
    denied.answer("enrolled", **standing(contact=EVA | {"account_id": "acc-9"}))
    eva = CONTACT.model_copy(update={"subject": "acc-9"})
    appeal = {"document": "d" * 64, "arrival_date": "2026-03-02"}
    assert denied.refused("appeal", CONTACT, appeal).code == "not_allowed"
    denied.take("appeal", eva, appeal)


def test_a_denied_data_set_without_anybody_says_who_must_name_one() -> None:
    """Also before it is enrolled at an agreement."""
    denied = begun_connection(granted=False)
    denied.answer("contacts", holder=None, deputy=None)
    assert ("case_handler", "name_contact") in denied.waits


def test_bias_declared_in_the_onboarding_holds_at_its_data_sets() -> None:
    """Who has declared bias takes no part there either (FL 18 §)."""
    play = Play(CONNECTION, CONNECTION_ID)
    play.answer("begin", **connection_begin(granted=False), biased=[HANDLER.subject])
    assert play.refused("assign", HANDLER, {"handler": "Bo"}).code == "biased"


def test_who_is_not_kept_by_the_yearly_confirmation_loses_the_key() -> None:
    """The agreement tells the data sets, they their own permission, as when somebody leaves."""
    agreement = agreement_in_force("producer")
    agreement.take("enrol", SYSTEM, {"ref": CONNECTION_ID, "type": "DatasetConnection"})
    agreement.take("name_deputy", CONTACT, {"name": BO["name"], "email": BO["email"]})
    agreement.answer(
        "person_found", role="deputy", login_name="bo", active=True,
        email=BO["email"], account_id=BO["account_id"],
    )  # fmt: skip
    agreement.take("confirm_access", CONTACT, {"persons": [BO["email"]]})
    (word,) = agreement.told("not_confirmed")
    assert (word.to, word.content) == (CONNECTION_ID, {"account_id": ANNA["account_id"]})

    connection = connected()
    connection.answer("not_confirmed", **word.content)
    (passed,) = connection.told("person_left")
    assert (passed.to, passed.content["roles"]) == (PERMISSION_ID, ["key"])


def test_a_contact_named_after_a_time_without_any_is_told() -> None:
    """That there was nobody to tell does not make the next one the first."""
    agreement = agreement_in_force("producer")
    agreement.take("enrol", SYSTEM, {"ref": CONNECTION_ID, "type": "DatasetConnection"})
    agreement.answer("person_left", account_id=ANNA["account_id"], roles=["contact"])
    agreement.take("replace_contact", HANDLER, {"name": EVA["name"], "email": EVA["email"]})
    holders = [word.content["holder"] for word in agreement.told("contacts")]
    assert [each and each["email"] for each in holders] == [None, EVA["email"]]


def test_an_information_owner_who_left_does_not_come_back_with_a_change_taken_back() -> None:
    """The successor answers for the data set as it was, too."""
    play = connected()
    owner = play.state.declaration.information_owner.email
    play.answer("owner_looked_up", email=owner, account_id="acc-7", active=True)
    play.take("change_declaration", CONTACT, PERSONAL)
    successors = {"information_owner": EVA}
    play.answer("person_left", account_id="acc-7", successors=successors)
    play.take("withdraw", CONTACT)
    assert play.state.declaration.information_owner.email == EVA["email"]


# ---- decisions -----------------------------------------------------------------------------------


def _decided_but_undescribed() -> Play[ConnectionState]:
    """Return a data set that a decision covers as soon as it is described without personal data."""
    plan = {"dataset_id": "detaljplan", "specification": "4.1", "personal_data": "none"}
    play = opened_alone(personal_data="unknown")
    play.answer("enrolled", **standing(granted={"detaljplan": plan}))
    return play


def _describe(play: Play[ConnectionState]) -> None:
    described = {**play.state.declaration.model_dump(mode="json"), "personal_data": "none"}
    play.take("describe_dataset", CONTACT, described)


def test_a_proposed_dismissal_is_decided_before_the_data_set_goes_on() -> None:
    """Described meanwhile and covered already: nothing connects while it lies there."""
    play = _decided_but_undescribed()
    play.take("propose_decision", HANDLER, DISMISSAL)
    _describe(play)
    assert (play.state.stage, play.told("begin")) == ("intake", [])
    assert play.waits == [("case_handler", "hear_party")]
    play.take("send_back", DECIDER, {"reason": "Nu är den beskriven."})
    assert play.state.stage == "connecting"


def test_a_completion_asked_for_does_not_follow_past_the_examination() -> None:
    """Nobody could look at it there."""
    play = _decided_but_undescribed()
    play.take("request_completion", HANDLER, COMPLETION)
    _describe(play)
    assert (play.state.stage, play.state.completion) == ("connecting", None)


def test_nothing_is_asked_for_while_a_proposal_lies_before_the_decider() -> None:
    """It would hide that the decider is waited for."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    assert play.refused("request_completion", HANDLER, COMPLETION).code == "not_now"


@pytest.mark.parametrize(
    ("heard", "decided"),
    [
        ({"conditions": "Årlig rapport."}, {"conditions": "Bara planer före 1990."}),
        ({}, {"conditions": "Årlig rapport."}),
    ],
)
def test_other_conditions_than_the_party_was_heard_on_are_sent_back(
    heard: dict[str, str], decided: dict[str, str]
) -> None:
    """A condition is as bad as a denial to who was never asked about it (FL 25 §)."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal(GRANT | heard))
    if heard:
        play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    payload = {"reasons": "x", "datasets": [GRANT | decided]}
    assert play.refused("decide", DECIDER, payload).code == "worse_than_heard"
    play.take("decide", DECIDER, {"reasons": "x", "datasets": [GRANT]})


def test_a_dismissal_instead_of_the_denial_that_was_heard_is_sent_back() -> None:
    """Both go against the party, each in its own way."""
    play = at_review()
    denied = {"dataset_id": "detaljplan", "granted": False}
    play.take("propose_decision", HANDLER, proposal(denied, outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    payload = {"reasons": "x", "outcome": "dismissed", "datasets": []}
    assert play.refused("decide", DECIDER, payload).code == "worse_than_heard"


def test_a_decision_on_request_is_owed_also_while_the_case_is_parked() -> None:
    """FL 12 § gives four weeks, whatever else the case waits for."""
    play = at_agreement()
    play.wait_until(midnight_after(date(2026, 9, 2)))
    play.take("request_decision", CONTACT)
    play.take("park", HANDLER, {"until": "2026-12-01", "reason": "Semester"})
    assert play.waits == [("nobody", "parked"), ("decider", "decide_on_request")]


def test_the_six_months_of_a_change_run_from_the_change() -> None:
    """Each is asked for once, and what was asked for goes with the change."""
    play = connected()
    play.wait(days=200)
    play.take("change_declaration", CONTACT, PERSONAL)
    assert play.refused("request_decision", CONTACT).code == "not_now"
    play.wait(days=190)
    play.take("request_decision", CONTACT)
    play.take("withdraw", CONTACT)
    assert play.waits == [("nobody", "connected")]
    play.take("change_declaration", CONTACT, PERSONAL)
    play.wait(days=190)
    play.take("request_decision", CONTACT)


def test_after_a_dismissal_was_lifted_a_decision_may_be_asked_for_again() -> None:
    """What was lifted decides nothing."""
    play = opened()
    play.answer("organisation_looked_up", needs_person={"sv": "Region.", "en": "Region."})
    play.take("propose_decision", HANDLER, DISMISSAL)
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    reasons = {"legal_rules": ["FL 38 §"], "decisive_facts": "Nytt.", "reasons": "Ändras."}
    play.take("reconsider", DECIDER, reasons)
    play.wait_until(midnight_after(date(2026, 9, 2)))
    play.take("request_decision", CONTACT)
    assert ("decider", "decide_on_request") in play.waits


def test_a_wrong_day_of_receipt_is_put_right_until_there_is_an_appeal() -> None:
    """The last day to appeal follows the day that is right."""
    play = opened()
    play.state.organisation.org_number = "556036-0793"
    play.answer("organisation_looked_up", needs_person={"sv": "Bolag.", "en": "Company."})
    play.take("propose_decision", HANDLER, DISMISSAL)
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    play.wait(days=12)
    last_days = []
    for day in ("2026-03-13", "2026-03-10"):
        play.take("record_receipt", HANDLER, {"date": day})
        assert play.state.appeal is not None
        last_days.append(play.state.appeal.last_day)
    assert last_days == [date(2026, 4, 7), date(2026, 3, 31)]
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-12"})
    assert play.refused("record_receipt", HANDLER, {"date": "2026-03-11"}).code == "not_now"


# ---- agreements ----------------------------------------------------------------------------------


def test_an_agreement_is_in_force_from_the_signature_at_the_latest() -> None:
    """A day to come would open access before the agreement carries it."""
    play = at_review()
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Ja."})
    later = (play.now + timedelta(days=365)).date().isoformat()
    signed = {"kind": "producer", "valid_from": later}
    assert play.refused("countersign_agreement", SIGNATORY, signed).field == "valid_from"


def test_a_change_of_what_is_declared_does_not_change_who_delivers() -> None:
    """That has a step of its own, which ends or begins the permission."""
    play = connected()
    play.take("change_declaration", CONTACT, PERSONAL)
    described: dict[str, Any] = play.state.declaration.model_dump(mode="json")
    play.take("describe_dataset", CONTACT, described | {"delivery": "agent", "hosting": None})
    assert (play.state.declaration.delivery, play.told("end")) == ("own", [])


def test_under_notice_nobody_is_asked_to_confirm() -> None:
    """The step is closed there; taken back, the question comes as it would have."""
    play = agreement_in_force("producer")
    play.take(
        "give_notice", CONTACT, {"last_day": "2027-06-30", "reason": "Byte.", "document": "d"}
    )
    play.wait(days=400)
    assert play.waits == [("nobody", "under_notice")]
    play.take("withdraw_notice", CONTACT)
    play.wait(days=1)
    assert ("producer", "confirm_access") in play.waits


def test_a_grant_made_before_the_agreement_was_there_is_told_when_it_is() -> None:
    """Else the same declaration would be examined a second time."""
    play = begun_connection(granted=False)
    play.answer("enrolled", accepted=False)
    play.take("appeal", CONTACT, {"document": "d" * 64, "arrival_date": "2026-03-02"})
    play.take("record_timeliness", HANDLER, {"in_time": True, "reason": "I tid."})
    reasons = {"legal_rules": ["FL 38 §"], "decisive_facts": "Nytt.", "reasons": "Ändras."}
    play.take("reconsider", DECIDER, {"datasets": [GRANT], **reasons})
    play.state.outgoing.clear()
    play.answer("agreement_in_force")
    play.answer("enrolled", **standing())
    assert play.told("granted")[0].content["covered"]["dataset_id"] == "detaljplan"
    assert play.state.addressee is not Role.CASE_HANDLER
