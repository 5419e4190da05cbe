"""Login names: which kind of account a name is, and what to say when the wrong kind is given.

Source: `domain.md` 1.5. A system account delivers data; a personal account belongs to one person.
"""

import re
from typing import Literal

from domain.text import Text

SYSTEM = re.compile(r"[a-z]{4}[0-9]{4}")
PERSONAL = re.compile(r"[^\d\s]+")

USE_SYSTEM = Text(
    sv="Här behövs ett systemkonto: använd systemkontot, inte Geotorgetkontot. "
    "Ett systemkonto ser ut som abcd1234.",
    en="A system account is needed here: use the system account, not the Geotorget account. "
    "A system account looks like abcd1234.",
)
USE_PERSONAL = Text(
    sv="Här behövs ett personligt konto: använd Geotorgetkontot, inte systemkontot. "
    "Ett Geotorgetkonto har inga siffror.",
    en="A personal account is needed here: use the Geotorget account, not the system account. "
    "A Geotorget account has no digits.",
)
NEITHER = Text(
    sv="Namnet är varken ett systemkonto (fyra små bokstäver och fyra siffror, som abcd1234) "
    "eller ett personligt konto (inga siffror eller mellanslag). Kontrollera kontonamnet.",
    en="The name is neither a system account (four small letters and four digits, like abcd1234) "
    "nor a personal account (no digits or spaces). Check the account name.",
)


def kind_of_login(name: str) -> Literal["personal", "system", "neither"]:
    """Tell a system account (`abcd1234`) from a personal one (no digits, no spaces)."""
    if SYSTEM.fullmatch(name):
        return "system"
    return "personal" if PERSONAL.fullmatch(name) else "neither"


def mix_up(name: str, meant: Literal["personal", "system"]) -> Text | None:
    """Return what to say when a login name is not of the kind that is meant, else None."""
    kind = kind_of_login(name)
    if kind == meant:
        return None
    if kind == "neither":
        return NEITHER
    return USE_SYSTEM if meant == "system" else USE_PERSONAL
