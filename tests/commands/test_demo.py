"""What the last line of a demo says, and how it ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import starter
from commands import running
from commands.shut_offs import in_journal

MIDNIGHT = datetime(2026, 3, 31, 22, tzinfo=UTC)  # in Stockholm
Said = list[tuple[float, float | None]]


def _line(name: str, seconds: float, **what: Any) -> dict[str, Any]:
    """Return a line of a journal, some seconds from midnight."""
    return {"name": name, "at": MIDNIGHT + timedelta(seconds=seconds), "what": what}


def _said(type_: str, *journal: dict[str, Any], wants: str = "", **details: Any) -> Said:
    """Return what was shut off: when it was due, in seconds from midnight, and how late it was."""
    pending = [{"operation": wants}] if wants else []
    row = {
        "workflow_id": "ref",
        "type": type_,
        "view": {"details": details, "pending": pending},
    }
    found = in_journal(row, list(journal))
    due = [datetime.fromisoformat(each["due"]) - MIDNIGHT for each in found]
    return [(at.total_seconds(), each["seconds"]) for at, each in zip(due, found, strict=True)]


@pytest.mark.parametrize(("type_", "confirms"), [
    ("Permission", "system_account_off"), ("Credential", "application_gone"),
])  # fmt: skip
def test_a_deadline_that_was_applied_late_is_late(type_: str, confirms: str) -> None:
    """Due is the right's end, not when a worker came to it; unconfirmed has no seconds."""
    until = MIDNIGHT.isoformat()
    expired, end = _line("expired", 300), _line("end", 301)
    assert _said(type_, expired, end, valid_until=until) == [(0, None)]
    confirmed = _line(confirms, 310.5)
    assert _said(type_, expired, end, confirmed, valid_until=until) == [(0, 310.5)]
    assert _said(type_, end, confirmed, valid_until=until) == [(301, 9.5)]


def test_a_right_that_a_handler_ends_later_is_due_then() -> None:
    """The step names an instant: nothing is owed before it; without one it is owed at once."""
    step = _line("end_permission", -9000, reason="Slut", at=MIDNIGHT.isoformat())
    told, off = _line("expired", 1), _line("system_account_off", 2)
    assert _said("Permission", step, told, off, valid_until=MIDNIGHT.isoformat()) == [(0, 2)]
    at_once = _line("end_permission", -9000, reason="Slut")
    assert _said("Permission", at_once, _line("system_account_off", -8990)) == [(-9000, 10)]


def test_a_departure_is_due_at_the_midnight_after_the_last_day() -> None:
    """Or when it was said, where the day had passed by then."""
    left, off = _line("left", 60), _line("account_off", 61)
    before, after = _line("schedule_departure", -9000), _line("schedule_departure", 50)
    assert _said("PersonAccess", before, left, off, last_day="2026-03-31") == [(0, 61)]
    assert _said("PersonAccess", after, left, off, last_day="2026-03-31") == [(50, 11)]


def test_the_old_secret_of_a_changed_key_counts() -> None:
    """Beside the new one until that is fetched, or replaced by it; the first key ends nothing."""
    first = [_line("key_issued", -900), _line("picked_up", -800)]
    assert _said("Credential", *first) == []
    added = [*first, _line("rotate", 0), _line("secret_added", 5), _line("picked_up", 10)]
    assert _said("Credential", *added) == []
    assert _said("Credential", *added, wants="end_old_secrets") == [(10, None)]
    assert _said("Credential", *added, _line("old_secrets_ended", 12)) == [(10, 2)]
    replaced = [*first, _line("rotation_due", 0), _line("rotate", 30)]
    assert _said("Credential", *replaced, wants="issue_key") == [(30, None)]
    assert _said("Credential", *replaced, _line("key_issued", 33)) == [(30, 3)]


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_demo_that_did_not_end_as_it_should_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, *, passed: bool, code: int
) -> None:
    """So that a program that calls it sees it."""

    async def played(*_: object) -> dict[str, object]:
        return {"passed": passed}

    monkeypatch.setattr(running, "demo", played)
    assert starter.run(["demo", "--json"]) == code
