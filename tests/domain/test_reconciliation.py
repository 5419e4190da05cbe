"""The comparison: every stage against everything that can be seen, and whom it is told."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from domain.credential import STAGES as CREDENTIAL_STAGES
from domain.findings import CUTS, TASKS, Finding, FindingKind, word_of
from domain.machines import MACHINES
from domain.permission import STAGES as PERMISSION_STAGES
from domain.person import STAGES as PERSON_STAGES
from domain.policy import ReconciliationPolicy
from domain.producer_agreement import STAGES as AGREEMENT_STAGES
from domain.reconciliation import (
    Granted,
    GrantedAccess,
    GrantedAgreement,
    GrantedKey,
    GrantedRight,
    Seen,
    SeenAccount,
    SeenAgreement,
    SeenApplication,
    agreed,
    compare,
    is_our_key,
    is_our_right,
    too_many,
)
from domain.reconciliation_run import MACHINE
from domain.state import System
from tests.domain.playing import HANDLER, MOLNDAL, NOON, Play

SINCE = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
OLD, NEW = SINCE - timedelta(days=1), SINCE + timedelta(seconds=1)
RIGHT = f"permission/{MOLNDAL}/detaljplan/{MOLNDAL}"
KEY = f"credential/{MOLNDAL}/detaljplan/{MOLNDAL}/production"
PERSON, AGREEMENT = "person/acc-1", f"agreement/{MOLNDAL}"
PORTAL = System.PORTAL_PRODUCTION
FIRST = date(2026, 1, 1)


def _key(stage: str = "live", at: datetime = OLD, **changes: Any) -> GrantedKey:
    return GrantedKey(ref=KEY, stage=stage, changed_at=at, owner=RIGHT, **changes)


def _right(stage: str = "active", at: datetime = OLD) -> GrantedRight:
    return GrantedRight(ref=RIGHT, stage=stage, changed_at=at)


def _access(stage: str, outcome: str | None, at: datetime = OLD) -> GrantedAccess:
    return GrantedAccess(ref=PERSON, stage=stage, outcome=outcome, changed_at=at)


def _agreement(stage: str = "in_force", at: datetime = OLD) -> GrantedAgreement:
    return GrantedAgreement(
        ref=AGREEMENT,
        stage=stage,
        changed_at=at,
        org_number=MOLNDAL,
        valid_from={"producer": FIRST},
    )


def _granted(*rows: Any) -> Granted:
    def of(kind: type[Any]) -> dict[str, Any]:
        return {row.ref: row for row in rows if isinstance(row, kind)}

    return Granted(of(GrantedKey), of(GrantedRight), of(GrantedAccess), of(GrantedAgreement))


def _application(key: str | None = KEY, keys: int | None = 1, **changes: Any) -> SeenApplication:
    whole: dict[str, Any] = {"system": PORTAL, "application_id": "app-1", "name": "NGP"}
    return SeenApplication(**whole | changes, key=key, keys=keys)


def _kinds(granted: Granted, seen: Seen, **more: Any) -> list[str]:
    return [each.kind for each in compare(granted, seen, unchanged_since=SINCE, **more)]


# ---- keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "right", "keys", "is_halted", "at"),
    list(product(
        (None, *CREDENTIAL_STAGES), (None, *PERMISSION_STAGES), (None, 0, 1), (False, True),
        (OLD, NEW),
    )),
)  # fmt: skip
def test_each_key_against_everything_that_a_portal_can_hold(
    stage: str | None, right: str | None, keys: int | None, at: datetime, *, is_halted: bool
) -> None:
    """Cut only what has ended long ago; missing only what is in use and was left alone.

    `keys` None stands for an application that is not there.
    """
    rows: list[Any] = [_key(stage, at, is_halted=is_halted)] if stage else []
    rows += [_right(right)] if right else []
    seen = Seen(applications=() if keys is None else (_application(keys=keys),))
    found = _kinds(_granted(*rows), seen)

    is_old = at is OLD
    has_no_right = stage is None or (
        is_old and (stage == "ended" or (stage != "ending" and right == "ended"))
    )
    is_in_use = is_old and stage == "live" and not is_halted and right != "ended"
    if keys is not None and has_no_right:
        assert found == ["not_entitled"]
    elif is_in_use and not keys:
        assert found == ["key_missing"]
    else:
        assert found == []


def test_a_key_being_provisioned_is_never_cut() -> None:
    """Whatever its stage before it lives, whatever its age, its application stays."""
    for stage, at in product(("issuing", "awaiting_approval", "offered"), (OLD, NEW)):
        rows = _granted(_key(stage, at), _right())
        assert _kinds(rows, Seen(applications=(_application(),))) == []
        assert _kinds(rows, Seen()) == []


def test_a_cut_rests_on_what_must_not_be_alive() -> None:
    """A credential that is gone or ended, or the permission that it belonged to."""
    seen = Seen(applications=(_application(),))
    cases: list[tuple[tuple[Any, ...], str, str]] = [
        ((), "no_credential", KEY),
        ((_key("ended"), _right()), "credential_ended", KEY),
        ((_key("live"), _right("ended")), "right_ended", RIGHT),
    ]
    for rows, why, rests_on in cases:
        (found,) = compare(_granted(*rows), seen, unchanged_since=SINCE)
        assert (found.ref, found.facts["why"], found.rests_on) == (KEY, why, rests_on)


def test_a_permission_that_ended_just_now_cuts_no_key() -> None:
    """Its own words are on their way to the keys."""
    rows = _granted(_key("live"), _right("ended", NEW))
    assert _kinds(rows, Seen(applications=(_application(),))) == []


@pytest.mark.parametrize(
    "key",
    [None, "", "order/17", KEY.replace("production", "verification"), f"{KEY}/x", RIGHT,
     "credential////production"],
)  # fmt: skip
def test_what_does_not_carry_a_key_of_this_portal_is_foreign(key: str | None) -> None:
    """Listed, and told to nobody: also a key of ours at the wrong portal."""
    (found,) = compare(_granted(), Seen(applications=(_application(key),)), unchanged_since=SINCE)
    assert (found.kind, found.ref, found.is_cut) == ("foreign_application", "", False)
    assert word_of(found) is None


def test_an_application_that_is_being_adopted_is_not_foreign() -> None:
    """It is known by the portal's own id until it carries our key; it counts as there."""
    rows = _granted(_key(application_id="app-1"), _right())
    assert _kinds(rows, Seen(applications=(_application(None),))) == []
    assert _kinds(rows, Seen(applications=(_application(None, keys=0),))) == ["key_missing"]


def test_two_applications_with_one_key_are_a_task() -> None:
    """Which of them is in use a person must say; neither is touched."""
    twice = (_application(), _application(application_id="app-2"))
    (found,) = compare(_granted(_key(), _right()), Seen(applications=twice), unchanged_since=SINCE)
    assert (found.kind, found.item) == ("doubled_application", "app-2")


def test_the_two_portals_are_apart() -> None:
    """The same id at the other portal is another application."""
    other = _application(
        KEY.replace("production", "verification"), system=System.PORTAL_VERIFICATION
    )
    assert _kinds(_granted(_key(), _right()), Seen(applications=(other,))) == [
        "not_entitled",
        "key_missing",
    ]
    assert is_our_key(KEY, PORTAL)
    assert not is_our_key(KEY, System.PORTAL_VERIFICATION)


# ---- accounts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "outcome", "is_on", "at"),
    list(product(PERSON_STAGES, (None, "lapsed", "left"), (True, False), (OLD, NEW))),
)
def test_each_person_against_an_account_that_is_on_or_off(
    stage: str, outcome: str | None, at: datetime, *, is_on: bool
) -> None:
    """On after a departure or suspension, off while they have it; lapsed is nothing."""
    account = SeenAccount(account_id="acc-1", is_on=is_on)
    found = _kinds(_granted(_access(stage, outcome, at)), Seen(people=(account,)))

    if at is OLD and is_on and ((stage, outcome) == ("ended", "left") or stage == "suspended"):
        assert found == ["account_found_on"]
    elif at is OLD and not is_on and stage in {"active", "leaving"}:
        assert found == ["account_found_off"]
    else:
        assert found == []


@pytest.mark.parametrize(
    ("stage", "is_on", "at"), list(product((None, *PERMISSION_STAGES), (True, False), (OLD, NEW)))
)
def test_each_permission_against_its_system_account(
    stage: str | None, at: datetime, *, is_on: bool
) -> None:
    """On is wrong only where the permission is not there or ended long ago."""
    rows = _granted(_right(stage, at)) if stage else _granted()
    account = SeenAccount(account_id="s-1", is_on=is_on, login_name="abcd1234", key=RIGHT)
    found = _kinds(rows, Seen(system_accounts=(account,)))

    is_wrong = is_on and (stage is None or (stage == "ended" and at is OLD))
    assert found == (["system_account_on"] if is_wrong else [])


def test_a_system_account_of_somebody_else_is_no_finding() -> None:
    """Only what carries the id of a permission is ours."""
    keys = (None, "x", "permission/a/b", "permission/a//c", KEY)
    accounts = tuple(SeenAccount(account_id=str(n), is_on=True, key=k) for n, k in enumerate(keys))
    assert _kinds(_granted(), Seen(system_accounts=accounts)) == []
    assert is_our_right(RIGHT)


# ---- the register ----------------------------------------------------------------------------


def _registered(**changes: Any) -> SeenAgreement:
    whole = {"key": "k", "org_number": MOLNDAL, "kind": "producer", "valid_from": FIRST}
    return SeenAgreement.model_validate(whole | changes)


@pytest.mark.parametrize(
    ("stage", "there", "at"),
    list(product((None, *AGREEMENT_STAGES), ("same", "other", "none"), (OLD, NEW))),
)
def test_each_agreement_against_the_register(stage: str | None, there: str, at: datetime) -> None:
    """In force here and not there, there and not here, or with another validity."""
    rows = _granted(_agreement(stage, at)) if stage else _granted()
    validity = {"same": FIRST, "other": date(2026, 2, 1)}
    seen = () if there == "none" else (_registered(valid_from=validity[there]),)
    found = compare(rows, Seen(agreements=seen), unchanged_since=SINCE)

    expected: list[str] = []
    if stage is None and seen:
        expected = ["unknown_agreement"]
    elif at is OLD and stage == "ended" and seen:
        expected = ["still_in_register"]
    elif at is OLD and stage in {"in_force", "under_notice"} and there != "same":
        expected = ["register_differs"]
    assert [each.kind for each in found] == expected


def test_a_kind_that_the_living_agreement_does_not_have_is_a_task() -> None:
    """A processing agreement in the register that nobody here answers for."""
    seen = Seen(agreements=(_registered(), _registered(key="other", kind="processing")))
    assert _kinds(_granted(_agreement()), seen) == ["unknown_agreement"]
    assert _kinds(_granted(_agreement(at=NEW)), seen) == []


def test_an_agreement_hears_once_that_the_register_agrees_again() -> None:
    """Only of what it was told to differ, and not while that is unsettled."""
    told = frozenset({(AGREEMENT, "producer")})
    same = Seen(agreements=(_registered(),))
    assert _kinds(_granted(_agreement()), same, told_of_register=told) == ["register_agrees"]
    assert _kinds(_granted(_agreement()), same) == []
    assert _kinds(_granted(_agreement()), Seen(), told_of_register=told) == ["register_differs"]
    assert _kinds(_granted(_agreement(at=NEW)), same, told_of_register=told) == []


# ---- two looks, limits, words ------------------------------------------------------------------


def test_only_what_both_looks_found_is_left() -> None:
    """As the second look saw it: what it says of the thing may have changed."""
    first = Finding(kind=FindingKind.NOT_ENTITLED, system=PORTAL, ref=KEY, item="app-1")
    again = first.model_copy(update={"facts": {"name": "Nytt namn"}})
    new = first.model_copy(update={"item": "app-2"})
    assert agreed([first], [again, new]) == [again]
    assert agreed([first], []) == []


@pytest.mark.parametrize(
    ("cuts", "granted", "asks"),
    [(0, 0, False), (3, 3, False), (4, 4, True), (4, 80, False), (5, 99, True), (5, 100, False),
     (20, 2000, False), (21, 2000, True), (100, 10_000, True)],
)  # fmt: skip
def test_when_a_person_is_asked(cuts: int, granted: int, *, asks: bool) -> None:
    """More than 20 or more than five per cent; up to three never."""
    assert too_many(cuts, granted, ReconciliationPolicy()) is asks


def test_every_finding_is_told_listed_or_a_task() -> None:
    """A cut is always told somebody, and a word always has a machine that may hear it."""
    for kind in FindingKind:
        word = word_of(Finding(kind=kind, system=PORTAL))
        assert not (kind in CUTS and word is None)
        assert not (kind in TASKS and word is not None)
        if word is not None and word.starts is not None:
            assert word.starts in MACHINES


# ---- the run -----------------------------------------------------------------------------------


def _looked(play: Play[Any], **left: int) -> None:
    while play.state.looking:
        for system, operation in list(play.state.looking.items()):
            play.answer(
                "looked",
                look=play.state.look,
                system=system,
                operation=operation,
                left=left.pop(operation, 0),
            )


def _compared(play: Play[Any], cuts: int = 0, **changes: Any) -> None:
    whole = {"found": {}, "to_tell": cuts, "cuts": cuts, "tasks": 0, "granted": 40}
    play.answer("compared", **{"look": play.state.look, "only_reports": False, **whole, **changes})


def _second_look(cuts: int, **changes: Any) -> Play[Any]:
    play = Play(MACHINE, "reconciliation/on-demand")
    play.answer("begin")
    _looked(play)
    _compared(play, cuts, **changes)
    play.wait_until(NOON + timedelta(minutes=10))
    _looked(play)
    _compared(play, cuts, **changes)
    return play


def test_everything_is_looked_at_before_anything_is_compared() -> None:
    """Both portals, the account system, the register; what is left is asked for again."""
    play = Play(MACHINE, "reconciliation/on-demand")
    play.answer("begin")
    assert sorted(play.wanted) == [
        "list_agreements:agreement_register",
        "list_applications:portal_production",
        "list_applications:portal_verification",
        "list_system_accounts:account_system",
    ]
    place = {"look": 1, "system": "portal_production"}
    play.answer("looked", **place, operation="list_applications")
    play.answer("looked", **place, operation="count_keys", left=50)
    assert "count_keys:portal_production" in play.wanted
    play.answer("looked", look=2, system="portal_production", operation="count_keys")
    assert "count_keys:portal_production" in play.wanted
    _looked(play)
    assert play.wanted == ["compare"]


def test_nothing_is_told_before_the_second_look() -> None:
    """It comes ten minutes after the first and looks at everything again."""
    play = Play(MACHINE, "reconciliation/on-demand")
    play.answer("begin")
    _looked(play)
    _compared(play, 1)
    assert (play.state.stage, play.wanted) == ("pause", [])
    play.wait_until(NOON + timedelta(minutes=10))
    assert (play.state.stage, len(play.wanted)) == ("second_look", 4)


def test_few_cuts_are_told_at_once() -> None:
    """Then the run is closed; it says how many were told."""
    play = _second_look(1)
    assert play.wanted == ["deal"]
    play.answer("dealt", done={"told": 50}, left=1)
    play.answer("dealt", done={"told": 1}, left=0)
    assert (play.wanted, play.state.done) == (["close"], {"told": 51})
    play.answer("closed")
    assert (play.state.stage, play.state.outcome) == ("ended", "dealt_with")


def test_many_cuts_wait_for_a_case_handler() -> None:
    """Asked by mail; confirmed, they are looked at once more and told; else they are not."""
    play = _second_look(21)
    assert (play.state.stage, play.wanted) == ("asking", [])
    assert len(play.mails("too_many_cuts")) == 1
    play.take("confirm_cuts", HANDLER)
    assert (play.state.stage, len(play.wanted)) == ("last_look", 4)
    _looked(play)
    _compared(play, 5)
    assert (play.state.may_cut, play.state.cuts, play.wanted) == (True, 5, ["deal"])

    play = _second_look(21)
    play.take("reject_cuts", HANDLER, {"reason": "Portalen är nyss återställd."})
    assert (play.state.may_cut, play.state.outcome) == (False, "cuts_rejected")

    play = _second_look(21)
    play.wait_until(NOON + timedelta(days=1, minutes=11))
    assert (play.state.may_cut, play.state.outcome) == (False, "cuts_unanswered")


def test_a_run_that_only_reports_asks_nobody() -> None:
    """While producers are adopted."""
    play = _second_look(30, only_reports=True)
    assert play.wanted == ["deal"]
    play.answer("dealt", done={"only_reported": 30}, left=0)
    play.answer("closed")
    assert play.state.outcome == "only_reported"
