from typing import Any

from domain.agreement_state import AgreementState
from tests.domain.parts import (
    AGREEMENT_ID,
    ANNA,
    CONNECTION_ID,
    EVA,
    ONBOARDING_ID,
    SYSTEM,
    agreement_in_force,
)
from tests.domain.playing import CONTACT, HANDLER, Play

DATASET = {"ref": CONNECTION_ID, "type": "DatasetConnection", "item": "detaljplan"}
EVA_FOUND: dict[str, Any] = {
    "role": "contact",
    "email": EVA["email"],
    "account_id": "acc-2",
    "login_name": "evany",
    "active": False,
}


def _with_dataset(*kinds: str) -> Play[AgreementState]:
    play = agreement_in_force(*kinds)
    play.take("enrol", SYSTEM, DATASET)
    return play


def test_comes_into_force_with_its_contact() -> None:
    """The contact's access knows that the agreement hangs on it; nobody is awaited."""
    play = agreement_in_force()
    assert (play.state.stage, play.waits) == ("in_force", [("nobody", "in_force")])
    assert play.told("enrol")[0].to == "person/acc-1"
    assert play.mails("agreement_in_force")


def test_a_data_set_enrols_at_an_agreement_in_force() -> None:
    """What rests on it is a part of it."""
    play = _with_dataset()
    assert list(play.state.parts) == [CONNECTION_ID]


def test_nothing_enrols_before_it_is_in_force_or_when_it_ends() -> None:
    """Not there yet, or ending: the enrolment is refused."""
    fresh = Play(agreement_in_force().machine, AGREEMENT_ID)
    assert fresh.refused("enrol", SYSTEM, DATASET).code == "not_now"
    play = _with_dataset()
    play.answer("end", outcome="withdrawn")
    assert play.refused("enrol", SYSTEM, DATASET).code == "no_agreement_in_force"


def test_only_workflows_enrol() -> None:
    """A person cannot put something under an agreement."""
    play = agreement_in_force()
    assert play.refused("enrol", HANDLER, DATASET).code == "not_allowed"


def test_ends_only_after_its_parts_and_the_register() -> None:
    """Parts are told once and awaited, then the register confirms each kind, then it is over."""
    play = _with_dataset("producer", "processing")
    play.answer("end", outcome="withdrawn")
    assert (play.state.stage, play.wanted) == ("ending", [])
    assert [word.to for word in play.told("end")] == [CONNECTION_ID]
    assert play.waits == []  # its parts say on whom

    play.answer("end", outcome="closed")
    assert len(play.told("end")) == 1
    play.answer("part_ended", ref=CONNECTION_ID, outcome="withdrawn")
    assert play.wanted == ["end_agreement:producer", "end_agreement:processing"]
    assert play.waits == [("agreement_register", "end_agreement")]

    play.answer("agreement_ended", kind="producer")
    assert play.wanted == ["end_agreement:processing"]
    play.answer("agreement_ended", kind="processing")
    assert (play.state.stage, play.state.outcome) == ("ended", "withdrawn")
    assert play.told("release")[0].to == "person/acc-1"
    assert play.told("part_ended")[0].to == ONBOARDING_ID


def test_a_part_may_say_twice_that_it_has_ended() -> None:
    """The same word again, or one about a stranger, changes nothing."""
    play = _with_dataset()
    for ref in (CONNECTION_ID, CONNECTION_ID, "dataset/x/y"):
        play.answer("part_ended", ref=ref, outcome="closed")
    assert (play.state.stage, list(play.state.parts)) == ("in_force", [CONNECTION_ID])


def test_a_new_contact_is_the_contact_of_everything_under_it() -> None:
    """Parts are told at once, so that the old one can no longer act, and again with the account."""
    play = _with_dataset()
    play.take("replace_contact", CONTACT, EVA)
    assert play.wanted == ["find_or_create_person:contact"]
    assert play.told("contacts")[0].content["holder"]["email"] == EVA["email"]
    assert [word.to for word in play.told("release")] == ["person/acc-1"]
    assert play.mails("contact_replaced")[0].person.email == CONTACT.subject
    assert play.refused("replace_contact", CONTACT, EVA).code == "not_allowed"

    play.answer("person_found", **EVA_FOUND)
    assert play.told("contacts")[1].content["holder"]["account_id"] == "acc-2"
    assert play.told("enrol")[-1].to == "person/acc-2"
    play.answer("person_active", account_id="acc-2")
    assert len(play.told("contacts")) == 2


def test_a_deputy_who_takes_over_stays_enrolled() -> None:
    """The one who leaves a role but has another is not let go."""
    play = agreement_in_force()
    play.take("name_deputy", CONTACT, {"name": ANNA["name"], "email": ANNA["email"]})
    play.answer("person_found", **EVA_FOUND | {"role": "deputy", "email": ANNA["email"],
                                               "account_id": "acc-1"})  # fmt: skip
    play.take("replace_contact", CONTACT, EVA)
    assert not play.told("release")


def test_a_replaced_deputy_is_let_go() -> None:
    """A deputy who is replaced is released, and a stale answer about the account is not used."""
    play = agreement_in_force()
    play.take("name_deputy", CONTACT, EVA)
    play.answer("person_found", **EVA_FOUND | {"role": "deputy"})
    play.take("name_deputy", CONTACT, {"name": "Bo Ek", "email": "bo.ek@molndal.example"})
    assert [word.to for word in play.told("release")] == ["person/acc-2"]
    play.answer("person_found", **EVA_FOUND | {"role": "deputy"})
    assert play.wanted == ["find_or_create_person:deputy"]


def test_coming_into_force_twice_changes_nothing() -> None:
    """A second `begin` does not revive an agreement that ends."""
    play = agreement_in_force()
    play.answer("end", outcome="closed")
    before = play.state.model_dump()
    play.answer("begin", **agreement_begin_again())
    changed = {k for k, v in play.state.model_dump().items() if v != before[k]}
    assert changed == {"version", "sequence", "journal"}


def agreement_begin_again() -> dict[str, Any]:
    """Return the words of a second beginning."""
    return {
        "owner": "onboarding/other",
        "org_number": "212000-0142",
        "organisation_name": "x",
        "contact": EVA,
        "agreements": {},
    }
