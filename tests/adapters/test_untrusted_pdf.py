"""Opening a PDF that nobody vouches for."""

import logging
from contextlib import suppress
from time import monotonic

import pytest

from adapters.untrusted_pdf import TimeIsUp, UnreadablePdf, time_limit, untrusted_pdf


def test_a_time_limit_passes_through_a_librarys_own_handlers() -> None:
    """Code that catches every Exception is stopped all the same, and the hook is taken away."""

    def stubborn() -> None:
        while True:
            with suppress(Exception):
                monotonic()

    with pytest.raises(TimeIsUp), time_limit(0.05):
        stubborn()
    with time_limit(60):
        assert monotonic() > 0


def test_whatever_goes_wrong_is_one_error() -> None:
    """A file that is no PDF, and an error while one is read, are both UnreadablePdf."""
    with pytest.raises(UnreadablePdf), untrusted_pdf(b"no pdf"):
        pass


def test_nothing_of_the_file_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What a damaged file holds does not reach the log: it may be personal data."""
    with caplog.at_level(logging.DEBUG), suppress(UnreadablePdf), untrusted_pdf(b"Eva Ek <</V"):
        pass
    assert not caplog.records
