"""Rotation: with overlap where the portal can, without where it cannot, and when people leave."""

import pytest

from domain.credential_state import CredentialState
from tests.domain.parts import ANNA, EVA, begun_credential, live_credential, offered_credential
from tests.domain.playing import CONTACT, HANDLER, Play

EVA_HERSELF = CONTACT.model_copy(update={"subject": EVA["email"]})


def list_secrets(play: Play[CredentialState], *, several: bool) -> None:
    """Let the portal say what lives, and whether a key may have several secrets."""
    play.answer("secrets_listed", several=several, secrets=["s1"] if several else [])


def add_secret(play: Play[CredentialState]) -> None:
    """Let the portal add the secret that is wanted."""
    generation = play.state.generation
    play.answer("secret_added", offer_id=f"o{generation}", generation=generation)


def rotating(*, several: bool) -> Play[CredentialState]:
    """Return a key whose rotation a handler has asked for."""
    play = live_credential()
    play.take("rotate", HANDLER)
    list_secrets(play, several=several)
    return play


def overlapping() -> Play[CredentialState]:
    """Return a key whose second secret is offered to Anna."""
    play = rotating(several=True)
    add_secret(play)
    return play


def test_with_overlap_the_old_ends_when_the_new_is_fetched() -> None:
    """A second secret is offered; fetched, the old one is ended at the portal, confirmed."""
    play = live_credential()
    play.take("rotate", CONTACT)
    assert play.wanted == ["list_secrets"]
    list_secrets(play, several=True)
    assert (play.state.stage, play.wanted) == ("issuing", ["add_secret"])
    add_secret(play)
    assert (play.state.stage, play.wanted) == ("offered", [])
    assert play.state.fetched_at is not None  # the old one lives
    assert play.mails("new_key_offered")[0].what["offer_id"] == "o2"

    play.answer("picked_up", offer_id="o2")
    assert (play.state.stage, play.wanted) == ("live", ["end_old_secrets"])
    assert play.waits == [("api_portal", "end_old_key")]
    play.answer("old_secrets_ended")
    assert (play.wanted, play.waits) == ([], [("nobody", "live")])
    assert len(play.told("key_live")) == 2


def test_the_handler_is_told_at_seven_days_and_the_old_ends_at_fourteen() -> None:
    """Nobody fetches: offers go on every 7 days; on day 14 the old secret ends, people are told."""
    play = overlapping()
    assert play.wait(days=7)[-2:] == ["offer_over", "rotation_slow"]
    assert play.mails("new_key_not_fetched")[0].role == "case_handler"
    play.answer("offer_cancelled", already_fetched=False)
    assert play.wanted == ["add_secret"]
    add_secret(play)
    assert "overlap_over" in play.wait(days=7)
    assert {notice.role for notice in play.mails("old_key_ended")} == {None, "case_handler"}

    play.answer("offer_cancelled", already_fetched=False)
    assert play.wanted == ["end_old_secrets"]
    play.answer("old_secrets_ended")
    assert play.wanted == ["issue_key"]
    assert play.state.fetched_at is None


def test_the_offer_outlives_the_old_secret() -> None:
    """The old one has ended on day 14; the offer of that week is still fetched."""
    play = rotating(several=True)
    play.wait(days=10)
    add_secret(play)
    assert play.wait(days=4)[-1] == "overlap_over"
    assert (play.state.stage, play.wanted) == ("offered", ["end_old_secrets"])
    play.answer("picked_up", offer_id="o2")
    play.answer("old_secrets_ended")
    assert (play.state.stage, play.wanted) == ("live", [])


def test_a_portal_that_is_down_for_fourteen_days_keeps_nothing_alive_longer() -> None:
    """No second secret could be made: the key is issued anew, which ends the old one."""
    play = live_credential()
    play.take("rotate", HANDLER)
    assert play.wait(days=14) == ["rotation_slow", "overlap_over"]
    assert (play.wanted, play.state.fetched_at) == (["issue_key"], None)


def test_without_overlap_the_new_waits_for_its_holder() -> None:
    """The key lives until the holder says to be there; then it is replaced and offered."""
    play = live_credential()
    assert play.wait(days=365) == ["rotation_due"]
    list_secrets(play, several=False)
    assert (play.state.stage, play.wanted) == ("live", [])
    assert play.waits == [("producer", "replace_key")]
    assert play.mails("key_to_replace")[0].person.email == CONTACT.subject
    assert play.refused("rotate", HANDLER).code == "awaits_holder"

    play.take("rotate", CONTACT)
    assert play.wanted == ["issue_key"]


def test_without_overlap_the_holder_who_asks_is_there() -> None:
    """The holder's own `rotate` replaces the key at once."""
    play = live_credential()
    play.take("rotate", CONTACT)
    list_secrets(play, several=False)
    assert (play.state.stage, play.wanted) == ("issuing", ["issue_key"])
    assert not play.mails("key_to_replace")


def test_without_overlap_the_key_is_replaced_at_fourteen_days_all_the_same() -> None:
    """The holder never came: reminders, the handler at 7 days, and on day 14 a new key."""
    play = rotating(several=False)
    names = [name.partition("|")[0] for name in play.wait(days=14)]
    assert names == ["remind", "remind", "rotation_slow", "overlap_over"]
    assert play.wanted == ["issue_key"]


def test_a_key_that_is_not_there_is_issued() -> None:
    """The portal lists no key when it is to be rotated: another is made."""
    play = live_credential()
    play.take("rotate", HANDLER)
    play.answer("secrets_listed", is_there=False, several=False)
    assert play.wanted == ["issue_key"]


@pytest.mark.parametrize("several", [True, False])
def test_a_leavers_key_goes_to_the_successor(*, several: bool) -> None:
    """`rotate_to` changes the holder; the leaver's secret lives until the successor's is there."""
    play = live_credential()
    play.answer("rotate_to", holder=EVA, reason="person_left")
    list_secrets(play, several=several)
    if several:
        add_secret(play)
        assert play.mails("new_key_offered")[0].person.email == EVA["email"]
    else:
        assert play.refused("rotate", CONTACT).code == "not_allowed"
        play.take("rotate", EVA_HERSELF)
        assert play.wanted == ["issue_key"]


def test_an_offer_to_a_leaver_goes_to_the_successor() -> None:
    """`rotate_to` while it is offered: withdrawn, and made anew to the new holder."""
    play = overlapping()
    play.wait(days=5)
    play.answer("rotate_to", holder=EVA, reason="successor")
    assert play.wanted == ["cancel_offer"]
    play.answer("offer_cancelled", already_fetched=False)
    assert play.wanted == ["add_secret"]
    add_secret(play)
    assert play.mails("new_key_offered")[-1].person.email == EVA["email"]
    assert "overlap_over" not in play.wait(days=13)  # the 14 days are the successor's


def test_an_offer_that_the_leaver_had_just_fetched_is_rotated() -> None:
    """The withdrawal finds it fetched: the key lives, and is changed for the new holder."""
    play = offered_credential()
    play.answer("rotate_to", holder=EVA, reason="person_left")
    play.answer("offer_cancelled", already_fetched=True)
    assert (play.state.fetched_at is not None, play.wanted) == (True, ["list_secrets"])


def test_a_second_departure_waits_for_the_first_old_secret() -> None:
    """The successor leaves too while the old secret is being ended: one after the other."""
    play = overlapping()
    play.answer("picked_up", offer_id="o2")
    play.answer("rotate_to", holder=EVA, reason="person_left")
    assert play.wanted == ["end_old_secrets"]
    play.answer("old_secrets_ended")
    assert play.wanted == ["list_secrets"]


@pytest.mark.parametrize("stage", ["halted", "ending"])
def test_where_no_key_lives_only_the_holder_changes(stage: str) -> None:
    """Nothing is rotated that has been revoked or ends."""
    play = live_credential()
    if stage == "halted":
        play.take("revoke_key", HANDLER, {"reason": "x"})
        play.answer("keys_revoked")
    else:
        play.answer("end")
    before = play.wanted
    play.answer("rotate_to", holder=EVA, reason="person_left")
    assert (play.wanted, play.state.holder.email) == (before, EVA["email"])  # type: ignore[union-attr]


@pytest.mark.parametrize("word", ["holder", "rotate_to"])
def test_an_offer_to_somebody_who_left_is_cancelled_at_once(word: str) -> None:
    """Without a new holder a handler is to name one; then the key is offered anew."""
    play = offered_credential()
    play.answer("cancel_offers_to", account_id="acc-9")
    assert play.wanted == []
    play.answer("cancel_offers_to", account_id="acc-1")
    assert play.wanted == ["cancel_offer"]
    play.answer("offer_cancelled", already_fetched=False)
    assert (play.wanted, play.waits) == ([], [("case_handler", "name_holder")])
    assert play.mails("holder_left")[0].role == "case_handler"

    play.answer(word, holder=EVA, reason="successor")
    assert play.wanted == ["issue_key"]


def test_a_key_being_made_for_somebody_who_left_is_not_offered() -> None:
    """The answer of what was under way is for nobody."""
    play = begun_credential()
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    play.answer("cancel_offers_to", account_id="acc-1")
    play.answer("key_issued", key_mapping_id="k1", offer_id="o1", generation=1)
    assert (play.state.stage, play.waits) == ("issuing", [("case_handler", "name_holder")])


def test_a_key_that_ends_needs_no_other_holder() -> None:
    """Nobody is asked to name a holder of a key that is being removed."""
    play = offered_credential()
    play.answer("end")
    play.answer("cancel_offers_to", account_id="acc-1")
    assert (play.wanted, play.mails("holder_left")) == (["remove_application"], [])


def test_a_key_that_was_fetched_stays_when_its_person_leaves() -> None:
    """There is no offer to cancel: the key lives until it is rotated."""
    play = live_credential()
    play.answer("cancel_offers_to", account_id="acc-1")
    assert (play.state.holder is not None, play.waits) == (True, [("nobody", "live")])


def test_without_anybody_to_fetch_the_old_key_ends_at_fourteen_days() -> None:
    """Nobody was named in time: every secret is revoked, and a handler issues the next."""
    play = rotating(several=False)
    play.answer("cancel_offers_to", account_id="acc-1")
    assert play.waits == [("case_handler", "name_holder")]
    assert play.wait(days=14)[-1] == "overlap_over"
    assert play.wanted == ["revoke_keys"]
    play.answer("keys_revoked")
    play.answer("holder", holder=ANNA)
    play.take("reissue", HANDLER)
    assert play.wanted == ["issue_key"]


@pytest.mark.parametrize("at", ["listing", "adding", "offered", "waiting", "ending_old"])
def test_a_key_can_be_revoked_at_any_point_of_a_rotation(at: str) -> None:
    """Revoking ends both secrets and the rotation."""
    play = live_credential()
    play.take("rotate", HANDLER)
    if at != "listing":
        list_secrets(play, several=at != "waiting")
    if at in {"offered", "ending_old"}:
        add_secret(play)
    if at == "ending_old":
        play.answer("picked_up", offer_id="o2")
    play.take("revoke_key", CONTACT, {"reason": "Läckt"})
    assert (play.wanted, play.state.rotation) == (["revoke_keys"], None)
    play.answer("secret_added", offer_id="o9", generation=play.state.generation)
    play.answer("keys_revoked")
    assert play.waits == [("case_handler", "reissue")]


def test_a_rotation_that_was_given_up_takes_no_late_answers() -> None:
    """Answers about what lives, or what has ended, mean nothing without a rotation."""
    play = live_credential()
    list_secrets(play, several=True)
    play.answer("old_secrets_ended")
    assert (play.state.stage, play.wanted) == ("live", [])
