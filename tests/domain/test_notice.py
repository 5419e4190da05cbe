from datetime import date, timedelta

from domain.agreement_state import AgreementState
from domain.dates import midnight_after
from domain.view import upcoming
from tests.domain.parts import (
    AGENT,
    ANNA,
    APPOINTMENT_ID,
    CONNECTION_ID,
    NOT_IN_REGISTER,
    SYSTEM,
    agreement_in_force,
    registration,
)
from tests.domain.playing import CONTACT, DECIDER, HANDLER, NOON, Play

LAST = "2026-06-30"
NOTICE = {"last_day": LAST, "reason": "Vi byter plattform.", "document": "d"}
BO = {"name": "Bo Ek", "email": "bo.ek@molndal.example"}


def with_parts() -> Play[AgreementState]:
    """Return an agreement with a data set and an agent under it."""
    play = agreement_in_force("producer", "processing")
    play.take("enrol", SYSTEM, {"ref": CONNECTION_ID, "type": "DatasetConnection", "item": "d"})
    play.take("enrol", SYSTEM, {"ref": APPOINTMENT_ID, "type": "AgentAppointment", "item": AGENT})
    return play


def test_notice_is_pushed_down_ahead_and_nothing_new_begins() -> None:
    """Everything under the agreement gets its own timer at once; enrolment is refused."""
    play = with_parts()
    play.take("give_notice", CONTACT, NOTICE)
    assert (play.state.stage, play.waits) == ("under_notice", [("nobody", "under_notice")])
    words = play.told("valid_until")
    assert {word.to for word in words} == {CONNECTION_ID, APPOINTMENT_ID}
    until = midnight_after(date(2026, 6, 30)).isoformat()
    assert all(word.content == {"source": "agreement", "until": until} for word in words)
    refused = play.refused("enrol", SYSTEM, {"ref": "dataset/x", "type": "DatasetConnection"})
    assert refused.code == "no_agreement_in_force"


def test_nothing_is_said_to_happen_after_the_end() -> None:
    """The yearly confirmation would fall after the last day: it does not come."""
    play = with_parts()
    before = [each["what"] for each in upcoming(play.machine, play.state, play.policy)]
    play.take("give_notice", CONTACT, NOTICE)
    after = [each["what"] for each in upcoming(play.machine, play.state, play.policy)]
    assert (before, after) == (["confirmation_due"], ["notice_over"])


def test_the_agreement_ends_after_its_last_day_with_everything_under_it() -> None:
    """Parts first, then the register, then itself."""
    play = with_parts()
    play.take("give_notice", DECIDER, {**NOTICE, "document": None})
    play.wait_until(midnight_after(date(2026, 6, 30)))
    assert (play.state.stage, play.state.outcome) == ("ending", "notice")
    assert {word.to for word in play.told("end")} == {CONNECTION_ID, APPOINTMENT_ID}
    assert play.wanted == []
    for ref in (CONNECTION_ID, APPOINTMENT_ID):
        play.answer("part_ended", ref=ref, outcome="notice")
    assert play.wanted == ["end_agreement:producer", "end_agreement:processing"]
    for kind in ("producer", "processing"):
        play.answer("agreement_ended", kind=kind)
    assert play.state.stage == "ended"


def test_the_contact_hands_in_the_signatorys_document() -> None:
    """The authority's decider needs none; a day that has been is refused."""
    play = with_parts()
    refused = play.refused("give_notice", CONTACT, {**NOTICE, "document": None})
    assert (refused.code, refused.field) == ("document_missing", "document")
    assert play.refused("give_notice", DECIDER, {**NOTICE, "last_day": "2026-01-01"}).code == (
        "in_the_past"
    )


def test_notice_is_withdrawn_only_by_who_gave_it() -> None:
    """Then all under the agreement learn that it sets no end any more."""
    play = with_parts()
    play.take("give_notice", CONTACT, NOTICE)
    assert play.refused("withdraw_notice", DECIDER).code == "not_your_notice"
    play.take("withdraw_notice", CONTACT)
    assert play.state.stage == "in_force"
    assert play.told("valid_until")[-1].content == {"source": "agreement", "until": None}
    assert "notice_over" not in play.wait(days=200)


def test_once_a_year_the_producer_confirms_who_is_kept() -> None:
    """Asked after 365 days, a handler's task after 30 more; confirming starts a new year."""
    play = with_parts()
    play.wait_until(NOON + timedelta(days=365))
    assert play.waits[0] == ("producer", "confirm_access")
    play.wait(days=30)
    assert ("case_handler", "confirmation_overdue") in play.waits
    play.take("confirm_access", CONTACT, {"persons": [CONTACT.subject], "agents": [AGENT]})
    assert play.waits == [("nobody", "in_force")]
    assert "confirmation_due" not in play.wait(days=364)
    assert "confirmation_due" in play.wait(days=1)


def test_who_is_not_kept_goes() -> None:
    """A deputy who is not named has the role no longer; an agent who is not named ends."""
    play = with_parts()
    play.take("name_deputy", CONTACT, BO)
    play.take("confirm_access", CONTACT, {"persons": [CONTACT.subject]})
    assert play.state.deputy is None
    assert [(w.to, w.content) for w in play.told("end")] == [
        (APPOINTMENT_ID, {"outcome": "not_confirmed"})
    ]
    refused = play.refused("confirm_access", CONTACT, {"persons": ["okänd@x.example"]})
    assert (refused.code, refused.field) == ("not_there", "persons")


def test_when_the_contact_leaves_the_deputy_acts_and_the_organisation_names_another() -> None:
    """What rests on the agreement is told who acts; without a deputy the handler has it."""
    play = with_parts()
    play.take("name_deputy", CONTACT, BO)
    play.answer("person_left", account_id="acc-1", roles=["contact"])
    assert (play.state.contact, play.waits[0]) == (None, ("producer", "name_contact"))
    told = play.told("contacts")[-1].content
    assert (told["holder"], told["deputy"]["email"]) == (None, BO["email"])
    alone = with_parts()
    alone.answer("person_left", account_id="acc-1", roles=["contact"])
    assert alone.waits[0] == ("case_handler", "name_contact")
    assert [word.to for word in alone.told("release")] == ["person/acc-1"]


def test_a_successor_has_the_role_at_once() -> None:
    """Nobody waits, and the successor hangs on the agreement."""
    play = with_parts()
    eva = {**ANNA, "name": "Eva Ny", "email": "eva@molndal.example", "account_id": "acc-2"}
    play.answer("person_left", account_id="acc-1", roles=["contact"], successors={"contact": eva})
    assert play.state.contact is not None
    assert play.state.contact.account_id == "acc-2"
    assert [word.to for word in play.told("enrol")][-1] == "person/acc-2"


def test_a_person_who_is_to_leave_is_to_be_succeeded() -> None:
    """Who stays is asked in time; without anybody the handler is."""
    play = with_parts()
    play.answer("person_leaving", account_id="acc-1", last_day=LAST)
    assert [str(mail.role) for mail in play.mails("successor_wanted")] == ["case_handler"]
    play.answer("person_leaving", account_id="acc-9", last_day=LAST)
    assert len(play.mails("successor_wanted")) == 1


def test_a_supplement_widens_what_is_covered_and_all_data_sets_hear_it() -> None:
    """A3 and A4 of every signed agreement, each once."""
    play = with_parts()
    signed = {"kind": "processing", "document": "s1", "a3": ["namn"], "a4": ["ägare"]}
    play.answer("supplemented", agreement=signed)
    play.answer("supplemented", agreement=signed)
    assert len(play.state.supplements) == 1
    assert play.state.categories("a3") == ("namn",)
    assert play.told("covered")[-1].to == CONNECTION_ID
    play.answer("supplemented", agreement=signed | {"a3": ["adress"]})
    assert (len(play.state.supplements), play.state.categories("a3")) == (1, ("namn", "adress"))


def test_what_the_register_says_otherwise_is_a_handlers_task_until_it_agrees() -> None:
    """Told once, and each kind shown as long as it lasts."""
    play = with_parts()
    for kind in ("producer", "producer", "processing"):
        play.answer("register_differs", **NOT_IN_REGISTER | {"kind": kind})
    assert [mail.what["item"] for mail in play.mails("register_differs")] == [
        "producer",
        "processing",
    ]
    assert ("case_handler", "register_differs") in play.waits
    play.answer("register_agrees", kind="producer")
    assert play.wanted == ["find_registrations"]  # it may have another key since it was mended
    play.answer("registrations_found", registrations=[registration("producer", key="K-9")])
    assert play.state.register_findings.keys() == {"processing"}
    play.answer("register_agrees", kind="processing")
    play.answer("registrations_found", registrations=[registration("producer", key="K-9")])
    assert play.waits == [("nobody", "in_force")]
    assert play.state.agreements["producer"].registration == "K-9"


def test_a_handler_may_let_the_register_be_right() -> None:
    """Key and validity are taken over, who and why stand in the journal, and the task is done."""
    play = with_parts()
    assert "follow_register" not in play.open
    other = {"why": "other_validity", "registered_from": "2025-02-01"}
    play.answer("register_differs", **NOT_IN_REGISTER | other)
    play.take("follow_register", HANDLER, {"reason": "Registret har avtalets egen dag."})
    assert (play.wanted, "follow_register" in play.open) == (["find_registrations"], False)
    found = [registration(kind, valid_from="2025-02-01") for kind in ("producer", "processing")]
    play.answer("registrations_found", registrations=found)

    assert play.waits == [("nobody", "in_force")]
    days = {str(each.valid_from) for each in play.state.agreements.values()}
    assert days == {"2025-02-01"}
    (line,) = [each for each in play.state.journal if each.name == "follow_register"]
    assert line.actor is not None
    assert line.what["reason"] == "Registret har avtalets egen dag."


def test_what_is_not_in_the_register_stays_a_task() -> None:
    """There is nothing to follow: it has to be registered."""
    play = with_parts()
    for kind in ("producer", "processing"):
        play.answer("register_differs", **NOT_IN_REGISTER | {"kind": kind})
    play.take("follow_register", HANDLER, {"reason": "?"})
    play.answer("registrations_found", registrations=[registration("producer")])
    assert list(play.state.register_findings) == ["processing"]
    assert ("case_handler", "register_differs") in play.waits
    assert "follow_register" in play.open
