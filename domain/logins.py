"""Login names: which kind of account a name is, and what to say when the wrong kind is given."""

import re
from typing import Literal

from domain.text import Text

SYSTEM = re.compile(r"[a-z]{4}[0-9]{4}")
PERSONAL = re.compile(r"[^0-9\s]+")

USE_SYSTEM = Text(
    sv="Använd systemkontot, inte kontot för Geotorget. Systemkontot ser ut som abcd1234.",
    en="Use the system account, not the Geotorget account. A system account looks like abcd1234.",
)
USE_PERSONAL = Text(
    sv="Använd ditt personliga konto för Geotorget (utan siffror), inte systemkontot.",
    en="Use your personal Geotorget account, not the system account. It has no digits.",
)
NEITHER = Text(
    sv="Namnet är varken ett systemkonto (fyra bokstäver och fyra siffror, som abcd1234) "
    "eller ett personligt konto (inga siffror).",
    en="The name is neither a system account (four letters and four digits, like abcd1234) "
    "nor a personal account (no digits).",
)


def kind_of_login(name: str) -> Literal["personal", "system", "neither"]:
    """Tell a system account (`abcd1234`) from a personal one (no digits)."""
    if SYSTEM.fullmatch(name):
        return "system"
    return "personal" if PERSONAL.fullmatch(name) else "neither"


def mix_up(name: str, meant: Literal["personal", "system"]) -> Text | None:
    """Return what to say when a login name is not of the kind that is meant."""
    kind = kind_of_login(name)
    if kind == meant:
        return None
    if kind == "neither":
        return NEITHER
    return USE_SYSTEM if meant == "system" else USE_PERSONAL
