"""Every code that a person may meet has a text in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.act import Role
from domain.machines import MACHINES
from domain.state import Party
from tests.domain.playing import (
    DECIDER,
    HANDLER,
    POLICY,
    ROOT,
    TEXTS,
    at_agreement,
    at_review,
    declaration,
    proposal,
)


def _calls(function: str) -> Iterator[ast.Call]:
    for path in sorted(Path(ROOT / "domain").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "func", None)
            called = getattr(name, "attr", getattr(name, "id", None))
            if isinstance(node, ast.Call) and called == function:
                yield node


def _strings(node: ast.AST | None) -> set[str]:
    if node is None:
        return set()
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _given(function: str, name: str) -> set[str]:
    """Return the words that are given literally for a keyword of a call."""
    found: set[str] = set()
    for call in _calls(function):
        for keyword in call.keywords:
            if keyword.arg == name and isinstance(keyword.value, ast.Constant):
                found |= _strings(keyword.value)
    return found


def test_every_mail_that_is_owed_has_a_text() -> None:
    """A template that is not written would make its mail fail for ever."""
    owed = set().union(*(_strings(call.args[0]) for call in _calls("notify") if call.args))
    assert len(owed) > 50
    assert owed - TEXTS.mails.keys() == set()


def test_a_reminder_says_who_is_awaited_for_what() -> None:
    """In a sentence, with the day only where there is one; the data set by its name."""
    play = at_agreement()
    play.wait(days=8)
    mail = play.mails("reminder")[0]
    _, text = TEXTS.mail("reminder", mail.what)
    assert text.startswith(
        "Vi har väntat sedan 2026-03-02: producenten ska lämna in avtalet undertecknat.\n"
        "Det gäller producentavtalet.\nSenast 2026-04-01.\nLogga in"
    )
    what = {"since": "2026-03-02", "on": "producer", "rule": "describe_dataset", "item": "d"}
    _, text = TEXTS.mail("reminder", what, {"d": "Detaljplan"})
    assert "Det gäller Detaljplan.\nLogga in" in text


def test_every_mail_that_is_written_is_owed_by_something() -> None:
    """No text stands for nothing: each is named somewhere in the domain."""
    named: set[str] = set()
    for path in sorted(Path(ROOT / "domain").glob("*.py")):
        named |= _strings(ast.parse(path.read_text("utf-8")))
    assert TEXTS.mails.keys() - named == set()


def test_every_wait_and_everything_that_happens_by_itself_has_a_text() -> None:
    """What a person reads in a view is never a code."""
    rules = _given("Wait", "rule") | _given("Timer", "rule") | POLICY.waiting.keys()
    assert rules - TEXTS.rules.keys() == set()
    happens = {name for machine in MACHINES.values() for name in machine.passed}
    assert happens - TEXTS.upcoming.keys() == set()


def test_every_stage_and_party_has_a_text() -> None:
    """All stages of all machines, and all on whom something can wait."""
    stages = {stage for machine in MACHINES.values() for stage in machine.stages}
    assert stages - TEXTS.stages.keys() == set()
    assert {str(party) for party in Party} - TEXTS.parties.keys() == set()


class _Once(yaml.SafeLoader):
    """Reads YAML in which no name stands twice: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: Any = None) -> dict[Any, Any]:
        names = [self.construct_object(key) for key, _ in node.value]
        assert len(names) == len(set(names)), f"twice at {node.start_mark}"
        return super().construct_mapping(node, deep=bool(deep))


@pytest.mark.parametrize("file", ["policy/texts.yaml", "policy/policy.yaml", "forms/forms.yaml"])
def test_no_name_stands_twice_in_a_file(file: str) -> None:
    """Two groups of one name: the first would be lost, and its codes be read by people."""
    assert yaml.load((ROOT / file).read_text("utf-8"), _Once)  # noqa: S506 - a safe loader


def test_every_role_kind_and_outcome_has_a_text() -> None:
    """Who may do what, what an id names, and how something ended."""
    assert {str(role) for role in Role} - {"system"} - TEXTS.roles.keys() == set()
    kinds = {"onboarding", "agreement", "dataset", "agent", "permission", "credential", "person"}
    assert kinds | {"reconciliation"} == TEXTS.kinds.keys()
    ends = _given("End", "outcome") | {
        word
        for function in ("end", "finish")
        for call in _calls(function)
        if call.args
        for word in _strings(call.args[0])
    }
    assert len(ends) > 10
    assert ends - {"last_day"} - TEXTS.outcomes.keys() == set()  # that one is a source


def test_a_decision_is_told_in_words() -> None:
    """The mail of a decision says `beviljas`, not the code."""
    play = at_review(declaration(), declaration("byggnad"))
    granted = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
    decided = proposal(
        granted | {"conditions": "Årlig rapport"}, {"dataset_id": "byggnad", "granted": False}
    )
    play.take("propose_decision", HANDLER, decided)
    play.take("skip_hearing", HANDLER, {"reason": "FL25_1"})
    play.take("decide", DECIDER, {"reasons": "Enligt utredningen."})
    (mail,) = play.mails("decided")
    _, text = TEXTS.mail("decided", mail.what)
    assert "Beslut: beviljas.\nBeviljas med villkor: Detaljplan (Årlig rapport).\n" in text
    assert "Denied: Byggnad.\n" in text
    assert ("senast 2026-03-23" in text, "veckor" in text) == (True, False)
    _, text = TEXTS.mail("agreement_submitted", {"kind": "processing", "organisation": "o"})
    assert "personuppgiftsbiträdesavtalet" in text
