"""Personnummer and samordningsnummer: found so that they can be refused before they are kept.

Form and check digit: folkbokföringslag 1991:481 18 §. A samordningsnummer has 60 added to its day.
"""

import calendar
import re
import unicodedata

DASHES = r"+–—‐‑‒−\-"  # for use inside the brackets of an expression
CANDIDATE = re.compile(
    # Looked ahead, not consumed: digits before a number cannot hide it.
    rf"(?<![0-9])(?=(?:16|18|19|20)?([0-9]{{2}})[-./\s]?([0-9]{{2}})[-./\s]?([0-9]{{2}})"
    rf"\s{{0,2}}[{DASHES}]?\s{{0,2}}([0-9]{{4}})"
    # A range such as 2026-01-01–2026-12-31 holds two dates, no number.
    rf"(?![0-9]|[{DASHES}./][0-9]))"
)
COORDINATION_DAYS = 60
MONTHS = 12


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit (weights 2, 1, 2, 1, ... from the left)."""
    products = (int(digit) * (2 - index % 2) for index, digit in enumerate(digits))
    return sum(product // 10 + product % 10 for product in products) % 10 == 0


def is_personal_number(digits: str) -> bool:
    """Whether ten digits have a valid date of birth and check digit; the day may have 60 added."""
    year, month, day = (int(digits[index : index + 2]) for index in (0, 2, 4))
    if not 1 <= month <= MONTHS:
        return False
    # Of the two years that a two-digit year may mean, only 1900 and 2000 differ: 2000 is longer.
    days_in_month = calendar.monthrange(2000 + year, month)[1]
    return day % COORDINATION_DAYS in range(1, days_in_month + 1) and luhn(digits)


def contains_personal_number(text: str) -> bool:
    """Whether a text holds a valid personnummer or samordningsnummer, however it is written.

    Ten or twelve digits, with or without dash, plus sign or spaces. A telephone or other number
    that happens to form one counts too: better one question too many than one number kept.
    """
    # Digits of other scripts are read as ours; a superscript (footnote) is no digit.
    plain = text if text.isascii() else "".join(str(unicodedata.decimal(c, c)) for c in text)
    return any(is_personal_number("".join(found.groups())) for found in CANDIDATE.finditer(plain))
