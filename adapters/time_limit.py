"""A time limit for pure Python code that works on a file nobody vouches for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic


class TimeIsUp(BaseException):
    """The time has passed; not an Exception, so that a library's own handlers let it through."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop what this thread does in the block after some seconds, at its next call.

    The interpreter's profile hook is called at every call, in this thread only, and may raise: so
    it needs neither a signal, which only the main thread gets, nor a process for each file. One
    long call into C is not interrupted; pypdf bounds those itself (decompression).

    Raises:
        TimeIsUp: the time has passed.
    """
    until = monotonic() + seconds

    def look(*_event: object) -> None:
        if monotonic() > until:
            raise TimeIsUp

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
