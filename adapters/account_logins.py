"""Login names to try, in order: made from what is asked for, so that a repeated try asks the same.

Their forms: `domain.logins`.
"""

import hashlib
import re
from collections.abc import Iterator
from itertools import count, islice, product
from string import ascii_lowercase
from typing import Final

from adapters.plain_letters import plain

CANDIDATES_MAX: Final = 200
LETTERS: Final = 4
DIGITS_END: Final = 10_000


def personal_logins(name: str) -> Iterator[str]:
    """Yield `anna.berg`, `anna.berg.a`, ... `anna.berg.z`, `anna.berg.aa`, ... for a name."""
    words = [re.sub(r"[^a-z-]", "", word) for word in plain(name).lower().split()]
    first = ".".join(word for word in words if word.strip("-")) or "person"
    endings = (
        "".join(letters) for size in count(1) for letters in product(ascii_lowercase, repeat=size)
    )
    yield first
    yield from (f"{first}.{ending}" for ending in islice(endings, CANDIDATES_MAX - 1))


def system_logins(key: str) -> Iterator[str]:
    """Yield names like `abcd1234` that follow from a key."""
    for number in range(CANDIDATES_MAX):
        digest = hashlib.sha256(f"{key}#{number}".encode()).digest()
        letters = "".join(ascii_lowercase[byte % len(ascii_lowercase)] for byte in digest[:LETTERS])
        yield f"{letters}{int.from_bytes(digest[LETTERS:]) % DIGITS_END:04}"
