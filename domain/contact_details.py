"""Mail addresses, telephone numbers, addresses of APIs and free texts, as people type them.

Each `parse_` returns the value to keep, or raises `BadValue` with a text that says what is wrong
and what to do. No text repeats what was typed: it may hold a personnummer, which is never kept.
"""

import re
from urllib.parse import SplitResult, urlsplit

from pydantic import validate_email
from pydantic_core import PydanticCustomError

from domain.bad_value import BadValue
from domain.personal_numbers import contains_personal_number, is_personal_number
from domain.text import Text

# fmt: off
FUNCTION_WORDS = frozenset({
    "diarium", "info", "kansli", "kommun", "kommunen", "kontakt", "kontaktcenter",
    "kundtjänst", "kundtjanst", "medborgarservice", "myndighet", "myndigheten", "noreply",
    "receptionen", "registrator", "registratur", "reply", "servicecenter", "support",
    "växel", "vaxel",
})
# fmt: on
INNER_DOMAINS = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# The last part of a public name begins with a letter: so no IP address in any notation is one.
HOST = re.compile(rf"({LABEL}\.)+(?=[a-z]){LABEL}")
# What a database or a page cannot hold; line breaks and tabs are fine.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

BAD_EMAIL = Text(
    sv="E-postadressen är inte rätt skriven. Den ska se ut som namn@kommun.se.",
    en="The e-mail address is not well formed. It should look like name@kommun.se.",
)
FUNCTION_MAILBOX = Text(
    sv="E-postadressen ser ut som en funktionsbrevlåda. Kontrollera att den som ska läsa når den.",
    en="The e-mail address looks like a function mailbox. Check that it reaches whom it should.",
)
NOT_A_PERSON = Text(
    sv="Kontaktpersonens e-postadress ser ut som en funktionsbrevlåda. Ange personens egen "
    "adress: kontot är personligt.",
    en="The contact person's e-mail address looks like a function mailbox. Give the person's own "
    "address: the account is personal.",
)
BAD_PHONE = Text(
    sv="Telefonnumret är inte rätt skrivet. Skriv det med riktnummer eller landsnummer, "
    "som 010-123 45 67 eller +46 10 123 45 67.",
    en="The phone number is not well formed. Write it with area or country code, "
    "like 010-123 45 67 or +46 10 123 45 67.",
)
BAD_URL = Text(
    sv="Adressen till ert API är inte rätt skriven. Den ska se ut som "
    "https://api.kommun.se/geodata, utan frågetecken, # och mellanslag.",
    en="The address of your API is not well formed. It should look like "
    "https://api.kommun.se/geodata, without question mark, # or spaces.",
)
NOT_HTTPS = Text(
    sv="Adressen till ert API ska börja med https://, så att ingen kan läsa eller ändra det som "
    "skickas. Ange https-adressen.",
    en="The address of your API must begin with https://, so that nobody can read or change what "
    "is sent. Give the https address.",
)
URL_WITH_LOGIN = Text(
    sv="Adressen till ert API innehåller en inloggning, som andra då kan se. Ta bort det som "
    "står före @, och byt lösenordet.",
    en="The address of your API holds a login, which others can then see. Remove what stands "
    "before the @, and change the password.",
)
NOT_A_PUBLIC_HOST = Text(
    sv="Adressen till ert API ska ha ett namn som nås från internet, som api.kommun.se. "
    "En IP-adress, localhost eller ett internt namn går inte: certifikat och omdirigering "
    "behöver ett öppet namn.",
    en="The address of your API must have a name that is reached from the internet, like "
    "api.kommun.se. An IP address, localhost or an inner name will not do: certificate and "
    "redirect need a public name.",
)
HAS_PERSONAL_NUMBER = Text(
    sv="Texten innehåller ett personnummer, eller något som ser ut som ett. Ta bort det och skicka "
    "igen; inget har sparats.",
    en="The text holds a personal identity number, or something that looks like one. Remove it and "
    "send again; nothing has been kept.",
)
HAS_CONTROL_CHARACTERS = Text(
    sv="Texten innehåller tecken som inte går att visa. Skriv om den, eller klistra in den som "
    "ren text.",
    en="The text holds characters that cannot be shown. Write it again, or paste it as plain text.",
)


def parse_free_text(text: str) -> str:
    """Return a text without change.

    Raises:
        BadValue: `personal_number` or `control_characters`.
    """
    if contains_personal_number(text):
        raise BadValue("personal_number", HAS_PERSONAL_NUMBER)
    if CONTROL.search(text):
        raise BadValue("control_characters", HAS_CONTROL_CHARACTERS)
    return text


def parse_email(text: str) -> str:
    """Return a well-formed mail address, its domain in small letters.

    Raises:
        BadValue: `bad_email` or `personal_number`.
    """
    address = parse_free_text(text).strip()
    if "<" in address:  # pydantic would take `Anna <anna@kommun.se>` apart
        raise BadValue("bad_email", BAD_EMAIL)
    try:
        return validate_email(address)[1]
    except PydanticCustomError:
        raise BadValue("bad_email", BAD_EMAIL) from None


def is_function_mailbox(address: str) -> bool:
    """Whether an address is by its words that of a function: `info@`, `registrator.ks@`."""
    local = address.casefold().partition("@")[0].partition("+")[0]
    return not FUNCTION_WORDS.isdisjoint(re.split(r"[._-]", local))


def function_mailbox_warning(address: str) -> Text | None:
    """Return a word of warning for an address of a function, None for a person's.

    `solna@solna.se` gets it too, but is no reason to refuse: it may be a firm of one person.
    """
    local, _, domain = address.casefold().partition("@")
    is_the_organisations = local in domain.split(".")[:-1]
    return FUNCTION_MAILBOX if is_the_organisations or is_function_mailbox(address) else None


def parse_persons_email(text: str) -> str:
    """Return a contact person's mail address: the account is personal (`domain.md` 2.2).

    Raises:
        BadValue: `not_a_person` for a function mailbox, `bad_email` or `personal_number`.
    """
    address = parse_email(text)
    if is_function_mailbox(address):
        raise BadValue("not_a_person", NOT_A_PERSON)
    return address


def parse_phone(text: str) -> str:
    """Return a telephone number as written: Swedish from 0, or from + and the country (E.164).

    Signs between the digits are free. A personnummer (no leading 0, or in two groups of six and
    four digits) is no telephone number.

    Raises:
        BadValue: `bad_phone`.
    """
    phone = text.strip()
    digits = re.sub(r"[ \u00a0()/.–-]", "", phone).replace("+460", "+46")
    in_two_groups = re.fullmatch(r"([0-9]{6})[ –-]([0-9]{4})", phone)
    if in_two_groups and is_personal_number("".join(in_two_groups.groups())):
        raise BadValue("bad_phone", BAD_PHONE)
    if not re.fullmatch(r"0[1-9][0-9]{5,8}|(\+|00)[1-9][0-9]{6,14}", digits):
        raise BadValue("bad_phone", BAD_PHONE)
    return phone


def _public_host(parts: SplitResult) -> bool:
    try:
        host = (parts.hostname or "").encode("idna").decode().rstrip(".")
    except UnicodeError:
        return False
    is_inner = any(host == inner or host.endswith(f".{inner}") for inner in INNER_DOMAINS)
    return HOST.fullmatch(host) is not None and not is_inner


def parse_https_url(text: str) -> str:
    """Return the base address of a producer's own API, without a slash at its end.

    Lantmäteriet redirects to it, so it is https and has a public name (`domain.md` 1.6).

    Raises:
        BadValue: `bad_url`, `not_https`, `url_with_login`, `not_a_public_host` or
            `personal_number`.
    """
    url = parse_free_text(text).strip()
    try:
        parts = urlsplit(url)
        is_well_formed = bool(parts.netloc) and parts.port != 0
    except ValueError:
        raise BadValue("bad_url", BAD_URL) from None
    if parts.scheme == "http":
        raise BadValue("not_https", NOT_HTTPS)
    if "@" in parts.netloc:
        raise BadValue("url_with_login", URL_WITH_LOGIN)
    if not is_well_formed or re.search(r"[\s\\?#]", url):
        raise BadValue("bad_url", BAD_URL)
    if parts.scheme != "https":
        raise BadValue("not_https", NOT_HTTPS)
    if not _public_host(parts):
        raise BadValue("not_a_public_host", NOT_A_PUBLIC_HOST)
    return url.rstrip("/")
