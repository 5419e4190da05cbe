"""The comparison: what outside systems hold against what is granted, and whom to tell.

Pure: rows in, findings out. A finding is acted on only when two looks agree on it and nothing has
changed in between; the comparison itself touches nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from domain.agreement_state import agreement_id
from domain.findings import Finding, FindingKind
from domain.person_state import person_id
from domain.policy import ReconciliationPolicy
from domain.state import System

PORTAL_OF: Final = {
    "verification": System.PORTAL_VERIFICATION,
    "production": System.PORTAL_PRODUCTION,
}
KEY_PARTS, RIGHT_PARTS = 5, 4


# ---- what is granted, and what was seen ------------------------------------------------------


class Grant(BaseModel):
    """What all rows of the read model have."""

    model_config = ConfigDict(frozen=True)

    ref: str
    stage: str
    changed_at: datetime

    @property
    def is_alive(self) -> bool:
        """Whether it stands and is not cleaning up."""
        return self.stage not in {"ending", "ended"}


class GrantedKey(Grant):
    """A credential; `owner` is the permission that it belongs to."""

    owner: str | None = None
    application_id: str | None = None
    is_halted: bool = False

    @property
    def system(self) -> System | None:
        """The portal it is at."""
        return PORTAL_OF.get(self.ref.rpartition("/")[2])


class GrantedRight(Grant):
    """A permission."""


class GrantedAccess(Grant):
    """A person's access."""

    outcome: str | None = None

    @property
    def has_left(self) -> bool:
        """Whether it ended by departure; an invitation that lapsed was never an access."""
        return self.stage == "ended" and self.outcome not in {None, "lapsed"}


class GrantedAgreement(Grant):
    """An agreement, with the day from which each of its kinds is valid."""

    org_number: str
    valid_from: dict[str, date] = Field(default_factory=dict)


class SeenApplication(BaseModel):
    """An application at a portal; `keys` that live are counted only where it may be ours."""

    model_config = ConfigDict(frozen=True)

    system: System
    application_id: str
    name: str = ""
    key: str | None = None
    keys: int | None = None


class SeenAccount(BaseModel):
    """A personal or system account; `key` is ours at a system account."""

    model_config = ConfigDict(frozen=True)

    account_id: str
    is_on: bool
    login_name: str = ""
    key: str | None = None


class SeenAgreement(BaseModel):
    """An agreement that the register holds as in force."""

    model_config = ConfigDict(frozen=True)

    key: str
    org_number: str
    kind: str
    valid_from: date


@dataclass(frozen=True)
class Granted:
    """Everything that is granted, newest run of each workflow."""

    keys: Mapping[str, GrantedKey]
    rights: Mapping[str, GrantedRight]
    people: Mapping[str, GrantedAccess]
    agreements: Mapping[str, GrantedAgreement]

    @property
    def count(self) -> int:
        """How many keys, rights and people stand: what a share of cuts is a share of."""
        rows = (*self.keys.values(), *self.rights.values(), *self.people.values())
        return sum(row.is_alive for row in rows)


@dataclass(frozen=True)
class Seen:
    """Everything that one look saw."""

    applications: tuple[SeenApplication, ...] = ()
    system_accounts: tuple[SeenAccount, ...] = ()
    people: tuple[SeenAccount, ...] = ()
    agreements: tuple[SeenAgreement, ...] = ()


# ---- comparing -------------------------------------------------------------------------------


def compare(
    granted: Granted,
    seen: Seen,
    *,
    unchanged_since: datetime,
    told_of_register: frozenset[tuple[str, str]] = frozenset(),
) -> list[Finding]:
    """Return every difference, in a stable order.

    Args:
        granted: what stands by the record.
        seen: what one look saw outside.
        unchanged_since: what has changed after this instant is left for the next run.
        told_of_register: agreement and kind of it, told of a difference and not yet of its end.
    """
    found = [
        *_applications(granted, seen, unchanged_since),
        *_missing(granted, seen, unchanged_since),
        *_system_accounts(granted, seen, unchanged_since),
        *_people(granted, seen, unchanged_since),
        *_agreements(granted, seen, unchanged_since, told_of_register),
    ]
    order = list(FindingKind)
    return sorted(found, key=lambda each: (order.index(each.kind), each.identity))


def agreed(first: Iterable[Finding], second: Iterable[Finding]) -> list[Finding]:
    """Return what both looks found, as the second saw it."""
    known = {each.identity for each in first}
    return [each for each in second if each.identity in known]


def too_many(cuts: int, granted: int, policy: ReconciliationPolicy) -> bool:
    """Whether a person is to be asked before so many are cut.

    A few never are: of twenty things that stand, one is five per cent already.
    """
    if cuts <= policy.few_cuts:
        return False
    return cuts > policy.most_cuts or cuts * 100 > granted * policy.most_cuts_percent


def is_our_key(key: str, system: System) -> bool:
    """Whether a key at a portal is the id of a credential of that very portal."""
    parts = key.split("/")
    is_credential = len(parts) == KEY_PARTS and parts[0] == "credential" and all(parts)
    return is_credential and PORTAL_OF.get(parts[-1]) == system


def is_our_right(key: str) -> bool:
    """Whether the key of a system account is the id of a permission."""
    parts = key.split("/")
    return len(parts) == RIGHT_PARTS and parts[0] == "permission" and all(parts)


def _applications(granted: Granted, seen: Seen, since: datetime) -> Iterator[Finding]:
    by_id = {
        (row.system, row.application_id): row
        for row in granted.keys.values()
        if row.is_alive and row.application_id
    }
    met: set[tuple[System, str]] = set()
    for application in sorted(seen.applications, key=lambda each: each.application_id):
        key, system = application.key, application.system
        known = by_id.get((system, application.application_id))
        facts = {"name": application.name}
        if key is None or not is_our_key(key, system):
            if known is None:  # else it is being adopted, and gets its key yet
                facts |= {"key": key} if key else {}
                yield _about(application, FindingKind.FOREIGN_APPLICATION, "", facts)
            continue
        if (entitlement := _dead(granted, key, since)) is not None:
            why, rests_on = entitlement
            yield _about(application, FindingKind.NOT_ENTITLED, key, facts | {"why": why}, rests_on)
        elif (system, key) in met:
            yield _about(application, FindingKind.DOUBLED_APPLICATION, key, facts)
        met.add((system, key))


def _about(
    application: SeenApplication,
    kind: FindingKind,
    ref: str,
    facts: dict[str, str],
    rests_on: str | None = None,
) -> Finding:
    return Finding(
        kind=kind,
        system=application.system,
        ref=ref,
        item=application.application_id,
        facts=facts,
        rests_on=rests_on,
    )


def _dead(granted: Granted, key: str, since: datetime) -> tuple[str, str] | None:
    """Return why nobody is entitled to a key, and what that rests on; None when somebody may be."""
    row = granted.keys.get(key)
    if row is None:
        return "no_credential", key
    if row.stage == "ended":
        return ("credential_ended", key) if row.changed_at <= since else None
    right = granted.rights.get(row.owner or "")
    if row.is_alive and right is not None and right.stage == "ended":
        is_old = max(row.changed_at, right.changed_at) <= since
        return ("right_ended", right.ref) if is_old else None
    return None


def _missing(granted: Granted, seen: Seen, since: datetime) -> Iterator[Finding]:
    there: dict[tuple[System, str], SeenApplication] = {}
    for application in seen.applications:
        there[application.system, application.application_id] = application
        if application.key and application.keys != 0:
            there[application.system, application.key] = application
    for row in granted.keys.values():
        is_in_use = row.stage == "live" and not row.is_halted and row.changed_at <= since
        if not is_in_use or row.system is None or _dead(granted, row.ref, since):
            continue
        names = (row.ref, row.application_id or "")
        found = next((there[row.system, n] for n in names if (row.system, n) in there), None)
        if found is None or found.keys == 0:
            why = "no_application" if found is None else "no_key"
            yield Finding(
                kind=FindingKind.KEY_MISSING,
                system=row.system,
                ref=row.ref,
                item=row.application_id or "",
                facts={"why": why},
            )


def _system_accounts(granted: Granted, seen: Seen, since: datetime) -> Iterator[Finding]:
    for account in seen.system_accounts:
        if not account.is_on or account.key is None or not is_our_right(account.key):
            continue
        right = granted.rights.get(account.key)
        if right is None or (right.stage == "ended" and right.changed_at <= since):
            yield Finding(
                kind=FindingKind.SYSTEM_ACCOUNT_ON,
                system=System.ACCOUNT_SYSTEM,
                ref=account.key,
                item=account.account_id,
                facts={"login": account.login_name},
                rests_on=account.key,
            )


def _people(granted: Granted, seen: Seen, since: datetime) -> Iterator[Finding]:
    for account in seen.people:
        row = granted.people.get(person_id(account.account_id))
        if row is None or row.changed_at > since:
            continue
        kind = None
        if account.is_on and (row.has_left or row.stage == "suspended"):
            kind = FindingKind.ACCOUNT_ON
        elif not account.is_on and row.stage in {"active", "leaving"}:
            kind = FindingKind.ACCOUNT_OFF
        if kind is not None:
            yield Finding(
                kind=kind,
                system=System.ACCOUNT_SYSTEM,
                ref=row.ref,
                item=account.account_id,
                rests_on=row.ref if account.is_on and row.has_left else None,
            )


def _agreements(
    granted: Granted, seen: Seen, since: datetime, told: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    there = {(each.org_number, each.kind): each for each in seen.agreements}
    comparable, differing = set(), set()
    for row in granted.agreements.values():
        if not row.is_alive or row.changed_at > since:
            continue
        comparable.add(row.ref)
        for kind, valid_from in sorted(row.valid_from.items()):
            found = there.get((row.org_number, kind))
            facts = _register_facts(kind, valid_from, found)
            if facts is not None:
                differing.add((row.ref, kind))
                yield _in_register(FindingKind.REGISTER_DIFFERS, row.ref, kind, facts)
    for each in seen.agreements:
        yield from _not_here(granted, each, since)
    for ref, kind in sorted(told - differing):
        if ref in comparable:
            yield _in_register(FindingKind.REGISTER_AGREES, ref, kind, {"kind": kind})


def _register_facts(
    kind: str, valid_from: date, found: SeenAgreement | None
) -> dict[str, str] | None:
    here = {"kind": kind, "valid_from": valid_from.isoformat()}
    if found is None:
        return here | {"why": "not_in_register"}
    if found.valid_from != valid_from:
        return here | {"why": "other_validity", "registered_from": found.valid_from.isoformat()}
    return None


def _not_here(granted: Granted, each: SeenAgreement, since: datetime) -> Iterator[Finding]:
    """Yield an agreement, or a kind of it, that is in force there and not here."""
    ref = agreement_id(each.org_number)
    facts = {"kind": each.kind, "key": each.key, "organisation": each.org_number}
    row = granted.agreements.get(ref)
    is_unknown_kind = (
        row is not None
        and row.is_alive
        and row.changed_at <= since
        and each.kind not in row.valid_from
    )
    if row is None or is_unknown_kind:
        yield _in_register(FindingKind.UNKNOWN_AGREEMENT, "", each.key, facts)
    elif row.stage == "ended" and row.changed_at <= since:
        yield _in_register(FindingKind.STILL_IN_REGISTER, ref, each.key, facts)


def _in_register(kind: FindingKind, ref: str, item: str, facts: dict[str, str]) -> Finding:
    return Finding(kind=kind, system=System.AGREEMENT_REGISTER, ref=ref, item=item, facts=facts)
