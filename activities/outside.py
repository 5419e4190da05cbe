"""Calls to outside systems as activities: what an error means for the next attempt.

Temporal retries every activity without limit. What a retry cannot mend does not fail: it asks
for a longer pause, and a person sees an incident meanwhile.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from adapters.outside import Busy, NotAllowed, OutsideError, Refused

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")

LONGEST_PAUSE: Final = timedelta(minutes=5)
NOT_ALLOWED_PAUSE: Final = timedelta(minutes=15)
REFUSED_PAUSE: Final = timedelta(hours=24)
SHUT_OFF_PAUSE: Final = timedelta(seconds=30)
POLL_PAUSE: Final = timedelta(seconds=30)

OUTSIDE_ERROR: Final = "outside_error"
NOT_YET: Final = "not_yet"


def pause_after(error: OutsideError, *, shuts_off: bool) -> timedelta | None:
    """Return how long to wait before the next attempt; None leaves it to the retry policy."""
    if shuts_off:
        return None
    if isinstance(error, NotAllowed):
        return NOT_ALLOWED_PAUSE
    if isinstance(error, Refused):
        return REFUSED_PAUSE
    if isinstance(error, Busy) and error.retry_after_seconds is not None:
        return min(timedelta(seconds=error.retry_after_seconds), LONGEST_PAUSE)
    return None


def calls_outside(
    *, shuts_off: bool = False
) -> Callable[
    [Callable[Concatenate[Owner, P], Awaitable[R]]], Callable[Concatenate[Owner, P], Awaitable[R]]
]:
    """Turn an adapter's error into one that says when to try again and if a person is needed."""

    def decorate(
        call: Callable[Concatenate[Owner, P], Awaitable[R]],
    ) -> Callable[Concatenate[Owner, P], Awaitable[R]]:
        @wraps(call)
        async def attempt(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await call(self, *args, **kwargs)
            except OutsideError as error:
                unmendable = isinstance(error, NotAllowed | Refused)
                raise ApplicationError(
                    error.said or type(error).__name__,
                    {"status": error.status, "unmendable": unmendable, "said": error.said},
                    type=OUTSIDE_ERROR,
                    next_retry_delay=pause_after(error, shuts_off=shuts_off),
                ) from error

        return attempt

    return decorate


def not_yet(what: str) -> ApplicationError:
    """Return what an activity raises to look again later: no incident, nothing in the history."""
    return ApplicationError(
        what,
        type=NOT_YET,
        next_retry_delay=POLL_PAUSE,
        category=ApplicationErrorCategory.BENIGN,
    )
