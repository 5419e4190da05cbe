"""The queries, from `queries.sql`: each under a `-- name --` header."""

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
HEADER = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)


@lru_cache(maxsize=1)
def _queries() -> dict[str, str]:
    parts = HEADER.split((FOLDER / "queries.sql").read_text("utf-8"))
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def query(name: str) -> str:
    """Return a query by its name.

    Raises:
        KeyError: there is no such query.
    """
    return _queries()[name]
