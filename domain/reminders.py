"""Reminders and escalations: what happens by itself while somebody is awaited."""

from collections.abc import Iterator
from datetime import date, timedelta

from domain.act import Role
from domain.dates import add_working_days, days_after, local_date, midnight_after
from domain.policy import Policy, WaitPolicy
from domain.state import OURS, OUTER, EntryKind, State, Timer, Waiting

REMIND = "remind"
TELL_HANDLER = "tell_handler"
ESCALATE = "escalate"


def due_day(waiting: Waiting, policy: Policy) -> date | None:
    """Return the last day of a wait: the day extended or given, else the policy's."""
    rule = policy.waiting.get(waiting.rule, WaitPolicy())
    if waiting.extended_to is not None:
        return waiting.extended_to
    if waiting.due is not None:
        return waiting.due
    if rule.working_days is not None:
        return add_working_days(local_date(waiting.since), rule.working_days)
    if rule.handler_days is not None:
        return local_date(waiting.since) + timedelta(days=rule.handler_days)
    return None


def reminder_timers(state: State, policy: Policy) -> Iterator[Timer]:
    """Yield the reminders and escalations that have not gone out yet."""
    for waiting in state.waiting:
        rule = policy.waiting.get(waiting.rule, WaitPolicy())
        for name, timer in _marks(waiting, rule, policy):
            if name not in waiting.told:
                yield timer


def _marks(waiting: Waiting, rule: WaitPolicy, policy: Policy) -> Iterator[tuple[str, Timer]]:
    def timer(what: str, at: object) -> tuple[str, Timer]:
        name = f"{what}|{waiting.key}|{at if isinstance(at, int) else ''}"
        instant = days_after(waiting.since, at) if isinstance(at, int) else at
        return name, Timer.model_validate(
            {"name": name, "at": instant, "rule": waiting.rule, "item": waiting.item}
        )

    due = due_day(waiting, policy)
    if waiting.on in OUTER:
        for days in rule.remind_days:
            yield timer(REMIND, days)
        if due is not None and rule.before_due_days is not None:
            before = midnight_after(due - timedelta(days=rule.before_due_days + 1))
            if before > waiting.since:  # else the request itself came later than its reminder
                yield timer(REMIND, before)
        if due is not None:
            yield timer(TELL_HANDLER, midnight_after(due))
    elif waiting.on in OURS and due is not None:
        yield timer(ESCALATE, midnight_after(due))


def passed_reminder(state: State, name: str, policy: Policy) -> bool:
    """Send the reminder a timer stood for; False when the timer was none."""
    what, _, rest = name.partition("|")
    if what not in {REMIND, TELL_HANDLER, ESCALATE}:
        return False
    key = rest.rpartition("|")[0]
    for index, waiting in enumerate(state.waiting):
        if waiting.key == key and name not in waiting.told:
            state.waiting[index] = waiting.model_copy(update={"told": (*waiting.told, name)})
            _send(state, what, waiting, policy)
    return True


def _send(state: State, what: str, waiting: Waiting, policy: Policy) -> None:
    due = due_day(waiting, policy)
    details = {"rule": waiting.rule, "item": waiting.item, "due": due.isoformat() if due else ""}
    details |= {"since": local_date(waiting.since).isoformat(), "on": waiting.on}
    person = state.awaited_person(waiting)
    if what == REMIND and person is not None:
        state.notify("reminder", person, what=details)
    else:
        state.notify("overdue", Role.CASE_HANDLER, what=details)
    now = state.journal[-1].at
    state.write(now, EntryKind.FOLLOWED, what, details)
