from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.credential_state import CredentialState
from domain.dates import midnight_after
from domain.state import System
from tests.domain.parts import (
    ANNA,
    EVA,
    PERMISSION_ID,
    begun_credential,
    issue,
    key_ref,
    live_credential,
    offered_credential,
)
from tests.domain.playing import CONTACT, HANDLER, NOON, Play


@pytest.mark.parametrize("environment", ["verification", "production"])
def test_goes_from_application_to_living_key(environment: str) -> None:
    """Application, subscription, key, offer, fetched: one thing at a time at its own portal."""
    play = begun_credential(environment)
    assert play.wanted == ["create_application"]
    assert play.state.pending[0].system == f"portal_{environment}"
    assert play.waits == [("api_portal", "provision_key")]

    play.answer("application_created", application_id="app-1", approved=True)
    assert play.wanted == ["subscribe"]
    play.answer("subscribed", approved=True)
    assert play.wanted == ["issue_key"]
    issue(play)
    assert (play.state.stage, play.waits) == ("offered", [("producer", "fetch_key")])
    assert play.mails("key_offered")[0].person.email == CONTACT.subject
    assert not play.wanted

    play.answer("picked_up", offer_id="o1")
    assert (play.state.stage, play.waits) == ("live", [("nobody", "live")])
    told = play.told("key_live")
    assert [(word.to, word.content["environment"]) for word in told] == [
        (PERMISSION_ID, environment)
    ]


def test_a_portal_that_approves_first_is_a_stage() -> None:
    """A pending application, then a pending subscription: waited for, not an incident."""
    play = begun_credential()
    play.answer("application_created", application_id="app-1", approved=False)
    assert (play.state.stage, play.wanted) == ("awaiting_approval", ["await_application"])
    assert play.waits == [("api_portal", "portal_approval")]

    play.answer("application_created", application_id="app-1", approved=True)
    assert (play.state.stage, play.wanted) == ("issuing", ["subscribe"])
    play.answer("subscribed", approved=False)
    assert (play.state.stage, play.wanted) == ("awaiting_approval", ["await_subscription"])
    play.answer("subscribed", approved=True)
    assert play.wanted == ["issue_key"]


def test_an_offer_is_withdrawn_after_seven_days_and_made_anew() -> None:
    """Reminders on days 3 and 6; after 7 days the offer is withdrawn and a new key offered."""
    play = offered_credential()
    names = play.wait(days=7)
    assert [name.partition("|")[0] for name in names] == ["remind", "remind", "offer_over"]
    assert (play.wanted, play.state.pending[0].system) == (["cancel_offer"], System.RECORDS)

    play.answer("offer_cancelled", already_fetched=False)
    assert (play.state.generation, play.wanted) == (2, ["issue_key"])
    issue(play)
    assert (play.state.stage, play.state.offer_id) == ("offered", "o2")
    assert len(play.mails("key_offered")) == 2


def test_a_key_fetched_just_before_its_offer_is_withdrawn_lives() -> None:
    """Withdrawing finds that the key had been fetched: it is live, no other is issued."""
    play = offered_credential()
    play.wait(days=7)
    play.answer("offer_cancelled", already_fetched=True)
    assert (play.state.stage, play.state.generation) == ("live", 1)
    assert not play.wanted

    play.answer("picked_up", offer_id="o1")
    assert len(play.told("key_live")) == 1


def test_the_word_that_it_was_fetched_may_come_while_it_is_withdrawn() -> None:
    """Both say the same in any order: the key is live."""
    play = offered_credential()
    play.wait(days=7)
    play.answer("picked_up", offer_id="o1")
    play.answer("offer_cancelled", already_fetched=True)
    assert (play.state.stage, play.state.generation, play.wanted) == ("live", 1, [])


def test_an_old_offer_that_is_fetched_does_not_count() -> None:
    """Only the present offer makes the key live."""
    play = offered_credential()
    play.answer("picked_up", offer_id="o0")
    assert play.state.stage == "offered"


@pytest.mark.parametrize("make", [offered_credential, live_credential])
def test_a_key_is_revoked_and_issued_anew_by_a_handler(
    make: Callable[[], Play[CredentialState]],
) -> None:
    """Revoked at once at the portal; then it waits on a handler, who issues a new one."""
    play = make()
    play.take("revoke_key", CONTACT, {"reason": "Läckt"})
    assert play.wanted == ["revoke_keys"]
    assert play.waits == [("api_portal", "provision_key")]
    assert "reissue" not in play.open

    play.answer("keys_revoked")
    assert play.waits == [("case_handler", "reissue")]
    assert play.refused("reissue", CONTACT).code == "not_allowed"
    play.take("reissue", HANDLER)
    assert play.wanted == ["issue_key"]
    issue(play)
    assert (play.state.stage, play.state.generation) == ("offered", 2)


def test_a_revoked_key_is_not_issued_again_by_a_late_answer() -> None:
    """Revoked while its offer is being withdrawn: the answer about the offer changes nothing."""
    play = offered_credential()
    play.wait(days=7)
    play.take("revoke_key", HANDLER, {"reason": "Läckt"})
    play.answer("offer_cancelled", already_fetched=False)
    assert play.wanted == ["revoke_keys"]
    play.answer("keys_revoked")
    assert play.waits == [("case_handler", "reissue")]


def test_issuing_anew_while_the_offer_is_withdrawn_makes_one_new_key() -> None:
    """A handler's `reissue` and the offer's end together still give one new generation."""
    play = offered_credential()
    play.wait(days=7)
    play.take("reissue", HANDLER)
    assert play.wanted == ["issue_key"]
    play.answer("offer_cancelled", already_fetched=False)
    assert (play.state.generation, play.wanted) == (2, ["issue_key"])


def test_a_key_of_an_earlier_generation_is_not_offered() -> None:
    """An answer about a key that was given up leaves the new one wanted."""
    play = offered_credential()
    play.take("reissue", HANDLER)
    play.answer("key_issued", key_mapping_id="k1", offer_id="o1", generation=1)
    assert (play.state.stage, play.wanted) == ("issuing", ["issue_key"])


def test_an_offer_is_to_one_person() -> None:
    """Another contact gets an offer of its own; the same person again changes nothing."""
    play = offered_credential()
    play.answer("holder", holder=ANNA)
    assert (play.state.stage, play.state.generation) == ("offered", 1)
    play.answer("holder", holder=EVA)
    assert play.wanted == ["cancel_offer"]
    play.answer("offer_cancelled", already_fetched=False)
    assert play.wanted == ["issue_key"]
    issue(play)
    assert play.mails("key_offered")[-1].person.email == EVA["email"]

    play.answer("picked_up", offer_id="o2")
    play.answer("holder", holder=ANNA)
    assert play.state.stage == "live"


def test_a_key_that_the_portal_approves_first_is_a_stage() -> None:
    """A key that is pending is waited for; approved, its secret is had by issuing it."""
    play = begun_credential()
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    play.answer("key_issued", key_mapping_id="k1", generation=1)
    assert (play.state.stage, play.wanted) == ("awaiting_approval", ["await_key"])
    assert play.waits == [("api_portal", "portal_approval")]

    play.answer("key_approved")
    assert play.wanted == ["issue_key"]
    issue(play)
    assert play.state.stage == "offered"


def test_a_key_made_for_somebody_else_is_not_offered() -> None:
    """The holder changes while the key is made: what comes of it is not offered to anybody."""
    play = begun_credential()
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    play.answer("holder", holder=EVA)
    play.answer("key_issued", key_mapping_id="k1", offer_id="o1", generation=1)
    assert (play.wanted, play.mails("key_offered")) == (["issue_key"], [])
    issue(play)
    assert play.mails("key_offered")[0].person.email == EVA["email"]


def test_a_key_that_is_missing_is_issued_again() -> None:
    """The portal no longer lists a live key: all is found or made again, a handler is told."""
    play = live_credential()
    play.answer("key_missing")
    assert (play.state.stage, play.wanted) == ("issuing", ["create_application"])
    assert play.mails("key_missing")[0].role == "case_handler"
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    issue(play)
    assert (play.state.stage, play.state.generation) == ("offered", 2)


@pytest.mark.parametrize("unsettled", ["issuing", "offered", "rotating", "halted", "ending"])
def test_a_key_under_way_is_not_missing(unsettled: str) -> None:
    """What is just being made, changed or ended changes nothing by being looked for."""
    play = offered_credential() if unsettled == "offered" else live_credential()
    if unsettled == "issuing":
        play = begun_credential()
    elif unsettled == "rotating":
        play.take("rotate", CONTACT)
    elif unsettled == "halted":
        play.take("revoke_key", HANDLER, {"reason": "x"})
    elif unsettled == "ending":
        play.answer("end")
    before = (play.state.stage, play.wanted)
    play.answer("key_missing")
    assert before == (play.state.stage, play.wanted)
    assert not play.mails("key_missing")


def adopted_credential() -> Play[CredentialState]:
    """Return a credential of a producer who was there before us."""
    fetched = (NOON - timedelta(days=300)).isoformat()
    return begun_credential(application_id="old", key_mapping_id="k0", fetched_at=fetched)


def test_an_adopted_key_is_live_and_claimed() -> None:
    """Nothing is issued: our key is written into the application; its year goes on."""
    play = adopted_credential()
    assert (play.state.stage, play.wanted) == ("live", ["claim_application"])
    play.answer("application_claimed", is_there=True)
    assert (play.wanted, play.waits) == ([], [("nobody", "live")])
    assert play.wait(days=65) == ["rotation_due"]


def test_an_adopted_application_that_is_gone_is_made_again() -> None:
    """What was said to be there is not: a new application, and the handler is told."""
    play = adopted_credential()
    play.answer("application_claimed", is_there=False)
    assert play.wanted == ["create_application"]
    assert play.mails("key_missing")


def test_where_an_adopted_application_was_last_is_remembered() -> None:
    """Its name does not say whose it is: without its id a second one would be made."""
    play = adopted_credential()
    play.answer("application_claimed", is_there=True)
    play.answer("key_missing")
    assert play.wanted == ["create_application"]
    assert (play.state.application_id, play.state.former_id) == (None, "old")


def test_an_adopted_key_that_ends_before_it_is_claimed_is_removed() -> None:
    """The end does not wait for the claim."""
    play = adopted_credential()
    play.answer("end")
    assert play.wanted == ["remove_application"]


def test_after_an_unknown_answer_a_revocation_is_looked_at_twice() -> None:
    """The keys are revoked at once, and again when what was under way may have landed."""
    play = live_credential()
    play.take("rotate", CONTACT)
    play.take("revoke_key", CONTACT, {"reason": "Läckt"})
    play.answer("outcome_unknown", operation="add_secret")
    assert play.wanted == ["revoke_keys"]
    play.answer("keys_revoked")
    assert not play.wanted
    assert play.wait(seconds=30) == ["look_again"]
    assert play.wanted == ["revoke_keys"]
    play.answer("keys_revoked")
    assert play.waits == [("case_handler", "reissue")]


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_the_end_removes_the_application_whatever_was_under_way(steps: int) -> None:
    """At every point of issuing the end wants one thing: the application gone; then it is over."""
    play = begun_credential()
    if steps > 0:
        play.answer("application_created", application_id="app-1", approved=True)
    if steps > 1:
        play.answer("subscribed", approved=True)
    if steps > 2:
        issue(play)
    play.answer("end", outcome="withdrawn")
    assert play.wanted == ["remove_application"]
    assert play.waits == [("api_portal", "revoke_key")]

    play.answer("application_gone")
    assert (play.state.stage, play.state.outcome) == ("ended", "withdrawn")
    assert play.told("part_ended")[0].to == PERMISSION_ID


def test_a_key_made_while_it_ends_is_not_offered() -> None:
    """The answer of an operation that was under way comes all the same: no offer, no mail."""
    play = begun_credential()
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    play.answer("end")
    issue(play)
    assert (play.state.offer_id, play.mails("key_offered")) == (None, [])
    assert play.wanted == ["remove_application"]


def test_after_an_unknown_answer_it_looks_again_thirty_seconds_later() -> None:
    """What was called off may still land at the portal: the removal waits, then looks."""
    play = begun_credential()
    play.answer("end")
    play.answer("outcome_unknown", operation="create_application")
    assert not play.wanted
    play.answer("application_gone")
    assert play.state.stage == "ending"
    assert play.wait(seconds=30) == ["look_again"]
    assert play.wanted == ["remove_application"]
    play.answer("application_gone")
    assert play.state.stage == "ended"


@pytest.mark.parametrize("stuck", ["issuing", "approval", "halted", "live"])
def test_its_own_midnight_ends_it_whatever_is_stuck(stuck: str) -> None:
    """`valid_until` ends the key at that instant, at any stage."""
    until = midnight_after(date(2026, 3, 31))
    make = begun_credential if stuck in {"issuing", "approval"} else live_credential
    play = make(valid_until=until)
    if stuck == "approval":
        play.answer("application_created", application_id="app-1", approved=False)
    elif stuck == "halted":
        play.take("revoke_key", HANDLER, {"reason": "x"})
    play.wait_until(until - timedelta(seconds=1))
    assert play.state.stage != "ending"
    assert play.wait(seconds=1) == ["expired"]
    assert (play.state.stage, play.wanted) == ("ending", ["remove_application"])


def test_the_owner_moves_the_end() -> None:
    """An end date learnt later is the key's own timer from then on."""
    play = live_credential()
    play.answer("valid_until", until=datetime(2026, 4, 1, tzinfo=UTC))
    assert play.wait(days=60)[0] == "expired"


def test_an_ended_key_is_not_issued_anew() -> None:
    """Neither a halted key nor an offered one is issued anew while it ends."""
    play = offered_credential()
    play.answer("end")
    assert "reissue" not in play.open


def test_a_closed_key_is_started_again_to_be_revoked_at_its_own_portal() -> None:
    """All that is known then is the id: the portal is read from it."""
    play = Play(begun_credential().machine, key_ref("production"))
    play.answer("end", outcome="reconciled")
    assert play.state.pending[0].system is System.PORTAL_PRODUCTION
    play.answer("application_gone")
    assert (play.state.stage, play.state.ended_at) == ("ended", NOON)


def test_a_stranger_neither_rotates_nor_revokes() -> None:
    """Rotation and revocation are the handler's too; a stranger gets neither."""
    play = live_credential()
    stranger = CONTACT.model_copy(update={"subject": "x@molndal.example"})
    assert play.refused("rotate", stranger).code == "not_allowed"
    assert play.refused("revoke_key", stranger, {"reason": "x"}).code == "not_allowed"
    play.take("revoke_key", HANDLER, {"reason": "x"})


def test_an_agents_holder_rotates_the_agents_key() -> None:
    """The key is the delivering party's: its holder acts, whatever the producer's number is."""
    agent = "212000-0142"
    play = live_credential(party=agent)
    play.take("rotate", CONTACT.model_copy(update={"organisation": agent}))
