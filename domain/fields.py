"""Field types that check what people type. What breaks a rule is refused and never repeated."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

from domain.bad_value import BadValue
from domain.contact_details import (
    parse_email,
    parse_free_text,
    parse_https_url,
    parse_persons_email,
    parse_phone,
)
from domain.organisations import parse_municipality_code, parse_org_number
from domain.text import Text

FIRST_YEAR, LAST_YEAR = 2000, 2100


def _within_reason(value: date) -> date:
    if FIRST_YEAR <= value.year <= LAST_YEAR:
        return value
    raise BadValue(
        "bad_date",
        Text(
            sv=f"Året ska ligga mellan {FIRST_YEAR} och {LAST_YEAR}.",
            en=f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.",
        ),
    )


def _within_reason_instant(value: datetime) -> datetime:
    _within_reason(value.date())
    return value


OrgNumberField = Annotated[str, AfterValidator(parse_org_number)]
MunicipalityCodeField = Annotated[str, AfterValidator(parse_municipality_code)]
Email = Annotated[str, AfterValidator(parse_email)]
PersonsEmail = Annotated[str, AfterValidator(parse_persons_email)]
HttpsUrl = Annotated[str, AfterValidator(parse_https_url)]
FreeText = Annotated[str, AfterValidator(parse_free_text), StringConstraints(max_length=10_000)]
Name = Annotated[
    str,
    AfterValidator(parse_free_text),
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
]
Phone = Annotated[str, AfterValidator(lambda value: value and parse_phone(value))]
Day = Annotated[date, AfterValidator(_within_reason)]
Instant = Annotated[AwareDatetime, AfterValidator(_within_reason_instant)]
