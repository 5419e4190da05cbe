"""What a person is told about a payload that cannot be read: every place, and what it lacks."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from domain.act import Refusal, refuse
from domain.bad_value import BadValue
from domain.text import Text

# By the validator's own types of errors; {…} are its figures.
WRONG = {
    "missing": Text(sv="saknas", en="is missing"),
    "extra_forbidden": Text(sv="finns inte i det här steget", en="does not belong to this step"),
    "string_type": Text(sv="ska vara text", en="is to be text"),
    "string_too_short": Text(sv="är för kort", en="is too short"),
    "string_too_long": Text(
        sv="är för långt (högst {max_length} tecken)", en="is too long (at most {max_length})"
    ),
    "string_pattern_mismatch": Text(
        sv="har fel form (mönstret är {pattern})",
        en="has the wrong form (the pattern is {pattern})",
    ),
    "too_short": Text(sv="är tomt eller för kort", en="is empty or too short"),
    "too_long": Text(
        sv="är för långt (högst {max_length})", en="is too long (at most {max_length})"
    ),
    "bool_type": Text(sv="ska vara true eller false", en="is to be true or false"),
    "bool_parsing": Text(sv="ska vara true eller false", en="is to be true or false"),
}
# The rest by what their types begin with.
FAMILIES = {
    "date": Text(sv="ska vara ett datum som 2026-11-24", en="is to be a date like 2026-11-24"),
    "int": Text(sv="ska vara ett heltal", en="is to be a whole number"),
    "list": Text(sv="ska vara en lista", en="is to be a list"),
    "tuple": Text(sv="ska vara en lista", en="is to be a list"),
    "dict": Text(sv="ska vara ett JSON-objekt", en="is to be a JSON object"),
    "model": Text(sv="ska vara ett JSON-objekt", en="is to be a JSON object"),
}
ONE_OF = Text(sv="ska vara {expected}", en="is to be {expected}")
CHOICES = re.compile(r"\^\((\w+(?:\|\w+)*)\)\$")
OTHERWISE = Text(sv="går inte att läsa", en="cannot be read")


def bad_payload(error: ValidationError) -> Refusal:
    """Say what is wrong and where, without repeating what was typed (it may be personal)."""
    first, *others = error.errors(include_input=False, include_url=False)
    where = _place(first)
    rest = _others(where, list(dict.fromkeys(map(_place, others))))
    text = first.get("ctx", {}).get("error")
    if isinstance(text, BadValue):
        code, sv, en = text.code, text.text.sv, text.text.en
    else:
        code, wrong = "bad_payload", _wrong(first)
        sv = f"{where} {wrong.sv}. Rätta det och skicka igen."
        en = f"{where} {wrong.en}. Correct it and send again."
    if rest:
        sv, en = f"{sv} Rätta också: {rest}.", f"{en} Correct these too: {rest}."
    return refuse(code, sv, en, where)


def _others(where: str, places: list[str]) -> str:
    """Name the other places, but not what only holds one that is wrong."""
    named = (where, *places)
    inner = [p for p in places if not any(each.startswith(f"{p}.") for each in named)]
    return ", ".join(each for each in inner if each != where)


def _place(error: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in error["loc"]) or "payload"


def _wrong(error: Mapping[str, Any]) -> Text:
    type_, figures = error["type"], error.get("ctx", {})
    if choices := _choices(figures):
        sv, en = (f"{', '.join(choices[:-1])} {word} {choices[-1]}" for word in ("eller", "or"))
        return Text(sv=ONE_OF.sv.format(expected=sv), en=ONE_OF.en.format(expected=en))
    families = (text for start, text in FAMILIES.items() if type_.startswith(f"{start}_"))
    text = WRONG.get(type_) or next(families, OTHERWISE)
    return Text(sv=text.sv.format_map(figures), en=text.en.format_map(figures))


def _choices(figures: Mapping[str, Any]) -> list[str]:
    """Return the words that one of is expected, where they are few and known."""
    listed = CHOICES.fullmatch(str(figures.get("pattern", "")))
    found = listed[1].split("|") if listed else re.findall(r"'(.*?)'", figures.get("expected", ""))
    return found if len(found) > 1 else []
