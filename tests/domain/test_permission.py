from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.dates import midnight_after
from domain.logins import NEITHER, USE_SYSTEM
from domain.permission import MACHINE
from domain.permission_state import PermissionState
from tests.domain.parts import (
    AGENT_PERMISSION_ID,
    CONNECTION_ID,
    EVA,
    LOGIN,
    PERMISSION_ID,
    active_permission,
    at_verification,
    begun_permission,
    enrolled_person,
    issue,
    key_ref,
    offered_credential,
    permission_begin,
    report,
)
from tests.domain.playing import CONTACT, HANDLER, Play

AGENT = "212000-0142"
BO = {"name": "Bo Ek", "email": "bo.ek@molndal.example", "account_id": "acc-3"}


def _reported(**changes: Any) -> Play[PermissionState]:
    play = at_verification(**changes)
    play.take("report_test_delivery", CONTACT, {"delivery_id": "d1", "login": LOGIN})
    return play


def test_goes_from_system_account_to_active() -> None:
    """Account, verification key, test delivery, production key: then the owner is told."""
    play = begun_permission()
    assert play.wanted == ["create_system_account"]
    assert play.waits == [("account_system", "system_account")]

    play.answer("system_account_found", login_name=LOGIN)
    assert play.state.stage == "verification"
    assert [word.to for word in play.told("begin")] == [key_ref("verification")]
    assert not play.waits

    play.answer("key_live", environment="verification")
    assert play.waits == [("producer", "report_test_delivery")]
    play.take("report_test_delivery", CONTACT, {"delivery_id": "d1", "login": LOGIN})
    assert play.wanted == ["fetch_report:d1"]
    assert play.waits == [("delivery_api", "fetch_report")]

    play.answer("report_fetched", **report())
    assert play.state.stage == "production"
    assert play.told("begin")[-1].to == key_ref("production")
    assert play.told("begin")[-1].content["system_account"] == LOGIN

    play.answer("key_live", environment="production")
    assert play.state.stage == "active"
    assert play.waits == [("nobody", "active")]
    told = play.told("permission_active")
    assert [(word.to, word.content["ref"]) for word in told] == [(CONNECTION_ID, PERMISSION_ID)]


def test_no_test_delivery_before_the_verification_key_is_fetched() -> None:
    """A test delivery needs the key: the step opens when it has been fetched."""
    play = begun_permission()
    play.answer("system_account_found", login_name=LOGIN)
    payload = {"delivery_id": "d1", "login": LOGIN}
    assert play.refused("report_test_delivery", CONTACT, payload).code == "not_now"
    play.answer("key_live", environment="verification")
    assert "report_test_delivery" in play.open


@pytest.mark.parametrize(("login", "text"), [("annalind", USE_SYSTEM), ("anna99", NEITHER)])
def test_a_wrong_kind_of_login_gets_the_exact_message(login: str, text: object) -> None:
    """A personal account where the system account is meant says which one to use."""
    play = at_verification()
    found = play.refused("report_test_delivery", CONTACT, {"delivery_id": "d", "login": login})
    assert (found.code, found.field) == ("wrong_kind_of_login", "login")
    assert found.text == text


def test_another_system_account_is_refused_by_name() -> None:
    """Each permission has its own system account: another one is refused, naming the right one."""
    play = at_verification()
    payload = {"delivery_id": "d1", "login": "wxyz9876"}
    found = play.refused("report_test_delivery", CONTACT, payload)
    assert found.code == "other_login"
    assert LOGIN in found.text.sv


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"found": False}, "finns inte"),
        ({"login": "wxyz9876"}, LOGIN),
        ({"information_type": "byggnad"}, "byggnad"),
        (
            {"status": "FAILURE", "findings": [{"id": "DP-0002", "message": "Yta saknas"}]},
            "DP-0002",
        ),
        ({"status": "ERROR"}, "ERROR"),
        ({"status": "SKIPPED"}, "SKIPPED"),
    ],
)
def test_a_delivery_with_faults_goes_back_to_the_party(changes: dict[str, Any], said: str) -> None:
    """Not found, another login or data set, or a failed check: the party is told and tries anew."""
    play = _reported()
    play.answer("report_fetched", **report(**changes))

    assert play.state.stage == "verification"
    assert play.waits == [("producer", "report_test_delivery")]
    assert said in play.mails("test_delivery_returned")[0].what["what"]

    play.take("report_test_delivery", CONTACT, {"delivery_id": "d2", "login": LOGIN})
    play.answer("report_fetched", **report(delivery_id="d2"))
    assert play.state.stage == "production"


def test_a_warning_is_accepted_by_itself() -> None:
    """WARNING passes as OK does where the data set's policy says so."""
    play = _reported()
    play.answer("report_fetched", **report(status="WARNING"))
    assert play.state.stage == "production"
    assert play.mails("test_delivery_accepted")


@pytest.mark.parametrize("status", ["OK", "FAILURE"])
def test_a_handler_judges_where_the_policy_says_so(status: str) -> None:
    """Nothing is accepted or returned by itself then, whatever the report says."""
    play = _reported(accepts_by_itself=False)
    play.answer("report_fetched", **report(status=status))
    assert play.waits == [("case_handler", "accept_test_delivery")]
    assert play.mails("test_delivery_reported")

    play.take("accept_test_delivery", HANDLER, {"comment": "Godtas."})
    assert play.state.stage == "production"
    assert "accept_test_delivery" not in play.open


def test_the_wrong_data_set_goes_back_even_where_a_handler_judges() -> None:
    """What a machine sees for certain is not left for a handler to find."""
    play = _reported(accepts_by_itself=False)
    play.answer("report_fetched", **report(information_type="byggnad"))
    assert play.waits == [("producer", "report_test_delivery")]


def test_a_handler_returns_a_delivery_with_findings() -> None:
    """Findings and a day go to the party, which delivers again."""
    play = _reported(accepts_by_itself=False)
    play.answer("report_fetched", **report())
    past = {"findings": "Fel kommun", "due": "2026-03-02"}
    assert play.refused("return_test_delivery", HANDLER, past).code == "in_the_past"

    play.take("return_test_delivery", HANDLER, past | {"due": "2026-03-20"})
    assert play.state.waiting[0].due == date(2026, 3, 20)
    assert play.mails("test_delivery_returned")[0].what["what"] == "Fel kommun"
    play.take("report_test_delivery", CONTACT, {"delivery_id": "d2", "login": LOGIN})
    assert play.state.findings == ""


def test_an_answer_about_an_earlier_delivery_changes_nothing() -> None:
    """A late report of a delivery that was given up is not taken for the present one."""
    play = _reported()
    play.answer("report_fetched", **report(found=False))
    play.take("report_test_delivery", CONTACT, {"delivery_id": "d2", "login": LOGIN})
    play.answer("report_fetched", **report())
    assert play.wanted == ["fetch_report:d2"]


def test_keys_end_before_the_system_account() -> None:
    """The end revokes both keys first; only then the account is turned off, then the owner told."""
    play = active_permission()
    play.take("end_permission", HANDLER, {"reason": "Missbruk"})
    assert play.state.stage == "ending"
    assert [word.to for word in play.told("end")] == [
        key_ref("verification"),
        key_ref("production"),
    ]
    assert play.waits == [("api_portal", "revoke_keys")]
    assert not play.wanted

    play.answer("part_ended", ref=key_ref("production"))
    assert not play.wanted
    play.answer("part_ended", ref=key_ref("verification"))
    assert play.wanted == ["disable_system_account"]

    play.answer("system_account_off")
    assert (play.state.stage, play.state.outcome) == ("ended", "ended_by_handler")
    assert play.told("part_ended")[0].to == CONNECTION_ID


def test_only_notes_and_retries_are_open_while_it_ends() -> None:
    """In `ending` a person may note, assign and try again, nothing else."""
    play = active_permission()
    play.answer("end", outcome="withdrawn")
    assert play.open == {"note", "assign"}
    play.answer("end", outcome="closed")
    assert play.state.outcome == "withdrawn"
    for ref in list(play.state.parts):
        play.answer("part_ended", ref=ref, outcome="withdrawn")
    assert play.open == {"note", "assign", "retry_step"}


def test_ending_during_set_up_looks_again_after_an_unknown_answer() -> None:
    """Nobody knows if the account was made: it is turned off 30 s later, not at once."""
    play = begun_permission()
    play.answer("end", outcome="withdrawn")
    play.answer("outcome_unknown", operation="create_system_account")
    assert not play.wanted
    assert play.wait(seconds=30) == ["look_again"]
    assert play.wanted == ["disable_system_account"]
    play.answer("system_account_off")
    assert play.state.stage == "ended"


def test_its_own_midnight_ends_it_whatever_is_stuck() -> None:
    """`valid_until` ends the right at that instant, with an operation still under way."""
    until = midnight_after(date(2026, 3, 31))
    play = begun_permission(limits={"mandate": until})
    play.wait_until(until - timedelta(seconds=1))
    assert play.state.stage == "setup"
    assert play.wait(seconds=1) == ["expired"]
    assert (play.state.stage, play.state.outcome) == ("ending", "expired")


def test_the_earliest_end_rules_and_moves_with_its_source() -> None:
    """Of several ends the earliest rules, the view says which, and the keys are told."""
    april, may = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    play = active_permission(limits={"agreement": may})
    play.take("end_permission", HANDLER, {"reason": "x", "at": "2026-06-01T00:00:00Z"})
    assert play.state.valid_until_source == "agreement"

    play.answer("valid_until", source="disconnect", until=april)
    assert (play.state.valid_until, play.state.valid_until_source) == (april, "disconnect")
    told = play.told("valid_until")
    assert {word.to for word in told} == {key_ref("verification"), key_ref("production")}

    play.answer("valid_until", source="disconnect", until=None)
    assert play.state.valid_until_source == "agreement"
    assert len(play.told("valid_until")) == 4


def test_a_new_contact_holds_the_keys() -> None:
    """The owner names the contact: keys are told, the old contact may no longer act."""
    play = at_verification()
    play.answer("contacts", holder=EVA, deputy=None)
    assert play.told("holder")[0].content["holder"]["email"] == EVA["email"]
    payload = {"delivery_id": "d1", "login": LOGIN}
    assert play.refused("report_test_delivery", CONTACT, payload).code == "not_allowed"


@pytest.mark.parametrize(
    ("successors", "deputy", "to"),
    [
        ({"contact": EVA, "agent_contact": BO}, None, EVA),
        ({"contact": EVA, "key": BO}, None, BO),
        ({}, BO, BO),
        ({"agent_contact": EVA}, None, None),  # somebody's for whom the person was an agent
    ],
)
def test_the_keys_that_a_leaver_fetched_go_to_who_comes_after(
    successors: dict[str, Any], deputy: dict[str, Any] | None, to: dict[str, Any] | None
) -> None:
    """The right stands: both keys are changed, to nobody yet where nobody comes after."""
    play = active_permission(deputy=deputy)
    play.answer("person_left", account_id="acc-1", roles=["key"], successors=successors)
    words = play.told("rotate_to")
    assert [word.to for word in words] == [key_ref("verification"), key_ref("production")]
    emails = {word.content["holder"] and word.content["holder"]["email"] for word in words}
    assert emails == {to and to["email"]}
    assert (play.state.stage, play.state.fetched_by) == ("active", {})
    assert [word.to for word in play.told("release")] == ["person/acc-1"]


def test_an_agents_keys_go_to_the_successor_of_the_agents_contact() -> None:
    """Who succeeds the person as the producer's contact is no agent."""
    play = Play(MACHINE, AGENT_PERMISSION_ID)
    play.answer("begin", **permission_begin())
    play.answer("system_account_found", login_name=LOGIN)
    play.answer("key_live", environment="verification")
    successors = {"contact": BO, "agent_contact": EVA}
    play.answer("person_left", account_id="acc-1", roles=["key"], successors=successors)
    (word,) = play.told("rotate_to")
    assert word.content["holder"]["email"] == EVA["email"]


def test_whoever_fetched_a_key_and_holds_it_no_longer_is_kept_in_mind() -> None:
    """A former contact knows the secret: it is changed for the present holder, and only then."""
    play = active_permission()
    eva = EVA | {"account_id": "acc-2"}
    play.answer("contacts", holder=eva, deputy=None)
    play.answer("person_left", account_id="acc-1", roles=["contact"])
    assert not play.told("rotate_to")  # the keys are not among what is given up
    play.answer("person_left", account_id="acc-1", roles=["key"], successors={"key": BO})
    assert {word.content["holder"]["email"] for word in play.told("rotate_to")} == {EVA["email"]}
    assert play.state.holder is not None
    assert play.state.holder.account_id == "acc-2"


def _pass_on(sender: Play[Any], *receivers: Play[Any]) -> None:
    """Let the words that a workflow owes reach those that are played."""
    for word in sender.state.outgoing:
        for play in receivers:
            if play.state.workflow_id == word.to:
                play.answer(word.what, **word.content)
    sender.state.outgoing.clear()


@pytest.mark.parametrize("has_successor", [True, False])
def test_an_open_offer_is_withdrawn_from_who_leaves(*, has_successor: bool) -> None:
    """From the person over the right to the key, at midnight; then it is offered to who follows."""
    permission, key = begun_permission(), offered_credential()
    permission.answer("system_account_found", login_name=LOGIN)
    person = enrolled_person(active=True)
    _pass_on(permission, person)
    assert f"{PERMISSION_ID}/key" in person.state.enrolments
    named = [{"role": "contact", "person": EVA}] if has_successor else []
    leaves = {"last_day": "2026-03-31", "successors": named}
    person.take("schedule_departure", CONTACT, leaves)
    person.state.outgoing.clear()
    person.wait_until(midnight_after(date(2026, 3, 31)))
    _pass_on(person, permission)
    _pass_on(permission, person, key)

    assert (key.wanted, key.state.holder is not None) == (["cancel_offer"], has_successor)
    key.answer("offer_cancelled", already_fetched=False)
    if has_successor:
        issue(key)
        assert key.mails("key_offered")[-1].person.email == EVA["email"]
    else:
        assert (key.wanted, key.waits) == ([], [("case_handler", "name_holder")])
    assert f"{PERMISSION_ID}/key" not in person.state.enrolments


def test_hosting_can_be_changed_while_active() -> None:
    """An own API needs its address; the change keeps the right as it is."""
    play = active_permission()
    assert (
        play.refused("change_hosting", CONTACT, {"hosting": "own_api"}).code == "base_url_missing"
    )
    where = {"hosting": "own_api", "base_url": "https://api.molndal.example/v1"}
    play.take("change_hosting", CONTACT, where)
    assert (play.state.stage, play.state.base_url) == ("active", where["base_url"])


def test_the_delivering_party_acts_and_not_the_producer() -> None:
    """A permission of an agent is the agent's: the producer's contact is refused."""
    play = at_verification(party=AGENT, party_name="Uppsala")
    assert play.waits == [("agent", "report_test_delivery")]
    payload = {"delivery_id": "d1", "login": LOGIN}
    assert play.refused("report_test_delivery", CONTACT, payload).code == "not_allowed"
    play.take("report_test_delivery", CONTACT.model_copy(update={"organisation": AGENT}), payload)


def test_beginning_twice_changes_nothing() -> None:
    """A second `begin` does not set an active right back."""
    play = active_permission()
    play.answer("begin", **permission_begin(owner="other"))
    assert (play.state.stage, play.state.owner) == ("active", CONNECTION_ID)


def test_an_end_that_comes_first_leaves_nothing_behind() -> None:
    """Ended before it was begun, it still turns off what may stand under its name."""
    play = Play(begun_permission().machine, PERMISSION_ID)
    play.answer("end", outcome="withdrawn")
    assert play.wanted == ["disable_system_account"]
    play.answer("system_account_off")
    assert play.state.stage == "ended"
