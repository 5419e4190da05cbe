from datetime import date
from typing import Any

from domain.act import Role
from domain.connection import MACHINE as CONNECTION
from domain.connection_state import ConnectionState
from domain.dates import midnight_after
from tests.domain.parts import (
    AGREEMENT_ID,
    CONNECTION_ID,
    OLA,
    PERMISSION_ID,
    SYSTEM,
    connected,
    connection_begin,
    dataset_application,
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
    proposal,
    submission,
)

COVERED: dict[str, Any] = {"a3": ["namn", "adress"], "a4": ["fastighetsägare"]}
PLAN = {"dataset_id": "detaljplan", "specification": "4.1", "personal_data": "none"}
GRANT = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
P1A = {**GRANT, "ground": "P1a"}
NOTICE_OVER = midnight_after(date(2026, 6, 30)).isoformat()


def decide(play: Play[ConnectionState], *decided: dict[str, object]) -> None:
    """Propose and decide in the party's favour."""
    play.take("propose_decision", HANDLER, proposal(*decided))
    play.take("decide", DECIDER, {"reasons": "Som föreslaget."})


def test_draws_a_number_and_enrols_at_the_agreement_before_anything_else() -> None:
    """It is a case of its own; its people are the agreement's."""
    play = opened_alone()
    assert (play.state.stage, play.wanted) == ("intake", ["enrol_at_agreement"])
    assert play.state.number == "NGP2026-000002"
    assert play.machine.draws_number(play.state)
    play.answer("enrolled", **standing())
    assert play.state.contact is not None
    assert play.state.contact.email == CONTACT.subject


def test_whoever_opened_it_may_take_it_back_at_once() -> None:
    """Before the agreement has said who the contact is, the opener is taken for it."""
    play = opened_alone()
    other = CONTACT.model_copy(update={"subject": "annan@molndal.example"})
    assert play.refused("withdraw", other).code == "not_allowed"
    play.take("withdraw", CONTACT)
    assert play.state.outcome == "withdrawn"


def test_without_personal_data_only_an_assessment_is_asked_for() -> None:
    """Complete when it was applied for, it goes straight to the examination."""
    play = opened_alone()
    play.answer("enrolled", **standing())
    assert (play.state.stage, play.waits) == ("assessment", [("case_handler", "review")])
    decide(play, GRANT)
    assert play.state.stage == "connecting"
    assert play.told("begin")[0].to == PERMISSION_ID
    assert play.told("granted")[0].to == AGREEMENT_ID


def test_a_decision_in_force_is_not_made_again() -> None:
    """Same data set, party and version of the specification: it goes on connecting."""
    play = opened_alone()
    play.answer("enrolled", **standing(granted={"detaljplan": PLAN}))
    assert play.state.stage == "connecting"


def test_another_version_of_the_specification_is_assessed() -> None:
    """A decision about an older version covers no other."""
    play = opened_alone()
    play.answer("enrolled", **standing(granted={"detaljplan": {**PLAN, "specification": "4.0"}}))
    assert play.state.stage == "assessment"


def test_a_supplement_is_asked_for_exactly_where_the_signed_agreements_fall_short() -> None:
    """The view shows the difference; what is covered is not asked for again."""
    play = opened_alone(**PERSONAL)
    play.answer("enrolled", **standing(a3=["namn"], a4=["fastighetsägare"]))
    assert play.state.stage == "supplement"
    assert play.state.difference == {"a3": ("adress",)}
    assert play.waits == [("producer", "submit_agreement")]


def test_no_supplement_when_the_signed_agreements_cover_what_is_declared() -> None:
    """A second data set with the same categories needs nothing signed."""
    play = opened_alone(**PERSONAL)
    play.answer("enrolled", **standing(**COVERED))
    assert (play.state.stage, play.state.agreements) == ("assessment", {})


def test_a_supplement_is_countersigned_after_the_decision_and_widens_the_agreement() -> None:
    """Supplement, assessment, signature, register; then the agreement covers more."""
    play = opened_alone(**PERSONAL)
    play.answer("enrolled", **standing(a3=["namn"], a4=["fastighetsägare"]))
    play.take("submit_agreement", CONTACT, submission("processing"))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    assert play.state.stage == "assessment"
    decide(play, P1A)
    assert (play.state.stage, play.waits) == ("countersigning", [("signatory", "countersign")])
    assert not play.told("supplemented")
    play.take("countersign_agreement", SIGNATORY, {"kind": "processing"})
    assert play.wanted == ["register_agreement:processing"]
    play.answer("agreement_registered", kind="processing")
    assert play.state.stage == "connecting"
    assert play.told("supplemented")[0].content["agreement"]["a3"] == ["namn", "adress"]


def test_unknown_personal_data_must_be_described_first() -> None:
    """Intake waits on the producer; what is described decides what follows."""
    play = opened_alone(personal_data="unknown")
    play.answer("enrolled", **standing())
    assert (play.state.stage, play.waits) == ("intake", [("producer", "describe_dataset")])
    described = {**play.state.declaration.model_dump(mode="json"), "personal_data": "none"}
    play.take("describe_dataset", CONTACT, described)
    assert play.state.stage == "assessment"


def test_whoever_is_not_the_contact_is_turned_away_by_the_workflow_itself() -> None:
    """What the client helper let through is made sure with the agreement."""
    play = opened_alone()
    other = {"name": "Någon Annan", "email": "annan@molndal.example", "account_id": "acc-5"}
    play.answer("enrolled", **standing(contact=other))
    assert (play.state.stage, play.state.outcome) == ("ended", "refused")
    assert [word.to for word in play.told("part_ended")] == [AGREEMENT_ID]


def test_the_deputy_adds_as_the_contact_does() -> None:
    """Opened by whom the agreement names as deputy, it goes on, and the contact is its contact."""
    bo = {"name": "Bo Ek", "email": "bo.ek@molndal.example", "account_id": "acc-3"}
    deputy = CONTACT.model_copy(update={"subject": "acc-3", "role": Role.PRODUCER_DEPUTY})
    play = Play(CONNECTION, CONNECTION_ID)
    play.take("apply", deputy, dataset_application())
    play.answer("enrolled", **standing(deputy=bo))
    assert play.state.stage == "assessment"
    assert [person.email for _, person in play.state.people()] == [CONTACT.subject, bo["email"]]


def test_without_an_agreement_in_force_it_ends_refused() -> None:
    """Notice given just before: nothing new begins under it."""
    play = opened_alone()
    play.answer("enrolled", accepted=False)
    assert (play.state.stage, play.state.outcome) == ("ended", "refused")


def test_a_data_set_of_another_kind_of_producer_is_refused() -> None:
    """The organisation's kind is the agreement's, not what was typed."""
    play = opened_alone(dataset_id="detaljplan")
    agency = {"org_number": "202100-4888", "name": "Verket", "kind": "state_agency"}
    play.answer("enrolled", **standing(organisation=agency))
    assert play.state.outcome == "refused"


# ---- changes to a connected data set ---------------------------------------------------------


def changed(**declared: object) -> Play[ConnectionState]:
    """Return a connected data set without personal data whose declaration is changed."""
    play = connected()
    play.take("change_declaration", CONTACT, declared or PERSONAL)
    return play


def test_delivery_goes_on_while_a_changed_declaration_is_examined() -> None:
    """Supplement and assessment run; the permission stays and nothing is told to end."""
    play = changed()
    assert play.state.stage == "supplement"
    assert play.state.difference == {"a3": ("namn", "adress"), "a4": ("fastighetsägare",)}
    assert not play.told("end")
    assert play.state.active == [PERMISSION_ID]
    play.take("submit_agreement", CONTACT, submission("processing"))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    decide(play, P1A)
    play.take("countersign_agreement", SIGNATORY, {"kind": "processing"})
    play.answer("agreement_registered", kind="processing")
    assert (play.state.stage, play.state.before) == ("connected", None)
    assert play.state.declaration.a3 == ("namn", "adress")


def test_a_change_is_taken_back() -> None:
    """`withdraw` ends the change alone: the data set is connected as before."""
    play = changed()
    play.take("withdraw", CONTACT)
    assert (play.state.stage, play.state.outcome) == ("connected", None)
    assert play.state.declaration.personal_data == "none"
    assert not play.told("end")


def test_a_denied_change_goes_through_the_appeal_period_back_to_as_before() -> None:
    """Delivery goes on under the old declaration all the while."""
    play = changed()
    play.take("submit_agreement", CONTACT, submission("processing"))
    play.take("accept_agreement", HANDLER, all_ok("processing"))
    play.take("propose_decision", HANDLER, proposal(outcome="denied"))
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Nej."})
    assert play.state.stage == "appeal_period"
    play.wait(days=30)
    assert (play.state.stage, play.state.outcome) == ("connected", None)
    assert play.state.declaration.personal_data == "none"
    assert play.state.active == [PERMISSION_ID]


def test_less_personal_data_holds_at_once() -> None:
    """Nothing to sign and nothing to examine: the change is in force."""
    play = connected(**PERSONAL)
    play.state.standing = play.state.standing or None
    play.answer("enrolled", **standing(**COVERED, granted={"detaljplan": {**PLAN, **COVERED}}))
    before = len(play.told("granted"))
    play.take("change_declaration", CONTACT, {"personal_data": "none"})
    assert (play.state.stage, play.state.declaration.personal_data) == ("connected", "none")
    play.take("change_declaration", CONTACT, PERSONAL)
    assert play.state.stage == "connected", "what was decided once covers it still"
    assert len(play.told("granted")) == before


def test_no_change_is_refused() -> None:
    """The same again is said to be so already."""
    play = connected()
    assert play.refused("change_declaration", CONTACT, {"personal_data": "none"}).code == (
        "no_change"
    )
    unknown = {"personal_data": "unknown"}
    assert play.refused("change_declaration", CONTACT, unknown).code == "unknown_is_no_change"


def test_delivery_by_an_agent_ends_the_own_permission_and_own_begins_it_again() -> None:
    """With agent alone the producer has no account or key; changed back, a new one is begun."""
    play = connected()
    play.take("change_delivery", CONTACT, {"delivery": "agent"})
    assert [word.to for word in play.told("end")] == [PERMISSION_ID]
    play.take("change_delivery", CONTACT, {"delivery": "both"})
    assert len(play.told("begin")) == 1  # the one before is still ending
    play.answer("part_ended", ref=PERMISSION_ID, outcome="delivery_changed")
    assert len(play.told("begin")) == 2
    assert play.state.stage == "connecting"


def test_own_delivery_needs_to_know_where_the_data_lie() -> None:
    """A data set delivered by an agent alone has no hosting of the producer's."""
    play = connected(delivery="agent", hosting=None)
    agents = "permission/x"
    play.take("enrol", SYSTEM, {"ref": agents, "type": "Permission", "item": "556036-0793"})
    play.answer("permission_active", ref=agents)
    assert play.state.stage == "connected"
    refused = play.refused("change_delivery", CONTACT, {"delivery": "own"})
    assert (refused.code, refused.field) == ("hosting_missing", "hosting")
    play.take("change_delivery", CONTACT, {"delivery": "both", "hosting": "data_host"})
    assert play.told("begin")[-1].to == PERMISSION_ID


def test_a_right_begun_under_notice_has_the_agreements_end_from_the_start() -> None:
    """Notice came while the data set was examined: the permission has its own timer all the same.

    Taken back before the decision, it sets no end.
    """
    play = opened_alone()
    play.answer("enrolled", **standing())
    play.answer("valid_until", source="agreement", until=NOTICE_OVER)
    assert not play.told("valid_until")
    decide(play, GRANT)
    assert play.told("begin")[0].content["limits"] == {"agreement": NOTICE_OVER}

    withdrawn = opened_alone()
    withdrawn.answer("enrolled", **standing())
    withdrawn.answer("valid_until", source="agreement", until=NOTICE_OVER)
    withdrawn.answer("valid_until", source="agreement", until=None)
    decide(withdrawn, GRANT)
    assert "limits" not in withdrawn.told("begin")[0].content


def test_own_delivery_under_notice_ends_with_the_agreement_or_the_data_set() -> None:
    """Changed from an agent to the producer after notice: every end that is known is carried."""
    play = connected(delivery="agent")
    play.take("enrol", SYSTEM, {"ref": "permission/x", "type": "Permission", "item": "x"})
    play.answer("permission_active", ref="permission/x")
    play.answer("valid_until", source="agreement", until=NOTICE_OVER)
    play.take("disconnect", CONTACT, {"last_day": "2026-07-31"})
    play.take("change_delivery", CONTACT, {"delivery": "own"})
    assert play.told("begin")[-1].to == PERMISSION_ID
    assert play.told("begin")[-1].content["limits"] == {
        "agreement": NOTICE_OVER,
        "disconnect": midnight_after(date(2026, 7, 31)).isoformat(),
    }
    play.answer("valid_until", source="agreement", until=None)
    words = [word.content for word in play.told("valid_until") if word.to == PERMISSION_ID]
    assert words == [{"source": "agreement", "until": None}]


# ---- agents at the data set ---------------------------------------------------------------------


def test_an_agents_permission_enrols_at_a_data_set_that_can_be_delivered() -> None:
    """Before that it is refused with the reason; two agents and the producer stand side by side."""
    agents = {"ref": "permission/a", "type": "Permission", "item": "556036-0793"}
    early = opened_alone()
    assert early.refused("enrol", SYSTEM, agents).code == "dataset_not_ready"
    play = connected()
    for ref in ("permission/a", "permission/b"):
        play.take("enrol", SYSTEM, {**agents, "ref": ref})
        play.answer("permission_active", ref=ref)
    assert play.state.active == [PERMISSION_ID, "permission/a", "permission/b"]
    play.answer("part_ended", ref="permission/a", outcome="revoked")
    assert play.state.stage == "connected"
    play.answer("part_ended", ref=PERMISSION_ID, outcome="ended_by_handler")
    assert play.state.stage == "connected"
    play.answer("part_ended", ref="permission/b", outcome="left")
    assert (play.state.stage, play.waits) == ("connecting", [("producer", "name_agent")])


def test_the_agreement_hears_when_a_data_set_takes_agents() -> None:
    """Agents appointed before can then begin."""
    play = connected()
    assert [word.content for word in play.told("dataset_ready")] == [{"dataset_id": "detaljplan"}]


def test_an_agent_takes_no_step_of_the_data_set() -> None:
    """It is the producer's."""
    play = connected()
    assert play.refused("disconnect", OLA, {"last_day": "2026-12-31"}).code == "not_allowed"


def test_an_onboardings_word_takes_over_one_opened_alone_just_before() -> None:
    """The onboarding's decision governs, and it hears the end."""
    play = opened_alone()
    play.answer("begin", **connection_begin())
    assert (play.state.stage, play.state.owner) == ("connecting", "onboarding/212000-1363")


def test_what_was_proposed_before_the_onboardings_word_is_proposed_no_longer() -> None:
    """A dismissal that lay with the decider cannot be made of a case that goes on otherwise."""
    play = opened_alone(personal_data="unknown")
    play.answer("enrolled", **standing())
    dismissal = proposal(outcome="dismissed") | {"datasets": []}
    play.take("propose_decision", HANDLER, dismissal)
    play.answer("begin", **connection_begin(granted=False))
    assert (play.state.stage, play.state.review.proposal) == ("appeal_period", None)
    assert "decide" not in play.open


# ---- the information owner ----------------------------------------------------------------------


def test_an_information_owner_with_an_account_is_hung_on_and_succeeded() -> None:
    """When the person leaves the successor answers for the content, or the producer names one."""
    play = connected()
    assert play.wanted == ["look_up_owner"]
    owner = play.state.declaration.information_owner.email
    play.answer("owner_looked_up", email=owner, account_id="acc-8", active=True)
    assert [(w.to, w.content["role"]) for w in play.told("enrol")] == [
        ("person/acc-8", "information_owner")
    ]
    eva = {"name": "Eva Ny", "email": "eva@molndal.example", "account_id": "acc-9"}
    left = {"account_id": "acc-8", "roles": ["information_owner"]}
    play.answer("person_left", **left, successors={"information_owner": eva})
    assert play.state.declaration.information_owner.email == "eva@molndal.example"
    assert play.wanted == ["look_up_owner"]
    play.answer("owner_looked_up", email="eva@molndal.example", account_id="acc-9")
    play.answer("person_left", account_id="acc-9", roles=["information_owner"])
    assert ("producer", "update_contacts") in play.waits
    named = {"information_owner": {"name": "Bo", "email": "bo@molndal.example"}}
    play.take("update_contacts", CONTACT, {**named, "support_email": "s@molndal.example"})
    assert play.waits == [("nobody", "connected")]
