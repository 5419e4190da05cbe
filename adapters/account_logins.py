"""Login names to try, in order: made from what is asked for, so that a repeated try asks the same.

Their forms: `domain.logins`.
"""

import hashlib
import re
from collections.abc import Iterator
from string import ascii_lowercase
from typing import Final

from adapters.plain_letters import plain

CANDIDATES_MAX: Final = 200
LETTERS: Final = 4
DIGITS_END: Final = 10_000


def personal_logins(name: str, email: str) -> Iterator[str]:
    """Yield `anna.berg`, `anna.berg.a`, ... `anna.berg.z`, then endings that follow from the mail.

    So even the thousandth of a name finds one that is free, after a few tries.
    """
    words = [re.sub(r"[^a-z-]", "", word) for word in plain(name).lower().split()]
    first = ".".join(word for word in words if word.strip("-")) or "person"
    yield first
    yield from (f"{first}.{letter}" for letter in ascii_lowercase)
    for number in range(CANDIDATES_MAX - len(ascii_lowercase) - 1):
        yield f"{first}.{_letters(_digest(f'{email.casefold()}#{number}'))}"


def _digest(of: str) -> bytes:
    return hashlib.sha256(of.encode()).digest()


def _letters(digest: bytes) -> str:
    return "".join(ascii_lowercase[byte % len(ascii_lowercase)] for byte in digest[:LETTERS])


def system_logins(key: str) -> Iterator[str]:
    """Yield names like `abcd1234` that follow from a key."""
    for number in range(CANDIDATES_MAX):
        digest = _digest(f"{key}#{number}")
        yield f"{_letters(digest)}{int.from_bytes(digest[LETTERS:]) % DIGITS_END:04}"
