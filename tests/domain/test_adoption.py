"""Adoption: what a line of the file must say, and how what it starts takes it over."""

from datetime import date
from typing import Any

import pytest

from domain.act import Role
from domain.adopted import Adopted
from domain.adoption import (
    ReadRow,
    agreement_word,
    appointment_word,
    connection_word,
    read_rows,
)
from domain.agent_appointment import MACHINE as APPOINTMENT
from domain.connection import MACHINE as CONNECTION
from domain.machine import Machine
from domain.permission import MACHINE as PERMISSION
from domain.producer_agreement import MACHINE as AGREEMENT
from tests.domain.parts import (
    AGENT,
    AGENT_PERMISSION_ID,
    AGREEMENT_ID,
    ANNA,
    APPOINTMENT_ID,
    CONNECTION_ID,
    PERMISSION_ID,
    SYSTEM,
    key_ref,
    registration,
    standing,
)
from tests.domain.playing import HANDLER, MOLNDAL, POLICY, Play

TODAY = date(2026, 3, 2)
ADOPTED = Adopted(actor=HANDLER, basis="Överlämning 2026-03-01")
LINE = {
    "org_number": MOLNDAL,
    "contact_name": "Anna Lind",
    "contact_email": "anna.lind@molndal.example",
    "agreement_valid_from": "2025-01-01",
    "dataset_id": "detaljplan",
    "system_account": "abcd1234",
    "application_verification": "app-v",
    "application_production": "app-p",
}


def _read(*lines: dict[str, str]) -> list[ReadRow]:
    return read_rows(enumerate(lines, start=2), POLICY, TODAY)


def _word(**changes: str) -> dict[str, Any]:
    (read,) = _read(LINE | changes)
    assert read.row is not None
    people = {"contact": ANNA}
    return connection_word(read.row, ADOPTED, people, "Mölndals kommun", "municipality")


def _play(machine: Machine[Any], ref: str, content: dict[str, Any]) -> Play[Any]:
    play = Play(machine, ref)
    play.answer("begin", **content)
    return play


def _permission(**changes: str) -> Play[Any]:
    connection = _play(CONNECTION, CONNECTION_ID, _word(**changes))
    connection.answer("enrolled", accepted=True)
    (word,) = [each for each in connection.told("begin") if each.to == PERMISSION_ID]
    return _play(PERMISSION, PERMISSION_ID, word.content)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("org_number", "212000-1364", None),
        ("org_number", "", None),
        ("contact_email", "anna", None),
        ("contact_name", "", None),
        ("agreement_valid_from", "igår", "bad_payload"),
        ("dataset_id", "parkeringar", "unknown_dataset"),
        ("system_account", "annalind", "wrong_login"),
        ("application_production", "", "bad_payload"),
        ("hosting", "hemma", "bad_payload"),
        ("base_url", "http://x.example", None),
        ("valid_until", "2026-03-01", "in_the_past"),
        ("agreement_document", "avtal.pdf", "bad_payload"),
    ],
)
def test_what_is_wrong_is_told_by_field(field: str, value: str, code: str | None) -> None:
    """In both languages, and never with what was typed (it may be personal)."""
    (read,) = _read(LINE | {field: value})

    assert read.row is None
    (problem,) = read.problems
    assert field == problem.field
    assert code in {None, problem.code}
    assert problem.text.sv
    assert problem.text.en
    assert not value or value not in problem.text.sv


def test_every_wrong_field_of_a_line_is_told_at_once() -> None:
    """So that a file is corrected in one go."""
    (read,) = _read(LINE | {"org_number": "1", "contact_email": "x", "system_account": "y"})
    assert {"org_number", "contact_email", "system_account"} == {p.field for p in read.problems}


def test_an_own_api_needs_its_address() -> None:
    """Told at the field that is missing."""
    (read,) = _read(LINE | {"hosting": "own_api"})
    assert ["base_url"] == [each.field for each in read.problems]


def test_lines_of_one_producer_agree() -> None:
    """A second data set is well; another contact, or the same permission twice, is not."""
    other = LINE | {"dataset_id": "byggnad"}
    assert [True, True] == [each.row is not None for each in _read(LINE, other)]
    again = _read(LINE, LINE, other | {"contact_email": "bo.ek@molndal.example"})
    assert [[], ["dataset_id"], ["contact_email"]] == [
        [problem.field for problem in each.problems] for each in again
    ]


def test_an_adopted_agreement_is_in_force_without_a_mail() -> None:
    """The contact's account is looked for; the journal says by whom, and on what ground."""
    (read,) = _read(LINE)
    assert read.row is not None
    play = _play(
        AGREEMENT,
        AGREEMENT_ID,
        agreement_word(read.row, ADOPTED, "Mölndals kommun", "municipality"),
    )
    # A public party: FL 44 § counts from the decision.
    assert play.state.organisation.kind == "municipality"

    assert ("in_force", []) == (play.state.stage, play.mails("agreement_in_force"))
    assert ["find_or_create_person:contact", "find_registrations"] == play.wanted
    (entry,) = [each for each in play.state.journal if each.name == "adopted"]
    assert entry.actor is not None
    assert (Role.CASE_HANDLER, ADOPTED.basis) == (entry.actor.role, entry.what["basis"])


def test_an_adopted_agreement_takes_over_what_the_register_holds() -> None:
    """Key and validity of what the file names, and the processing agreement it does not name."""
    (read,) = _read(LINE)
    assert read.row is not None
    play = _play(
        AGREEMENT,
        AGREEMENT_ID,
        agreement_word(read.row, ADOPTED, "Mölndals kommun", "municipality"),
    )
    part = {"ref": CONNECTION_ID, "type": "DatasetConnection", "item": "detaljplan"}
    play.take("enrol", SYSTEM, part)
    found = [
        registration("producer", key="A-17", valid_from="2024-06-01"),
        registration("processing", key="P-4", document="f" * 64),
    ]
    play.answer("registrations_found", registrations=found)

    known = play.state.agreements
    assert {kind: each.registration for kind, each in known.items()} == {
        "producer": "A-17",
        "processing": "P-4",
    }
    assert known["producer"].valid_from == date(2024, 6, 1)
    word = play.told("covered")[-1]
    assert (word.to, word.content["processing_registration"]) == (CONNECTION_ID, "P-4")
    assert play.wanted == ["find_or_create_person:contact"]


def test_an_adopted_agreement_that_ends_at_once_is_looked_up_before_it_is_ended_there() -> None:
    """Else the register would go on to hold it as in force, under its own key."""
    (read,) = _read(LINE)
    assert read.row is not None
    play = _play(
        AGREEMENT,
        AGREEMENT_ID,
        agreement_word(read.row, ADOPTED, "Mölndals kommun", "municipality"),
    )
    play.answer("end", outcome="closed")
    assert play.wanted[0] == "find_registrations"
    play.answer("registrations_found", registrations=[registration("producer", key="A-17")])
    assert play.wanted == ["end_agreement:producer"]
    assert play.state.agreements["producer"].registration == "A-17"


def test_an_adopted_data_set_begins_its_permission_with_what_there_is() -> None:
    """It enrols at the agreement first; once it has begun the permission, it keeps nothing."""
    play = _play(CONNECTION, CONNECTION_ID, _word())
    assert ("connecting", ["enrol_at_agreement"]) == (play.state.stage, play.wanted)
    play.answer("enrolled", accepted=True)
    (word,) = [each for each in play.told("begin") if each.to == PERMISSION_ID]
    assert "abcd1234" == word.content["delivery"]["system_account"]
    assert play.state.adopted_delivery is None

    play.answer("permission_active", ref=PERMISSION_ID)
    assert "connected" == play.state.stage


def test_what_is_covered_reaches_a_data_set_that_is_still_enrolling() -> None:
    """The agreement's word may come before the answer to the enrolment, which is older."""
    play = _play(CONNECTION, CONNECTION_ID, _word())
    play.answer("covered", a3=["namn"], processing_key="f" * 64, processing_registration="P-4")
    play.answer("enrolled", **standing())
    known = play.state.standing
    assert (known.a3, known.processing_registration) == (("namn",), "P-4")


def test_an_adopted_data_set_that_the_agreement_turns_away_ends() -> None:
    """Notice came between the file's reading and its enrolment: it waits on nobody for ever."""
    play = _play(CONNECTION, CONNECTION_ID, _word())
    play.answer("enrolled", accepted=False)
    assert ("ended", "refused") == (play.state.stage, play.state.outcome)
    assert play.mails("no_agreement")


def test_an_adopted_permission_makes_nothing() -> None:
    """Its system account is claimed, both keys are begun by the portal's ids, no test delivery."""
    play = _permission()
    assert ["claim_system_account"] == play.wanted
    begun = {word.to: word.content["application_id"] for word in play.told("begin")}
    assert {key_ref("verification"): "app-v", key_ref("production"): "app-p"} == begun
    assert "production" == play.state.stage
    play.answer("system_account_claimed")
    play.answer("key_live", environment="verification")
    play.answer("key_live", environment="production")
    assert ("active", []) == (play.state.stage, play.wanted)
    assert "adopted" in [each.name for each in play.state.journal]


def test_an_adopted_permission_ends_on_its_day() -> None:
    """The day in the file rules, until midnight after it."""
    play = _permission(valid_until="2026-06-30")
    assert "adopted" == play.state.valid_until_source
    assert "2026-06-30T22:00:00+00:00" == play.state.valid_until.isoformat()


def test_an_account_that_is_not_claimed_yet_is_claimed_before_it_goes_off() -> None:
    """Only what carries our key can be switched off: else it would stay on."""
    play = _permission()
    play.answer("end", outcome="closed")
    for environment in ("verification", "production"):
        play.answer("part_ended", ref=key_ref(environment))
    assert ["claim_system_account"] == play.wanted
    play.answer("system_account_claimed")
    assert ["disable_system_account"] == play.wanted


def test_a_key_issued_again_is_no_longer_the_adopted_one() -> None:
    """The portal's id is given once."""
    assert {} == _permission().state.adopted_applications


AGENTS = {
    "party": AGENT,
    "agent_name": "Kartkonsult AB",
    "agent_contact_name": "Ola Ombud",
    "agent_contact_email": "ola.ombud@konsult.example",
    "valid_until": "2027-03-01",
}


def test_an_agents_row_says_who_the_agent_is_and_until_when() -> None:
    """Each field that is missing is named."""
    (read,) = _read(LINE | {"party": AGENT})
    assert {each.field for each in read.problems} == {
        "agent_name",
        "agent_contact_name",
        "agent_contact_email",
        "valid_until",
    }


def test_an_agent_is_taken_over_with_its_rights_and_keys() -> None:
    """Active once its person is found; the permission carries the account and the application."""
    (read,) = _read(LINE | AGENTS)
    assert read.row is not None
    people = {"contact": ANNA}
    word = appointment_word([read.row], ADOPTED, people, "Mölndals kommun")
    play = _play(APPOINTMENT, APPOINTMENT_ID, word)
    assert not play.machine.draws_number(play.state)
    play.answer("enrolled", **standing())
    play.answer("organisation_looked_up", name="Kartkonsult AB")
    assert (play.state.stage, play.told("begin")) == ("active", [])
    play.answer(
        "person_found",
        role="agent_contact",
        email="ola.ombud@konsult.example",
        account_id="acc-7",
        login_name="olaombud",
        active=True,
    )
    begun = play.told("begin")[0]
    assert begun.to == AGENT_PERMISSION_ID
    permission = _play(PERMISSION, AGENT_PERMISSION_ID, begun.content)
    assert permission.wanted[0] == "enrol_at_dataset"
    permission.answer("dataset_enrolled", accepted=True)
    keys = {word.to: word.content.get("application_id") for word in permission.told("begin")}
    assert "app-v" in keys.values()
    assert permission.state.system_account == "abcd1234"


def test_a_data_set_that_only_an_agent_delivers_begins_without_a_right_of_the_producers() -> None:
    """Its delivery is `agent`; nothing of the producer's own is begun."""
    (read,) = _read(LINE | AGENTS)
    assert read.row is not None
    word = connection_word(read.row, ADOPTED, {"contact": ANNA}, "Mölndals kommun", "municipality")
    play = _play(CONNECTION, CONNECTION_ID, word)
    play.answer("enrolled", **standing())
    assert play.state.declaration.delivery == "agent"
    assert not play.told("begin")
