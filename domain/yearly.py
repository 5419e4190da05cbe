"""What a producer is asked to confirm every year: a mail, a wait, then a handler's task."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from domain.act import Role
from domain.case import CaseState
from domain.machine import Moment
from domain.policy import Policy
from domain.state import Party, Timer, Wait


class YearlyConfirmed(CaseState):
    """What is confirmed every year, and whether it is time, or past the time to answer."""

    is_confirmation_due: bool = False
    is_confirmation_overdue: bool = False


S = TypeVar("S", bound=YearlyConfirmed)


@dataclass(frozen=True)
class YearlyConfirmation(Generic[S]):
    """One such confirmation: the step that gives it, and when it was given last.

    The mail that asks and the wait for it have the name of the step.
    """

    step: str
    given_at: Callable[[S], datetime | None]

    def due(self, state: S, moment: Moment) -> None:
        """A year has passed: the producer is asked."""
        del moment
        state.is_confirmation_due = True
        state.notify(self.step, state.acting)

    def overdue(self, state: S, moment: Moment) -> None:
        """Nobody has answered: a handler's task."""
        del moment
        state.is_confirmation_overdue = True
        state.notify("confirmation_overdue", Role.CASE_HANDLER)

    def given(self, state: S) -> None:
        """Stop asking; the caller notes when it was given."""
        state.is_confirmation_due = state.is_confirmation_overdue = False

    def waits(self, state: S) -> Iterator[Wait]:
        """Yield who is to confirm, or to see to it."""
        if state.is_confirmation_due:
            yield Wait(on=Party.PRODUCER, rule=self.step)
        if state.is_confirmation_overdue:
            yield Wait(on=Party.CASE_HANDLER, rule="confirmation_overdue")

    def timers(self, state: S, policy: Policy) -> Iterator[Timer]:
        """Yield when it is asked for, and when it is not waited for any longer."""
        given_at = self.given_at(state)
        if given_at is None:
            return
        due = given_at + timedelta(days=policy.confirm_access_days)
        if not state.is_confirmation_due:
            yield Timer(name="confirmation_due", at=due, rule=self.step)
        elif not state.is_confirmation_overdue:
            at = due + timedelta(days=policy.confirm_access_answer_days)
            yield Timer(name="confirmation_overdue", at=at, rule=self.step)
