"""A payload that cannot be read: every place is named, in plain words, and nothing is repeated."""

from typing import Any

import pytest

from domain.act import Refusal
from tests.domain.playing import CONTACT, HANDLER, application, opened


def _refused(name: str, payload: dict[str, Any]) -> Refusal:
    return opened().refused(name, HANDLER, payload)


@pytest.mark.parametrize(
    ("name", "payload", "sv", "en"),
    [
        ("park", {"until": "imorgon", "reason": "x"}, "ett datum", "a date"),
        ("assign", {}, "handler saknas", "handler is missing"),
        ("assign", {"handler": ["x"]}, "handler ska vara text", "handler is to be text"),
        (
            "assign",
            {"handler": "x", "typo": 1},
            "typo finns inte i det här",
            "typo does not belong",
        ),
        (
            "note",
            {"text": "x", "visibility": "alla"},
            "internal eller",
            "internal or",
        ),
        ("note", {"text": "x" * 50_000}, "för långt", "too long"),
        ("request_completion", {"items": "x", "due": "2026-05-01"}, "en lista", "a list"),
    ],
)
def test_it_is_told_in_both_languages(name: str, payload: dict[str, Any], sv: str, en: str) -> None:
    """Never the validator's own words, which are English and Python's."""
    found = _refused(name, payload)
    assert sv in found.text.sv
    assert en in found.text.en
    for said in (found.text.sv, found.text.en):
        assert "nput" not in said
        assert "'" not in said
        assert "{" not in said


def test_every_place_is_named_at_once() -> None:
    """Who mends one thing at a time is not sent back for each."""
    found = _refused("note", {"text": "", "visibility": "alla", "typo": 1})
    assert found.field is not None
    assert "Rätta också: visibility, typo." in found.text.sv
    assert "Correct these too: visibility, typo." in found.text.en


def test_what_only_holds_a_wrong_place_is_not_named() -> None:
    """`datasets` is not wrong where `datasets.0.dataset_id` is."""
    payload = {"outcome": "ja", "datasets": [{"dataset_id": "x"}], "legal_rules": ["x"]}
    found = _refused("propose_decision", payload)
    assert "granted, denied eller dismissed" in found.text.sv
    assert "datasets.0.granted" in found.text.sv
    assert " datasets," not in found.text.sv


def test_a_second_application_is_told_that_one_is_open() -> None:
    """The case's own contact gets its number; another person learns whom to ask."""
    play = opened()
    mine = play.refused("apply", CONTACT, application())
    assert (mine.code, str(play.state.number or play.state.workflow_id) in mine.text.sv) == (
        "already_open",
        True,
    )
    stranger = CONTACT.model_copy(update={"subject": "okand@molndal.example"})
    found = play.refused("apply", stranger, application())
    assert (found.code, "kontaktperson" in found.text.sv) == ("already_open", True)
    assert "NGP" not in found.text.sv
