"""JSON as Postgres gives it back: what is written is what is read, so digests stay true."""

import json
import math
from decimal import Decimal
from typing import Any

UNKNOWN_CHARACTER = "\ufffd"


def storable(value: Any) -> Any:
    """Return a JSON value in the form that `jsonb` returns unchanged.

    `jsonb` takes no NUL and UTF-8 no lone surrogate: they become U+FFFD, because a text that
    somebody sent must not block the record. Numbers take the form that `numeric` writes.
    """
    if isinstance(value, str):
        return value.replace("\0", UNKNOWN_CHARACTER).encode("utf-16", "surrogatepass").decode(
            "utf-16", "replace"
        )  # fmt: skip
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return json.loads(format(Decimal(repr(value + 0.0)), "f"))
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [storable(each) for each in value]
    return value
