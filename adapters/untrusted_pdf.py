"""Opens a PDF that nobody vouches for: one error for whatever goes wrong, and a time limit."""

import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from io import BytesIO
from time import monotonic
from typing import TypeVar

from pypdf import PdfReader

# pypdf logs what it stumbles over, field values included: personal data in our logs.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)

T = TypeVar("T")

SECONDS_MAX = 5.0


class UnreadablePdf(Exception):
    """The file is damaged, hostile, or takes too long to read."""


class TimeIsUp(BaseException):
    """The time has passed; not an Exception, so that a library's own handlers let it through."""


def in_own_thread(read: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """Let a reader of untrusted bytes work in a thread that ends with it.

    A hostile file drives pypdf into deep recursion, and an error thrown out of it can leave the
    interpreter's recursion counter of that thread wrong for good (seen on CPython 3.11, where the
    next `ast.parse` in the thread then fails): so no thread that does other work reads one.
    """

    @wraps(read)
    def reading(data: bytes) -> T:
        with ThreadPoolExecutor(max_workers=1) as own:
            return own.submit(read, data).result()

    return reading


@contextmanager
def untrusted_pdf(data: bytes) -> Iterator[PdfReader]:
    """Open a PDF; all reading of it belongs in the block, which takes at most some SECONDS_MAX.

    Raises:
        UnreadablePdf: for anything raised in the block, since a hostile file makes pypdf raise
            anything, and when the time has passed.
    """
    try:
        with time_limit(SECONDS_MAX):
            yield PdfReader(BytesIO(data), strict=False)
    except (Exception, TimeIsUp) as error:  # noqa: BLE001 - see Raises
        raise UnreadablePdf(type(error).__name__) from None


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
