"""Whoever gets or loses a role, a key or a right hears of it, and why."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.texts import placeholders
from tests.domain.parts import (
    AGREEMENT_ID,
    ANNA,
    EVA,
    OLA,
    PERMISSION_ID,
    SYSTEM,
    active_agent,
    active_permission,
    agreement_in_force,
    begun_permission,
    enrolled_person,
    live_credential,
    proposed,
)
from tests.domain.playing import CONTACT, HANDLER, TEXTS, Play, at_agreement, by_post

EVA_NAMED = {"name": EVA["name"], "email": EVA["email"]}
WHY = {"reason": "Läckt i ett forum."}
MIDNIGHT = datetime(2026, 3, 31, 22, tzinfo=UTC)


def _one(play: Play[Any], template: str, to: object) -> dict[str, str]:
    """Return what the one mail of a template to a person is about; all it says is known."""
    found = [mail for mail in play.mails(template) if mail.person and mail.person.email == to]
    assert len(found) == 1, (template, [mail.template for mail in play.state.notices])
    what: dict[str, str] = found[0].what
    said = TEXTS.mails[template]
    for text in (said.subject, said.text):
        lines = [line for line in text.sv.splitlines() if not line.startswith("? ")]
        known = {"number", "organisation", *what}
        assert set().union(*map(placeholders, lines)) <= known
    return what


def test_a_revoked_key_is_told_to_its_holder_and_to_who_issues_the_next_one() -> None:
    """By the contact: the handler is to issue anew. By a handler: the holder must know."""
    play = live_credential("production")
    play.take("revoke_key", CONTACT, WHY)
    assert _one(play, "key_revoked", ANNA["email"])["reason"] == WHY["reason"]
    assert [mail.role for mail in play.mails("key_revoked") if mail.role] == ["case_handler"]

    play = live_credential("production")
    play.take("revoke_key", HANDLER, WHY)
    assert _one(play, "key_revoked", ANNA["email"])["environment"] == "production"
    assert len(play.mails("key_revoked")) == 1


def test_a_right_that_a_handler_ends_is_told_with_the_reason() -> None:
    """At once, or with the last day on which it is there."""
    play = active_permission()
    play.take("end_permission", HANDLER, WHY)
    assert _one(play, "permission_ended", ANNA["email"])["reason"] == WHY["reason"]

    play = active_permission()
    play.take("end_permission", HANDLER, WHY | {"at": MIDNIGHT.isoformat()})
    assert _one(play, "permission_ends", ANNA["email"])["due"] == "2026-03-31"


def test_an_agent_hears_of_a_data_set_that_is_disconnected() -> None:
    """The producer said so at the data set; the agent's right ends with it."""
    play = begun_permission(party="556036-0793", holder=EVA)
    play.answer("valid_until", source="disconnect", until=MIDNIGHT.isoformat())
    assert _one(play, "permission_ends", EVA["email"]) == {
        "item": "detaljplan",
        "due": "2026-03-31",
    }


@pytest.mark.parametrize("source", ["agreement", "disconnect"])
def test_a_producer_hears_of_its_own_notice_once(source: str) -> None:
    """Whoever gave notice, or the agreement, tells it: the permission does not say it again."""
    play = active_permission()
    play.answer("valid_until", source=source, until=MIDNIGHT.isoformat())
    assert play.mails("permission_ends") == []


@pytest.mark.parametrize("step", ["withdraw", "close"])
def test_an_agent_hears_that_it_is_not_wanted_any_more(step: str) -> None:
    """It had been asked to accept."""
    play = proposed()
    payload = {"reason": "Fel ombud.", "legal_rules": ["FL 20 §"]} if step == "close" else {}
    play.take(step, HANDLER if step == "close" else CONTACT, payload)
    assert play.state.is_ending
    _one(play, "closed" if step == "close" else "withdrawn", OLA.subject)


def test_an_agent_hears_which_data_sets_come_and_go() -> None:
    """By their names, and a line only where there is something in it."""
    play = active_agent()
    change = {"add": [{"dataset_id": "byggnad"}], "remove": ["detaljplan"]}
    play.take("change_datasets", CONTACT, change)
    what = _one(play, "agent_datasets", OLA.subject)
    assert what == {"added": "byggnad", "removed": "detaljplan"}
    _, text = TEXTS.mail("agent_datasets", what | {"removed": ""}, {"byggnad": "Byggnad"})
    assert "Nytt: Byggnad." in text
    assert "Upphör" not in text


def test_a_new_contact_and_a_new_deputy_hear_of_their_role() -> None:
    """In a case, at the agreement, and at an agent."""
    for play in (at_agreement(), agreement_in_force()):
        play.take("name_deputy", CONTACT, EVA_NAMED)
        assert _one(play, "role_given", EVA["email"]) == {"item": "deputy"}
    for play in (at_agreement(), agreement_in_force()):
        play.take("replace_contact", by_post(), EVA_NAMED)
        assert _one(play, "role_given", EVA["email"]) == {"item": "contact"}
    agents = active_agent()
    agents.take("replace_contact", OLA, EVA_NAMED)
    assert _one(agents, "role_given", EVA["email"]) == {"item": "agent_contact"}


def test_who_is_not_confirmed_hears_of_it() -> None:
    """The role is gone and the keys are changed."""
    play = agreement_in_force()
    play.take("name_deputy", CONTACT, EVA_NAMED)
    play.take("confirm_access", CONTACT, {"persons": [CONTACT.subject]})
    assert _one(play, "not_confirmed", EVA["email"]) == {"item": "deputy"}


def test_a_successor_and_who_gives_up_a_role_hear_of_it() -> None:
    """With the day."""
    play = enrolled_person(active=True, ref=AGREEMENT_ID)
    play.take("change_duties", CONTACT, {"roles": ["contact"], "from": "2026-04-01"})
    assert _one(play, "duties_given_up", ANNA["email"])["due"] == "2026-04-01"
    play.take("name_successor", CONTACT, {"role": "contact", "person": EVA_NAMED})
    assert _one(play, "successor_named", EVA["email"]) == {"item": "contact", "due": "2026-03-31"}


def test_an_account_that_is_shut_off_and_on_is_told() -> None:
    """With the reason; and again when it is on."""
    play = enrolled_person(active=True)
    play.take("suspend", CONTACT, WHY)
    assert _one(play, "account_suspended", ANNA["email"]) == WHY
    play.answer("account_off")
    play.take("reactivate", CONTACT)
    assert play.mails("account_reactivated") == []
    play.answer("person_activated")
    _one(play, "account_reactivated", ANNA["email"])


def test_an_account_on_its_way_on_can_be_shut_off_again() -> None:
    """The account system may take long: nobody has to wait for it to be on first."""
    play = enrolled_person(active=True)
    play.take("suspend", CONTACT, WHY)
    play.answer("account_off")
    play.take("reactivate", CONTACT)
    assert play.wanted == ["activate_person"]
    play.take("suspend", CONTACT, WHY)
    assert (play.state.stage, play.wanted) == ("suspended", ["disable_person"])
    play.answer("person_activated")  # it had been on its way
    assert (play.state.stage, play.wanted) == ("suspended", ["disable_person"])


def test_what_ends_waits_on_what_its_parts_wait_on() -> None:
    """An agreement or appointment whose parts are ending says nothing of its own beside them."""
    agreement = agreement_in_force()
    agreement.take("enrol", SYSTEM, {"ref": PERMISSION_ID, "type": "Permission"})
    agreement.answer("end", outcome="withdrawn")
    assert agreement.waits == []
    agent = active_agent()
    agent.take("revoke_agent", CONTACT, WHY)
    assert (agent.state.stage, agent.waits) == ("ending", [])
