"""A credential: one application, one subscription and one living key at one portal."""

from collections.abc import Iterator

from domain.act import CONTACT, HANDLER, Actor, Role
from domain.credential_state import (
    ApplicationClaimed,
    ApplicationCreated,
    Begin,
    CancelOffersTo,
    CredentialState,
    Holder,
    KeyIssued,
    OfferCancelled,
    PickedUp,
    RotateTo,
    SecretsListed,
    Subscribed,
    ValidUntil,
    about,
    offer_anew,
)
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, Reason
from domain.issuing import (
    begin,
    cancelled,
    claimed,
    created,
    issued,
    key_approved,
    key_missing,
    offer_over,
    picked_up,
    subscribed,
)
from domain.machine import Content, Machine, Moment, NoPayload, Reaction, Step
from domain.policy import Policy
from domain.rotation import (
    added,
    awaits_holder,
    can_rotate,
    cancel_offers_to,
    halt,
    hold,
    listed,
    next_rotating,
    old_ended,
    overlap_over,
    rotate,
    rotate_refusal,
    rotate_to,
    rotation_due,
    rotation_slow,
    rotation_timers,
)
from domain.state import Party, Person, System, Timer, Wait, Want
from domain.text import Text

STAGES = ("issuing", "awaiting_approval", "offered", "live", "ending", "ended")


class End(Content):
    """The owner says that the right has ended."""

    outcome: str | None = None
    owner: str | None = None


def _revoke_key(state: CredentialState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del moment
    holder = state.offered_to or state.holder
    told: list[Person | Role | None] = [holder]
    if actor.role is not Role.CASE_HANDLER:  # who issues the next one
        told.append(Role.CASE_HANDLER)
    halt(state)
    state.notify("key_revoked", *told, what=about(state) | {"reason": payload.reason})


def _reissue(state: CredentialState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.is_halted, state.is_key_revoked = False, False
    offer_anew(state)


def _key_revoked(state: CredentialState, content: Content, moment: Moment) -> None:
    """Note that no key is left; looked at once more when something may still have landed."""
    del content
    state.is_revoked_once, state.key_mapping_id = True, None
    if state.look_again_at is None or moment.now >= state.look_again_at:
        state.is_key_revoked, state.look_again_at = True, None


def _end(state: CredentialState, content: End, moment: Moment) -> None:
    if not state.is_opened:  # a closed one is started again to be revoked: all it has is its id
        state.opened_at, state.owner = moment.now, content.owner
        is_production = state.workflow_id.endswith("/production")
        state.environment = "production" if is_production else "verification"
    state.outcome = state.outcome or content.outcome or "ended"
    if not state.is_ended:
        state.stage = "ending"


def _expired(state: CredentialState, moment: Moment) -> None:
    _end(state, End(outcome="expired"), moment)


def _gone(state: CredentialState, content: Content, moment: Moment) -> None:
    del content
    if state.look_again_at is None or moment.now >= state.look_again_at:
        state.is_gone, state.look_again_at = True, None


def _valid_until(state: CredentialState, content: ValidUntil, moment: Moment) -> None:
    del moment
    state.valid_until = content.until


def progress(state: CredentialState, moment: Moment) -> None:
    """Follow the facts from application to living key, or to the end."""
    del moment
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "ending":
        if state.is_gone:
            state.stage = "ended"
            if state.owner:
                word = {"ref": state.workflow_id, "outcome": state.outcome}
                state.tell(state.owner, "part_ended", word)
    elif state.offer_id is not None:
        state.stage = "offered"
    elif state.fetched_at is not None and not _is_new_one_made(state):
        state.stage = "live"
    elif _is_awaiting_approval(state):
        state.stage = "awaiting_approval"
    else:
        state.stage = "issuing"


def _is_new_one_made(state: CredentialState) -> bool:
    """Whether the portal is making a second secret beside the one that lives."""
    rotation = state.rotation
    if rotation is None or rotation.is_over:
        return False
    return next_rotating(state, rotation) is not None


def _is_awaiting_approval(state: CredentialState) -> bool:
    application = state.application_id is not None and not state.is_application_approved
    subscription = state.is_subscribed and not state.is_subscription_approved
    return not state.is_halted and (application or subscription or state.is_key_pending)


def wants(state: CredentialState) -> Iterator[Want]:
    """Yield the one thing to be done at the portal next."""
    operation = _next_operation(state)
    if operation is not None:
        system = System.RECORDS if operation == "cancel_offer" else state.system
        yield Want(operation=operation, system=system)


def _next_operation(state: CredentialState) -> str | None:
    if not state.is_opened or state.is_ended:
        return None
    if state.stage == "ending" or state.is_halted:
        return _next_in_revoking(state)
    if not state.is_claimed:
        return "claim_application"
    if state.is_offer_over:
        return "cancel_offer"
    if state.rotation is not None:
        return next_rotating(state, state.rotation)
    return _next_in_issuing(state)


def _next_in_revoking(state: CredentialState) -> str | None:
    looks_later = state.look_again_at is not None
    if state.stage == "ending":
        return None if state.is_gone or looks_later else "remove_application"
    is_done = state.is_key_revoked or (state.is_revoked_once and looks_later)
    return None if is_done else "revoke_keys"


def _next_in_issuing(state: CredentialState) -> str | None:
    if state.fetched_at is not None or state.offer_id is not None:
        return None
    if state.application_id is None:
        return "create_application"
    if not state.is_application_approved:
        return "await_application"
    if not state.is_subscription_approved:
        return "await_subscription" if state.is_subscribed else "subscribe"
    if state.is_key_pending:
        return "await_key"
    return "issue_key" if state.holder is not None else None


def waits(state: CredentialState) -> Iterator[Wait]:
    """Yield on whom the credential waits."""
    if not state.is_opened or state.is_ended:
        return
    on, rule = _waited_on(state)
    yield Wait(on=on, rule=rule, item=state.environment)


def _waited_on(state: CredentialState) -> tuple[Party, str]:
    holder = Party.PRODUCER if state.party == state.org_number else Party.AGENT
    if state.is_halted and state.is_key_revoked and not state.is_ending:
        return Party.CASE_HANDLER, "reissue"
    if state.stage == "offered":
        return holder, "fetch_key"
    if rule := _portal_rule(state):
        return Party.API_PORTAL, rule
    if state.holder is None:
        return Party.CASE_HANDLER, "name_holder"
    return (holder, "replace_key") if awaits_holder(state) else (Party.NOBODY, "live")


def _portal_rule(state: CredentialState) -> str | None:
    """Return what the portal is to do; None when it is not waited for."""
    if state.stage == "ending":
        return "revoke_key"
    if state.stage == "awaiting_approval":
        return "portal_approval"
    operation = _next_operation(state)
    if operation == "end_old_secrets":
        return "end_old_key"
    return "provision_key" if operation is not None or state.is_halted else None


def timers(state: CredentialState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of the right, of the offer, of the key's year and of an overlap."""
    if state.is_ending:
        return
    if state.valid_until is not None:
        yield Timer(name="expired", at=state.valid_until, rule="valid_until")
    if state.stage == "offered" and state.offered_until is not None and not state.is_offer_over:
        yield Timer(name="offer_over", at=state.offered_until, rule="key_offer")
    yield from rotation_timers(state, policy)


def _has_key(state: CredentialState, moment: Moment) -> bool:
    """Whether anybody may hold a secret, or could fetch one."""
    del moment
    if state.is_ending or state.is_halted:
        return False
    return state.offer_id is not None or state.fetched_at is not None


def _can_reissue(state: CredentialState, moment: Moment) -> bool:
    del moment
    if state.is_ending:
        return False
    return state.stage == "offered" or (state.is_halted and state.is_key_revoked)


HOLDER = CONTACT | frozenset({Role.AGENT_CONTACT})
STEPS: tuple[Step[CredentialState], ...] = (
    Step(
        name="rotate",
        payload=NoPayload,
        who=HOLDER | HANDLER,
        is_open=can_rotate,
        check=rotate_refusal,
        do=rotate,
        help=Text(
            sv="Byt nyckel. Där portalen bara kan byta ut den slutar den gamla genast: "
            "var redo att hämta den nya.",
            en="Change the key. Where the portal can only replace it the old one ends at once: "
            "be ready to fetch the new one.",
        ),
    ),
    Step(
        name="revoke_key",
        payload=Reason,
        who=HOLDER | HANDLER,
        is_open=_has_key,
        do=_revoke_key,
        help=Text(
            sv="Spärra nyckeln genast, till exempel om den har läckt.",
            en="Revoke the key at once, for example when it has leaked.",
        ),
    ),
    Step(
        name="reissue",
        payload=NoPayload,
        who=HANDLER,
        is_open=_can_reissue,
        do=_reissue,
        help=Text(sv="Ge ut en ny nyckel.", en="Issue a new key."),
    ),
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[CredentialState] = Machine(
    name="Credential",
    state=CredentialState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        "begin": Reaction(payload=Begin, do=begin),
        "application_claimed": Reaction(payload=ApplicationClaimed, do=claimed),
        "application_created": Reaction(payload=ApplicationCreated, do=created),
        "subscribed": Reaction(payload=Subscribed, do=subscribed),
        "key_issued": Reaction(payload=KeyIssued, do=issued),
        "key_approved": Reaction(payload=Content, do=key_approved),
        "secrets_listed": Reaction(payload=SecretsListed, do=listed),
        "secret_added": Reaction(payload=KeyIssued, do=added),
        "old_secrets_ended": Reaction(payload=Content, do=old_ended),
        "offer_cancelled": Reaction(payload=OfferCancelled, do=cancelled),
        "picked_up": Reaction(payload=PickedUp, do=picked_up),
        "keys_revoked": Reaction(payload=Content, do=_key_revoked),
        "application_gone": Reaction(payload=Content, do=_gone),
        "holder": Reaction(payload=Holder, do=hold),
        "rotate_to": Reaction(payload=RotateTo, do=rotate_to),
        "cancel_offers_to": Reaction(payload=CancelOffersTo, do=cancel_offers_to),
        "key_missing": Reaction(payload=Content, do=key_missing),
        "valid_until": Reaction(payload=ValidUntil, do=_valid_until),
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "expired": _expired,
        "offer_over": offer_over,
        "rotation_due": rotation_due,
        "rotation_slow": rotation_slow,
        "overlap_over": overlap_over,
    },
)
