"""Field types that check what people type. What breaks a rule is refused and never repeated."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, StringConstraints

from domain.bad_value import BadValue
from domain.organisations import BadOrgNumber, contains_personal_number, parse_org_number
from domain.text import Text

FUNCTION_MAILBOXES = frozenset(
    {"info", "registrator", "kommun", "kommunen", "noreply", "no-reply", "kontakt", "myndigheten"}
)


def _org_number(value: str) -> str:
    try:
        return parse_org_number(value)
    except BadOrgNumber as error:
        raise BadValue(error.code, error.text) from None


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise BadValue(
            "bad_email",
            Text(
                sv="E-postadressen är inte rätt skriven. Den ska se ut som namn@kommun.se.",
                en="The e-mail address is not well formed. It should look like name@kommun.se.",
            ),
        ) from None


def _persons_email(value: str) -> str:
    address = _email(value)
    if address.partition("@")[0].casefold() in FUNCTION_MAILBOXES:
        raise BadValue(
            "not_a_person",
            Text(
                sv="Ange en persons adress, inte en funktionsbrevlåda: kontot är personligt.",
                en="Give a person's address, not a function mailbox: the account is personal.",
            ),
        )
    return address


def _https(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "https" and parts.hostname and "." in parts.hostname and not parts.username:
        return value
    raise BadValue(
        "not_https",
        Text(
            sv="Adressen till ert API ska börja med https:// och inte innehålla inloggning.",
            en="The address of your API must begin with https:// and hold no login.",
        ),
    )


def _no_personal_number(value: str) -> str:
    if contains_personal_number(value):
        raise BadValue(
            "personal_number",
            Text(
                sv="Texten innehåller ett personnummer. Ta bort det; inget har sparats.",
                en="The text holds a personal number. Remove it; nothing has been kept.",
            ),
        )
    return value


def _phone(value: str) -> str:
    if not value or re.fullmatch(r"\+?[0-9][0-9 ()/-]{4,24}", value):
        return value
    raise BadValue(
        "bad_phone",
        Text(
            sv="Telefonnumret är inte rätt skrivet. Skriv till exempel 010-123 45 67.",
            en="The phone number is not well formed. Write for example 010-123 45 67.",
        ),
    )


OrgNumberField = Annotated[str, AfterValidator(_org_number)]
Email = Annotated[str, AfterValidator(_email)]
PersonsEmail = Annotated[str, AfterValidator(_persons_email)]
HttpsUrl = Annotated[str, AfterValidator(_https), StringConstraints(max_length=500)]
FreeText = Annotated[str, AfterValidator(_no_personal_number), StringConstraints(max_length=10_000)]
Name = Annotated[
    str,
    AfterValidator(_no_personal_number),
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
]
Phone = Annotated[str, AfterValidator(_phone), StringConstraints(max_length=30)]
