import pytest

from domain.act import Role
from tests.domain.parts import AGREEMENT_ID, ONBOARDING_ID, enrolled_person, enrolment
from tests.domain.playing import CONTACT, HANDLER, Play

DEPUTY = CONTACT.model_copy(
    update={"subject": "bo.ek@molndal.example", "role": Role.PRODUCER_DEPUTY}
)


def test_an_invited_person_activates_the_account() -> None:
    """Invited by mail, the person activates; whatever hangs on the person is told."""
    play = enrolled_person()
    assert (play.state.stage, play.waits) == ("invited", [("person", "activate_account")])
    assert play.mails("invitation")[0].person.email == CONTACT.subject

    play.take("activate_account", CONTACT)
    assert play.wanted == ["activate_person"]
    assert play.waits == [("account_system", "switch_account")]
    assert "activate_account" not in play.open

    play.answer("person_activated")
    assert (play.state.stage, play.waits) == ("active", [("nobody", "active")])
    told = play.told("person_active")
    assert [(word.to, word.content) for word in told] == [(ONBOARDING_ID, {"account_id": "acc-1"})]


def test_an_account_that_is_active_already_goes_straight_on() -> None:
    """No invitation: the case is told at once."""
    play = enrolled_person(active=True)
    assert (play.state.stage, play.mails("invitation")) == ("active", [])
    assert play.told("person_active")[0].to == ONBOARDING_ID


def test_an_account_found_active_later_lets_everything_go_on() -> None:
    """The person activated the account elsewhere: seen when another case enrols, told to both."""
    play = enrolled_person()
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID, active=True))
    assert play.state.stage == "active"
    assert {word.to for word in play.told("person_active")} == {ONBOARDING_ID, AGREEMENT_ID}


def test_what_enrols_at_an_active_person_is_told_at_once() -> None:
    """A second case need not wait, and is not told of by a second invitation."""
    play = enrolled_person(active=True)
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID))
    assert play.told("person_active")[-1].to == AGREEMENT_ID
    assert not play.mails("invitation")


def test_a_second_case_sends_no_second_invitation() -> None:
    """One person, one account, one invitation."""
    play = enrolled_person()
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID))
    assert len(play.mails("invitation")) == 1
    play.take("activate_account", CONTACT)
    play.answer("person_activated")
    assert {word.to for word in play.told("person_active")} == {ONBOARDING_ID, AGREEMENT_ID}


def test_an_invitation_lapses_when_nothing_hangs_on_it() -> None:
    """Released by everything before it was used, the invitation is over."""
    play = enrolled_person()
    play.answer("enrol", **enrolment(ref=AGREEMENT_ID))
    play.answer("release", ref=ONBOARDING_ID)
    assert play.state.stage == "invited"
    play.answer("release", ref=AGREEMENT_ID)
    assert (play.state.stage, play.state.outcome) == ("ended", "lapsed")


def test_a_lapsed_invitation_is_sent_again_when_something_hangs_on_it() -> None:
    """An enrolment that meets a lapsed invitation before it has closed revives it."""
    play = enrolled_person()
    play.answer("release", ref=ONBOARDING_ID)
    play.answer("enrol", **enrolment())
    assert (play.state.stage, play.state.outcome) == ("invited", None)
    assert len(play.mails("invitation")) == 2


def test_an_account_in_use_stays_when_nothing_hangs_on_it() -> None:
    """An active account is the person's own: a released one waits on nobody."""
    play = enrolled_person(active=True)
    play.answer("release", ref=ONBOARDING_ID)
    assert (play.state.stage, play.waits) == ("active", [("nobody", "active")])


def test_an_activation_under_way_is_not_lost_by_a_release() -> None:
    """Released while the account is being activated, the access becomes active all the same."""
    play = enrolled_person()
    play.take("activate_account", CONTACT)
    play.answer("release", ref=ONBOARDING_ID)
    assert play.state.stage == "invited"
    play.answer("person_activated")
    assert play.state.stage == "active"


def test_a_release_that_comes_first_ends_it() -> None:
    """Nothing was enrolled: there is nothing to invite to."""
    play = Play(enrolled_person().machine, "person/acc-1")
    play.answer("release", ref=ONBOARDING_ID)
    assert play.state.stage == "ended"


def test_only_the_invited_person_activates() -> None:
    """A colleague, another organisation and a handler with a letter are all refused."""
    play = enrolled_person()
    assert play.refused("activate_account", DEPUTY).code == "not_allowed"
    letter = HANDLER.model_copy(
        update={"on_behalf_of": "Anna Lind", "arrival_date": play.now.date()}
    )
    assert play.refused("activate_account", letter).code == "not_allowed"


def test_the_invitation_is_sent_again_by_a_handler_or_the_organisation() -> None:
    """The own organisation's contact or deputy may ask for it, another organisation's not."""
    play = enrolled_person()
    play.take("resend_invitation", HANDLER)
    play.take("resend_invitation", DEPUTY)
    assert len(play.mails("invitation")) == 3
    other = DEPUTY.model_copy(update={"organisation": "212000-0142"})
    assert play.refused("resend_invitation", other).code == "not_allowed"


@pytest.mark.parametrize(("days", "mails"), [(6, 0), (7, 1), (14, 2), (31, 2)])
def test_the_person_is_reminded_and_then_the_handler_told(days: int, mails: int) -> None:
    """Reminders after 7 and 14 days; a handler is told when 30 have passed."""
    play = enrolled_person()
    play.wait(days=days)
    assert len(play.mails("reminder")) == mails
    assert len(play.mails("overdue")) == (1 if days > 30 else 0)
