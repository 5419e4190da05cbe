"""What an error of an outside system means for the next attempt."""

from datetime import timedelta
from typing import Never

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.outside import LONGEST_PAUSE, OUTSIDE_ERROR, SHUT_OFF_PAUSE, not_yet, pause_after
from adapters.outside import (
    Busy,
    Conflict,
    Foreign,
    NotAllowed,
    NotFound,
    OutsideError,
    Refused,
    Unreachable,
)
from worker import WORKFLOWS
from workflows.doing import RETRY, SHUT_OFF_RETRY, Operation

LATER = 120.0
MUCH_LATER = 3600.0
PAUSES = {
    "no answer": (Unreachable("portal", ""), None),
    "500": (Busy("portal", "", status=500), None),
    "429": (Busy("portal", "", status=429), None),
    "Retry-After": (Busy("portal", "", retry_after_seconds=LATER), timedelta(minutes=2)),
    "Retry-After that is long": (
        Busy("portal", "", retry_after_seconds=MUCH_LATER),
        timedelta(minutes=5),
    ),
    "401": (NotAllowed("portal", "", status=401), timedelta(minutes=15)),
    "403": (NotAllowed("portal", "", status=403), timedelta(minutes=15)),
    "400": (Refused("portal", "", status=400), timedelta(hours=24)),
    "404": (NotFound("portal", "", status=404), timedelta(hours=24)),
    "409": (Conflict("portal", "", status=409), timedelta(hours=24)),
    "not ours": (Foreign("portal", "", status=409), timedelta(hours=24)),
}
OPERATIONS: dict[str, Operation] = {
    name: operation
    for each in WORKFLOWS
    for name, operation in each.operations.items()
    if hasattr(operation.activity, "__wrapped__")  # by `calls_outside`
}


@pytest.mark.parametrize("name", PAUSES)
def test_the_pause_follows_from_the_error(name: str) -> None:
    """What a retry cannot mend waits long; what may pass is tried as the retry policy says."""
    error, pause = PAUSES[name]
    assert pause_after(error, shuts_off=False) == pause


@pytest.mark.parametrize("name", PAUSES)
def test_nothing_that_shuts_off_asks_for_a_pause_of_its_own(name: str) -> None:
    """Access is to end: whatever the system says, it is asked again within half a minute."""
    error, _ = PAUSES[name]
    assert pause_after(error, shuts_off=True) is None


def test_the_policies_have_the_longest_pauses() -> None:
    """Five minutes; half a minute for what shuts off. No policy ever gives up."""
    assert (RETRY.maximum_interval, LONGEST_PAUSE) == (timedelta(minutes=5),) * 2
    assert (SHUT_OFF_RETRY.maximum_interval, SHUT_OFF_PAUSE) == (timedelta(seconds=30),) * 2
    assert RETRY.maximum_attempts == SHUT_OFF_RETRY.maximum_attempts == 0


def test_these_shut_off() -> None:
    """Keys, secrets, accounts and applications that are to end; nothing else hurries so."""
    assert {name for name, each in OPERATIONS.items() if each.shuts_off} == {
        "disable_person",
        "disable_system_account",
        "end_old_secrets",
        "remove_application",
        "revoke_keys",
    }


class _Refusing:
    """Stands for an activity's object and input; every use is answered with an error."""

    def __init__(self, error: OutsideError) -> None:
        self.__dict__["error"] = error

    def __getattr__(self, name: str) -> Never:
        raise self.error


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_what_a_workflow_shuts_off_its_activity_does_too(name: str) -> None:
    """Both sides of an operation agree: a 403 waits 15 minutes unless access is to end."""
    operation = OPERATIONS[name]
    refusing = _Refusing(NotAllowed("portal", "no", status=403))
    with pytest.raises(ApplicationError) as raised:
        await operation.activity(refusing, refusing)
    assert raised.value.type == OUTSIDE_ERROR
    assert raised.value.details == ({"status": 403, "unmendable": True, "said": "no"},)
    pause = None if operation.shuts_off else timedelta(minutes=15)
    assert raised.value.next_retry_delay == pause


def test_what_is_not_ready_is_looked_at_every_half_minute() -> None:
    """A portal's own approval is no failure."""
    error = not_yet("the portal has not approved it yet")
    assert error.next_retry_delay == timedelta(seconds=30)
    assert error.category == ApplicationErrorCategory.BENIGN
