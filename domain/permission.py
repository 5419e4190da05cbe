"""A permission: the dated right of one party to deliver one data set."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pydantic import Field

from domain import key_holders, trial_delivery
from domain.act import HANDLER, Actor, Refusal, Role, refuse
from domain.adopted import SOURCE as ADOPTED
from domain.adopted import AdoptedDelivery, note_adoption
from domain.case import PartEnded, part_ended
from domain.credential import End
from domain.credential_state import credential_id
from domain.datasets import Hosting
from domain.dates import local_date, midnight_after
from domain.everyday import ASSIGN, NOTE, RETRY_STEP
from domain.fields import FreeText, HttpsUrl, Instant
from domain.machine import Content, Machine, Moment, Payload, Reaction, Step
from domain.permission_state import DISCONNECT, HOLDER, PermissionState
from domain.policy import Policy
from domain.state import Party, Person, System, Timer, Wait, Want
from domain.text import Text

MARGIN = timedelta(minutes=1)
STAGES = ("setup", "verification", "production", "active", "ending", "ended")


class Begin(Content):
    """What the owner says when it starts a permission."""

    owner: str
    dataset_ref: str | None = None
    org_number: str
    organisation_name: str
    case_number: str | None = None
    dataset_id: str
    dataset_name: str
    party: str
    party_name: str
    holder: Person
    deputy: Person | None = None
    hosting: Hosting | None = None
    base_url: str | None = None
    apis: tuple[str, ...]
    accepts_by_itself: bool = True
    limits: dict[str, datetime] = Field(default_factory=dict)
    delivery: AdoptedDelivery | None = None


class SystemAccountFound(Content):
    """The permission's system account exists."""

    login_name: str


class KeyLive(Content):
    """The key of one environment has been fetched, and by whom."""

    environment: str
    holder: Person | None = None


class ValidUntil(Content):
    """A source of the right says until when it carries it; None when it no longer sets an end."""

    source: str
    until: datetime | None = None


class DatasetStanding(Content):
    """What the data set says to a permission that enrols at it."""

    accepted: bool
    last_day: date | None = None


class ChangeHosting(Payload):
    """Where the data lie from now on."""

    hosting: Hosting
    base_url: HttpsUrl | None = None


class EndPermission(Payload):
    """Why a right ends, and when; at once when no instant is given."""

    reason: FreeText = Field(min_length=1)
    at: Instant | None = None


def begin(state: PermissionState, content: Begin, moment: Moment) -> None:
    """Take what the owner gave, once."""
    if state.owner is not None:
        return
    for name in content.model_fields_set - {"delivery"}:
        value = getattr(content, name)
        setattr(state, name, list(value) if name == "apis" else value)
    if content.delivery is not None:
        _adopt(state, content.delivery, moment)
    _earliest_rules(state)
    state.opened_at = moment.now


def _adopt(state: PermissionState, delivery: AdoptedDelivery, moment: Moment) -> None:
    """Take over what the party delivers with: nothing is made, no test delivery asked for."""
    state.system_account, state.is_account_claimed = delivery.system_account, False
    state.adopted_applications = dict(delivery.applications)
    state.is_delivery_accepted = True
    if delivery.valid_until is not None:
        _limit(state, ADOPTED, delivery.valid_until)
    note_adoption(state, delivery.adopted, moment)


def _claimed(state: PermissionState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_account_claimed = True


def _limit(state: PermissionState, source: str, until: datetime | None) -> None:
    """Note the end that a source sets; the earliest rules, here and for the keys."""
    state.limits.pop(source, None)
    if until is not None:
        state.limits[source] = until
    before = state.valid_until
    _earliest_rules(state)
    if state.valid_until != before:
        at = state.valid_until.isoformat() if state.valid_until else None
        for part in state.open_parts():
            state.tell(part.ref, "valid_until", {"until": at})


def _earliest_rules(state: PermissionState) -> None:
    state.valid_until, state.valid_until_source = min(
        ((at, name) for name, at in state.limits.items()), default=(None, None)
    )


def _valid_until(state: PermissionState, content: ValidUntil, moment: Moment) -> None:
    del moment
    is_agents = state.party != state.org_number
    if is_agents and content.source == DISCONNECT and content.until is not None:
        _say_ends(state, content.until)  # the producer said so, at the data set
    _limit(state, content.source, content.until)


def _say_ends(state: PermissionState, until: datetime, **why: str) -> None:
    """Tell who holds the keys until when they last."""
    last_day = local_date(until - timedelta(seconds=1))
    what = {"item": state.dataset_id, "due": last_day.isoformat(), **why}
    state.notify("permission_ends", state.holder or state.deputy, what=what)


def _enrolled(state: PermissionState, content: DatasetStanding, moment: Moment) -> None:
    """The data set takes the permission in, or is not so far: then it says when it is."""
    del moment
    state.is_enrolled = content.accepted
    state.is_dataset_missing = not content.accepted and not state.is_ready_again
    state.is_ready_again = False
    if content.last_day is not None:
        _limit(state, DISCONNECT, midnight_after(content.last_day))


def _dataset_ready(state: PermissionState, content: Content, moment: Moment) -> None:
    del content, moment
    if not state.is_enrolled:
        state.is_ready_again = not state.is_dataset_missing
        state.is_dataset_missing = False


def _begin_credential(state: PermissionState, environment: str) -> None:
    assert state.holder is not None
    ref = credential_id(state.org_number, state.dataset_id, state.party, environment)
    content = {
        "owner": state.workflow_id,
        "org_number": state.org_number,
        "organisation_name": state.party_name,
        "case_number": state.case_number,
        "dataset_id": state.dataset_id,
        "dataset_name": state.dataset_name,
        "party": state.party,
        "environment": environment,
        "apis": state.apis,
        "system_account": state.system_account,
        "holder": state.holder.model_dump(mode="json"),
        "valid_until": state.valid_until.isoformat() if state.valid_until else None,
    }
    adopted = state.adopted_applications.pop(environment, None)
    if adopted is not None:
        content["application_id"] = adopted
    state.begin_part(ref, "Credential", content, environment)


def _account(state: PermissionState, content: SystemAccountFound, moment: Moment) -> None:
    del moment
    state.system_account = content.login_name


def _live(state: PermissionState, content: KeyLive, moment: Moment) -> None:
    del moment
    key_holders.fetched(state, content.environment, content.holder or state.holder)
    if content.environment not in state.live:
        state.live.append(content.environment)


def _change_hosting(
    state: PermissionState, payload: ChangeHosting, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    state.hosting, state.base_url = payload.hosting, payload.base_url


def _hosting_refusal(
    state: PermissionState, payload: ChangeHosting, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor, moment
    if payload.hosting is Hosting.DATA_HOST or payload.base_url:
        return None
    return refuse(
        "base_url_missing",
        "Ange adressen till ert API (base_url), den ska börja med https://.",
        "Give the address of your API (base_url), beginning with https://.",
        "base_url",
    )


def _end_by_handler(
    state: PermissionState, payload: EndPermission, actor: Actor, moment: Moment
) -> None:
    del actor
    if payload.at is None or payload.at <= moment.now:
        end(state, End(outcome="ended_by_handler"), moment)
        what = {"item": state.dataset_id, "reason": payload.reason}
        state.notify("permission_ended", state.holder or state.deputy, what=what)
        return
    _limit(state, "end_permission", payload.at)
    _say_ends(state, payload.at, reason=payload.reason)


def end(state: PermissionState, content: End, moment: Moment) -> None:
    """End the right: keys first, then the system account."""
    if state.opened_at is None:
        state.opened_at = moment.now
    state.outcome = state.outcome or content.outcome or "ended"
    if not state.is_ended:
        state.stage = "ending"


def _expired(state: PermissionState, moment: Moment) -> None:
    end(state, End(outcome="expired"), moment)


def _account_off(state: PermissionState, content: Content, moment: Moment) -> None:
    del content
    if state.look_again_at is None or moment.now >= state.look_again_at:
        state.is_account_off, state.look_again_at = True, None


def _part_ended(state: PermissionState, content: PartEnded, moment: Moment) -> None:
    """A key that has ended by itself, while the right goes on, is issued again."""
    part_ended(state, content, moment)
    part = state.parts.get(content.ref)
    is_over = state.valid_until is not None and state.valid_until <= moment.now + MARGIN
    if part is None or part.told_to_end or state.is_ending or is_over:
        return
    if part.item in state.live:
        state.live.remove(part.item)
    state.notify("key_ended", Role.CASE_HANDLER, what={"environment": part.item})
    if state.stage == "active" and part.item == "production":
        state.stage = "production"
    if state.holder is not None:
        _begin_credential(state, part.item)


def progress(state: PermissionState, moment: Moment) -> None:
    """Follow the facts from set-up to active, or to the end."""
    del moment
    is_set_up = state.may_begin and state.system_account and state.holder is not None
    if state.stage == "setup" and is_set_up:
        state.stage = "verification"
        _begin_credential(state, "verification")
    elif state.stage == "verification" and state.is_delivery_accepted and state.holder is not None:
        state.stage = "production"
        _begin_credential(state, "production")
    elif state.stage == "production" and "production" in state.live:
        state.stage = "active"
        _tell_owner(state, "permission_active")
    elif state.stage == "ending":
        state.end_parts({"outcome": state.outcome})
        if not any(state.open_parts()) and state.is_account_off:
            state.stage = "ended"
            _tell_owner(state, "part_ended")
    if state.is_opened:
        key_holders.enrol_holders(state)


def _tell_owner(state: PermissionState, what: str) -> None:
    for ref in filter(None, (state.owner, state.dataset_ref)):
        state.tell(ref, what, {"ref": state.workflow_id, "outcome": state.outcome})


def wants(state: PermissionState) -> Iterator[Want]:
    """Yield what is to be done in the world now."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "setup" and not state.may_begin and not state.is_dataset_missing:
        yield Want(operation="enrol_at_dataset", system=System.CASES)
    elif state.stage == "setup" and state.may_begin and state.system_account is None:
        yield Want(operation="create_system_account", system=System.ACCOUNT_SYSTEM)
    if not state.is_account_claimed:
        yield Want(operation="claim_system_account", system=System.ACCOUNT_SYSTEM)
    if state.stage == "verification" and state.delivery_id and state.report is None:
        yield Want(operation="fetch_report", system=System.DELIVERY_API, item=state.delivery_id)
    if state.stage == "ending" and not any(state.open_parts()) and _may_be_on(state):
        yield Want(operation="disable_system_account", system=System.ACCOUNT_SYSTEM)


def _may_be_on(state: PermissionState) -> bool:
    """Whether the system account is to be looked for now; after an unknown answer, later."""
    is_known = state.is_account_claimed and state.look_again_at is None
    return is_known and not state.is_account_off


def waits(state: PermissionState) -> Iterator[Wait]:
    """Yield on whom the permission waits; keys are the credentials' own waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.holder is None and not state.is_ending and not any(state.open_parts()):
        yield Wait(on=Party.CASE_HANDLER, rule="name_holder")
    party = Party.PRODUCER if state.party == state.org_number else Party.AGENT
    if state.stage in {"setup", "ending"}:
        if any(state.open_parts()) and state.stage == "ending":
            yield Wait(on=Party.API_PORTAL, rule="revoke_keys")
        else:
            is_early = state.stage == "setup" and not state.may_begin
            rule = "dataset_ready" if is_early else "system_account"
            yield Wait(on=Party.NOBODY if is_early else Party.ACCOUNT_SYSTEM, rule=rule)
    elif state.stage == "verification" and "verification" in state.live:
        if state.delivery_id is None:
            yield Wait(on=party, rule="report_test_delivery", due=state.findings_due)
        elif state.report is None:
            yield Wait(on=Party.DELIVERY_API, rule="fetch_report")
        elif not state.is_delivery_accepted:
            yield Wait(on=Party.CASE_HANDLER, rule="accept_test_delivery")
    elif state.stage == "active":
        yield Wait(on=Party.NOBODY, rule="active")


def timers(state: PermissionState, policy: Policy) -> Iterator[Timer]:
    """Yield the midnight at which the right ends."""
    del policy
    if state.valid_until is not None and not state.is_ending:
        yield Timer(name="expired", at=state.valid_until, rule=state.valid_until_source or "")


def _is_active(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.stage == "active"


def _is_alive(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.is_opened and not state.is_ending


STEPS: tuple[Step[PermissionState], ...] = (
    *trial_delivery.STEPS,
    Step(
        name="change_hosting",
        payload=ChangeHosting,
        who=HOLDER,
        is_open=_is_active,
        check=_hosting_refusal,
        do=_change_hosting,
        help=Text(sv="Ändra var data ligger.", en="Change where the data lie."),
    ),
    Step(
        name="end_permission",
        payload=EndPermission,
        who=HANDLER,
        is_open=_is_alive,
        do=_end_by_handler,
        help=Text(sv="Avsluta behörigheten.", en="End the permission."),
    ),
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[PermissionState] = Machine(
    name="Permission",
    state=PermissionState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        "begin": Reaction(payload=Begin, do=begin),
        "dataset_enrolled": Reaction(payload=DatasetStanding, do=_enrolled),
        "dataset_ready": Reaction(payload=Content, do=_dataset_ready),
        "system_account_found": Reaction(payload=SystemAccountFound, do=_account),
        "system_account_claimed": Reaction(payload=Content, do=_claimed),
        "key_live": Reaction(payload=KeyLive, do=_live),
        **trial_delivery.REACTIONS,
        "system_account_off": Reaction(payload=Content, do=_account_off),
        **key_holders.REACTIONS,
        "valid_until": Reaction(payload=ValidUntil, do=_valid_until),
        "part_ended": Reaction(payload=PartEnded, do=_part_ended),
        "end": Reaction(payload=End, do=end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={"expired": _expired},
)
