"""Every code that a person may meet has a text in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import yaml

from domain.machines import MACHINES
from domain.state import Party
from domain.texts import Texts
from tests.domain.playing import POLICY, ROOT

TEXTS = Texts.model_validate(yaml.safe_load((ROOT / "policy/texts.yaml").read_text("utf-8")))


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
