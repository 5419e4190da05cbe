"""The queries, from `queries.sql`: each under a `-- name --` header.

`{name}` in one stands for another, so that what two have in common is written once.
"""

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
HEADER = re.compile(r"^-- ([a-z_]+) --$", re.MULTILINE)
OTHER = re.compile(r"\{([a-z_]+)\}")


@lru_cache(maxsize=1)
def _queries() -> dict[str, str]:
    parts = HEADER.split((FOLDER / "queries.sql").read_text("utf-8"))
    texts = {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    return {name: OTHER.sub(lambda other: texts[other[1]], text) for name, text in texts.items()}


def query(name: str) -> str:
    """Return a query by its name.

    Raises:
        KeyError: there is no such query.
    """
    return _queries()[name]
