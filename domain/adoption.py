"""Adoption: taking over a producer that was connected before this system, without an onboarding.

A row of the file stands for one permission. It becomes the words that start its workflows; each of
them notes in its journal that it was adopted, by whom and on what ground.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from domain.act import Problem
from domain.adopted import Adopted
from domain.agreement_state import agreement_id
from domain.bad_payload import bad_payload
from domain.bad_value import BadValue
from domain.datasets import Hosting
from domain.dates import midnight_after
from domain.fields import Day, HttpsUrl, Name, OrgNumberField, PersonsEmail, Phone
from domain.logins import mix_up
from domain.machine import Payload
from domain.policy import Policy
from domain.text import Text

OF_AGENT: Final = ("agent_name", "agent_contact_name", "agent_contact_email", "valid_until")
OF_PRODUCER: Final = (
    "name", "contact_name", "contact_email", "contact_phone", "deputy_name", "deputy_email",
    "deputy_phone", "agreement_document", "agreement_valid_from",
)  # fmt: skip


class AdoptedRow(Payload):
    """One line of the file: one party's permission for one data set of one producer."""

    org_number: OrgNumberField
    name: Name | None = None
    contact_name: Name
    contact_email: PersonsEmail
    contact_phone: Phone = ""
    deputy_name: Name | None = None
    deputy_email: PersonsEmail | None = None
    deputy_phone: Phone = ""
    agreement_document: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    agreement_valid_from: Day
    dataset_id: str = Field(min_length=1)
    party: OrgNumberField | None = None
    agent_name: Name | None = None
    agent_contact_name: Name | None = None
    agent_contact_email: PersonsEmail | None = None
    agent_contact_phone: Phone = ""
    hosting: Hosting = Hosting.DATA_HOST
    base_url: HttpsUrl | None = None
    system_account: str
    application_verification: str | None = None
    application_production: str = Field(min_length=1)
    valid_until: Day | None = None

    @field_validator("system_account")
    @classmethod
    def _is_a_system_account(cls, value: str) -> str:
        text = mix_up(value, "system")
        if text is not None:
            raise BadValue("wrong_login", text)
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.hosting is Hosting.OWN_API and self.base_url is None:
            raise BadValue(
                "base_url_missing",
                Text(
                    sv="Ange adressen till producentens API (base_url), med https://.",
                    en="Give the address of the producer's API (base_url), with https://.",
                ),
            )
        return self

    @property
    def is_own(self) -> bool:
        """Whether the producer itself delivers."""
        return self.party in {None, self.org_number}


@dataclass(frozen=True)
class ReadRow:
    """A line that was read: the row, or what is wrong with it."""

    line: int
    row: AdoptedRow | None
    problems: tuple[Problem, ...] = ()


def read_rows(
    lines: Iterable[tuple[int, Mapping[str, str]]], policy: Policy, today: date
) -> list[ReadRow]:
    """Check every line by itself and against the lines before it."""
    read: list[ReadRow] = []
    first: dict[str, AdoptedRow] = {}
    seen: set[tuple[str, str, str]] = set()
    for line, values in lines:
        try:
            row = AdoptedRow.model_validate({k: v for k, v in values.items() if v != ""})
        except ValidationError as error:
            read.append(ReadRow(line, None, _problems(error)))
            continue
        place = (row.org_number, row.dataset_id, row.party or row.org_number)
        problems = [*_against_policy(row, policy, today)]
        problems += _against_first(row, first.setdefault(row.org_number, row))
        if place in seen:
            problems.append(_twice())
        seen.add(place)
        read.append(ReadRow(line, None if problems else row, tuple(problems)))
    return read


def _problems(error: ValidationError) -> tuple[Problem, ...]:
    """Return one problem for each field that is wrong, without what was typed."""
    found = []
    for each in error.errors(include_url=False):
        one = ValidationError.from_exception_data("AdoptedRow", [_again(each)])
        refusal = bad_payload(one)
        field = str(each["loc"][0]) if each["loc"] else "base_url"
        found.append(Problem(field=field, code=refusal.code, text=refusal.text))
    return tuple(found)


def _again(each: Any) -> Any:
    return {name: each[name] for name in ("type", "loc", "input", "ctx") if name in each}


def _against_policy(row: AdoptedRow, policy: Policy, today: date) -> Iterable[Problem]:
    if row.dataset_id not in policy.datasets:
        names = ", ".join(policy.datasets)
        yield Problem(
            field="dataset_id",
            code="unknown_dataset",
            text=Text(
                sv=f"Datamängden finns inte. Välj en av: {names}.",
                en=f"There is no such data set. Choose one of: {names}.",
            ),
        )
    if row.valid_until is not None and row.valid_until < today:
        yield Problem(
            field="valid_until",
            code="in_the_past",
            text=Text(
                sv="Behörigheten har redan upphört: ta bort raden.",
                en="The right has ended already: remove the line.",
            ),
        )
    if not row.is_own:
        for name in OF_AGENT:
            if getattr(row, name) is None:
                yield Problem(
                    field=name,
                    code="agent_incomplete",
                    text=Text(
                        sv="Ett ombud behöver namn, kontaktperson och sista dag: fyll i fältet.",
                        en="An agent needs a name, a contact and a last day: fill the field in.",
                    ),
                )


def _against_first(row: AdoptedRow, first: AdoptedRow) -> list[Problem]:
    return [
        Problem(
            field=name,
            code="differs",
            text=Text(
                sv="Skiljer sig från producentens första rad. Skriv lika på alla rader.",
                en="Differs from the producer's first line. Write the same on every line.",
            ),
        )
        for name in OF_PRODUCER
        if getattr(row, name) != getattr(first, name)
    ]


def _twice() -> Problem:
    return Problem(
        field="dataset_id",
        code="same_twice",
        text=Text(
            sv="Samma behörighet står på en tidigare rad. Ta bort den ena.",
            en="The same permission stands on an earlier line. Remove one.",
        ),
    )


# ---- the words that begin --------------------------------------------------------------------


def agreement_word(
    row: AdoptedRow, adopted: Adopted, name: str, kind: str | None
) -> dict[str, Any]:
    """Return the word that begins the producer's agreement."""
    deputy = None
    if row.deputy_name and row.deputy_email:
        deputy = {
            "name": row.deputy_name, "email": row.deputy_email, "phone": row.deputy_phone,
        }  # fmt: skip
    agreement = {
        "kind": "producer",
        "document": row.agreement_document,
        "valid_from": row.agreement_valid_from.isoformat(),
    }
    return {
        "org_number": row.org_number,
        "organisation_name": row.name or name,
        "organisation": {"org_number": row.org_number, "name": row.name or name, "kind": kind},
        "contact": {
            "name": row.contact_name,
            "email": row.contact_email,
            "phone": row.contact_phone,
        },
        "deputy": deputy,
        "agreements": {"producer": agreement},
        "adopted": adopted.model_dump(mode="json"),
    }


def _delivery(row: AdoptedRow, adopted: Adopted) -> dict[str, Any]:
    applications = {"production": row.application_production}
    if row.application_verification:
        applications["verification"] = row.application_verification
    until = midnight_after(row.valid_until).isoformat() if row.valid_until else None
    return {
        "adopted": adopted.model_dump(mode="json"),
        "system_account": row.system_account,
        "applications": applications,
        "valid_until": until,
    }


def connection_word(
    row: AdoptedRow,
    adopted: Adopted,
    people: Mapping[str, Any],
    name: str,
    kind: str | None,
    *,
    has_agents: bool = False,
) -> dict[str, Any]:
    """Return the word that begins a data set's connection, and with it its permission and keys.

    `people` are the agreement's contact and deputy, by now with their accounts. What the file does
    not say of the data set is taken from the contact, and personal data are unknown. The row of an
    agent begins a data set that the producer itself does not deliver.
    """
    own = {"hosting": row.hosting, "base_url": row.base_url} if row.is_own else {}
    return {
        "adopted": adopted.model_dump(mode="json"),
        "owner": agreement_id(row.org_number),
        "org_number": row.org_number,
        "organisation": {"org_number": row.org_number, "name": row.name or name, "kind": kind},
        "contact": people["contact"],
        "deputy": people.get("deputy"),
        "dataset": {
            "declaration": {
                "dataset_id": row.dataset_id,
                "information_owner": {"name": row.contact_name, "email": row.contact_email},
                "support_email": row.contact_email,
                "personal_data": "unknown",
                "delivery": ("both" if has_agents else "own") if row.is_own else "agent",
                **own,
            }
        },
        "delivery": _delivery(row, adopted) if row.is_own else None,
    }


def appointment_word(
    rows: Sequence[AdoptedRow], adopted: Adopted, people: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Return the word that begins an agent's appointment, with the rights that it has already.

    It lasts until the latest of the rows' last days; each right has its own.
    """
    first = rows[0]
    days = [row.valid_until for row in rows if row.valid_until is not None]
    return {
        "adopted": adopted.model_dump(mode="json"),
        "org_number": first.org_number,
        "organisation_name": first.name or name,
        "contact": people["contact"],
        "deputy": people.get("deputy"),
        "agent_id": first.party,
        "agent_name": first.agent_name,
        "agent_contact": {
            "name": first.agent_contact_name,
            "email": first.agent_contact_email,
            "phone": first.agent_contact_phone,
        },
        "valid_from": first.agreement_valid_from.isoformat(),
        "valid_to": max(days).isoformat(),
        "datasets": [
            {
                "dataset_id": row.dataset_id,
                "hosting": row.hosting,
                "base_url": row.base_url,
                "delivery": _delivery(row, adopted),
            }
            for row in rows
        ],
    }
