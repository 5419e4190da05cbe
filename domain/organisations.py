"""Organisation numbers and municipality codes: form, and who goes on without a person looking."""

import re
from typing import Literal, NewType

from pydantic import BaseModel, ConfigDict

from domain.bad_value import BadValue
from domain.personal_numbers import DASHES, luhn
from domain.personal_numbers import (
    contains_personal_number as contains_personal_number,  # noqa: PLC0414 - fields.py takes it here
)
from domain.text import Text

OrgNumber = NewType("OrgNumber", str)
"""An organisation number in its one form, `NNNNNN-NNNN`."""
MunicipalityCode = NewType("MunicipalityCode", str)
"""A kommunkod: four digits, the first two are the county's."""

RegisterKind = Literal["municipality", "state_agency"]

# The longest beginning that fits tells the group (Bolagsverket, Skatteverket: first digit).
GROUPS = {
    "212000": Text(sv="en kommun", en="a municipality"),
    "202100": Text(sv="en statlig myndighet", en="a state agency"),
    "232100": Text(sv="en region", en="a region"),
    "222000": Text(sv="ett kommunalförbund", en="an association of municipalities"),
    "5": Text(sv="ett aktiebolag", en="a limited company"),
    "7": Text(sv="en ekonomisk förening", en="an economic association"),
    "8": Text(sv="en ideell förening eller stiftelse", en="an association or foundation"),
    "9": Text(sv="ett handels- eller kommanditbolag", en="a partnership"),
}
PRODUCERS = {"212000", "202100"}

# 02, 11, 15 and 16 were counties once.
COUNTIES = frozenset(
    f"{number:02}" for number in (1, *range(3, 11), *range(12, 15), *range(17, 26))
)

EMPTY = Text(
    sv="Organisationsnumret saknas. Ange organisationens tio siffror, som 202100-4888.",
    en="The organisation number is missing. Give the ten digits, like 202100-4888.",
)
NOT_TEN_DIGITS = Text(
    sv="Ett organisationsnummer har tio siffror, som 202100-4888. Kontrollera organisationsnumret.",
    en="An organisation number has ten digits, like 202100-4888. Check the organisation number.",
)
PERSONAL_NUMBER = Text(
    sv="Det som står som organisationsnummer ser ut som ett personnummer och har inte sparats. "
    "Ange organisationens nummer i stället.",
    en="What was given as organisation number looks like a personal identity number and has not "
    "been kept. Give the number of the organisation instead.",
)
CHECK_DIGIT = Text(
    sv="Sista siffran i organisationsnumret stämmer inte med de andra. Kontrollera numret.",
    en="The last digit of the organisation number does not fit the others. Check the number.",
)
BAD_CODE = Text(
    sv="En kommunkod har fyra siffror och börjar med länets kod, som 2180. "
    "Kontrollera kommunkoden.",
    en="A municipality code has four digits, the county's first, like 2180. "
    "Check the municipality code.",
)
NO_SUCH_COUNTY = Text(
    sv="Kommunkodens två första siffror är ingen länskod. Kontrollera kommunkoden.",
    en="The first two digits of the municipality code are no county. Check the municipality code.",
)


WRONG_CODE = Text(
    sv="Kommunkoden och organisationsnumret hör inte till samma kommun. Kontrollera båda, eller "
    "utelämna kommunkoden.",
    en="The municipality code and the organisation number are not of the same municipality. "
    "Check both, or leave the municipality code out.",
)


class BadOrgNumber(BadValue):
    """A text that is no organisation number; never carries what was typed."""


class Eligible(BaseModel):
    """The organisation is in a register of those who can be producers."""

    model_config = ConfigDict(frozen=True)

    kind: RegisterKind


class NeedsPerson(BaseModel):
    """A person must look at the organisation, and why."""

    model_config = ConfigDict(frozen=True)

    reason: Text


def parse_org_number(text: str) -> OrgNumber:
    """Return an organisation number as `NNNNNN-NNNN`; source: `domain.md` 2.1.

    Spaces and dashes are taken away, and the `16` of the twelve-digit form. The third digit is
    never below 2: with a lower one it is a person's number.

    Raises:
        BadOrgNumber: `empty`, `not_ten_digits`, `personal_number` or `check_digit`.
    """
    digits = re.sub(rf"[\s{DASHES}]", "", text)
    if not digits:
        raise BadOrgNumber("empty", EMPTY)
    if re.fullmatch(r"(16|18|19|20)?[0-9]{2}[01][0-9]{7}", digits) or contains_personal_number(
        text
    ):
        raise BadOrgNumber("personal_number", PERSONAL_NUMBER)
    found = re.fullmatch(r"(?:16)?([0-9]{6})([0-9]{4})", digits)
    if not found:
        raise BadOrgNumber("not_ten_digits", NOT_TEN_DIGITS)
    if not luhn("".join(found.groups())):
        raise BadOrgNumber("check_digit", CHECK_DIGIT)
    return OrgNumber("-".join(found.groups()))


def group_of(org_number: str) -> Text | None:
    """Return what kind of organisation a number's beginning tells of, None if none."""
    return GROUPS.get(org_number[:6]) or GROUPS.get(org_number[:1])


def why_a_person(org_number: str) -> Text:
    """Say why a number that neither register knows must be looked at by a person."""
    group = group_of(org_number)
    if group is None or org_number[:6] in PRODUCERS:
        return Text(
            sv="Numret är rätt bildat men finns inte i registren över kommuner och myndigheter.",
            en="The number is well formed but in neither register of municipalities and agencies.",
        )
    return Text(
        sv=f"Numret tillhör {group.sv}. Bara kommuner och statliga myndigheter kan bli producent.",
        en=f"The number belongs to {group.en}. "
        "Only municipalities and state agencies can be producers.",
    )


def eligibility(register_kind: RegisterKind | None, org_number: str) -> Eligible | NeedsPerson:
    """Tell whether an organisation goes on by itself: only one that a register knows does.

    The beginning of a number proves nothing (some agencies have numbers that begin with 80), so
    nobody is refused here either: what no register knows waits on a person (`domain.md` 2.1).
    """
    if register_kind is not None:
        return Eligible(kind=register_kind)
    return NeedsPerson(reason=why_a_person(org_number))


def parse_municipality_code(text: str) -> MunicipalityCode:
    """Return a kommunkod of four digits in a county that exists; source: `domain.md` 2.2.

    Raises:
        BadValue: `not_four_digits` or `no_such_county`.
    """
    code = text.strip()
    if not re.fullmatch(r"[0-9]{4}", code):
        raise BadValue("not_four_digits", BAD_CODE)
    if code[:2] not in COUNTIES:
        raise BadValue("no_such_county", NO_SUCH_COUNTY)
    return MunicipalityCode(code)


def wrong_code(stated: str | None, registered: str | None) -> Text | None:
    """Say that a stated kommunkod is not the registered one of the number; `domain.md` 2.2."""
    return WRONG_CODE if stated is not None and stated != registered else None
