"""Organisation numbers: form, check digit, and who may become a producer."""

import re

from domain.text import Text

LENGTH = 10
GROUPS = {
    "23": Text(sv="en region", en="a region"),
    "55": Text(sv="ett aktiebolag", en="a limited company"),
    "56": Text(sv="ett aktiebolag", en="a limited company"),
    "76": Text(sv="en ekonomisk förening", en="an economic association"),
    "80": Text(sv="en ideell förening eller stiftelse", en="an association or foundation"),
    "96": Text(sv="ett handelsbolag", en="a trading partnership"),
}


class BadOrgNumber(ValueError):
    """A text that is no organisation number; never carries what was typed."""

    def __init__(self, code: str, sv: str, en: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = Text(sv=sv, en=en)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit (weights 2, 1, 2, 1, ... from the left)."""
    products = (int(digit) * (2 - index % 2) for index, digit in enumerate(digits))
    return sum(product // 10 + product % 10 for product in products) % 10 == 0


def is_personal_number(digits: str) -> bool:
    """Whether ten digits are those of a person: the third is never below 2 in an organisation's."""
    month, day = int(digits[2:4]), int(digits[4:6])
    return digits[2] < "2" and 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= 31  # noqa: PLR2004 - months and days


def parse_org_number(text: str) -> str:
    """Return an organisation number as `NNNNNN-NNNN`.

    Raises:
        BadOrgNumber: `empty`, `not_ten_digits`, `personal_number` or `check_digit`.
    """
    digits = re.sub(r"[\s+–-]", "", text)
    if not digits:
        raise BadOrgNumber(
            "empty",
            "Ange organisationsnumret, tio siffror.",
            "Give the organisation number, ten digits.",
        )
    if (re.fullmatch(r"(19|20)\d{10}", digits) and digits[4] < "2") or re.fullmatch(
        r"16\d{10}", digits
    ):
        digits = digits[2:]
    if not re.fullmatch(r"\d{10}", digits):
        raise BadOrgNumber(
            "not_ten_digits",
            "Ett organisationsnummer har tio siffror, som 202100-4888. Kontrollera numret.",
            "An organisation number has ten digits, like 202100-4888. Check the number.",
        )
    if digits[2] < "2":
        raise BadOrgNumber(
            "personal_number",
            "Det ser ut som ett personnummer och sparas inte. Ange organisationens nummer.",
            "That looks like a personal number. Give the organisation's; nothing has been kept.",
        )
    if not luhn(digits):
        raise BadOrgNumber(
            "check_digit",
            "Kontrollsiffran i organisationsnumret stämmer inte. Kontrollera numret.",
            "The check digit of the organisation number is wrong. Check the number.",
        )
    return f"{digits[:6]}-{digits[6:]}"


def why_a_person(org_number: str) -> Text:
    """Say why a number that neither register knows must be looked at by a person."""
    group = GROUPS.get(org_number[:2])
    if group is not None:
        return Text(
            sv=f"Numret är {group.sv}s; bara kommuner och statliga myndigheter kan bli producent.",
            en=f"The number is that of {group.en}; only municipalities and state agencies qualify.",
        )
    return Text(
        sv="Numret är rätt bildat men finns inte i registren över kommuner och myndigheter.",
        en="The number is well formed but in neither register of municipalities and agencies.",
    )


def contains_personal_number(text: str) -> bool:
    """Whether a text holds something that is a valid personnummer or samordningsnummer."""
    for match in re.finditer(r"(?<!\d)(?:19|20)?(\d{6})[-+ ]?(\d{4})(?!\d)", text):
        digits = match.group(1) + match.group(2)
        if is_personal_number(digits) and luhn(digits):
            return True
    return False
