"""Rotation: a key that lives gets a new secret, and delivery is not cut meanwhile.

Where the portal lets a key have several secrets the new one is added and offered, and the old
one ends when the new one has been fetched. Where it does not, a new secret ends the old one at
once: it is made when the holder says to be there to fetch it (the step `rotate`). Neither lets
the old one live longer than `key_overlap_days` (docs/decisions/0010-keys-without-overlap.md).
"""

from collections.abc import Iterator
from datetime import timedelta

from domain.act import Actor, Refusal, Role, refuse
from domain.credential_state import (
    CancelOffersTo,
    CredentialState,
    Holder,
    KeyIssued,
    RotateTo,
    Rotation,
    SecretsListed,
    about,
    is_same_person,
    offer,
    offer_anew,
)
from domain.machine import Content, Moment, NoPayload
from domain.policy import Policy
from domain.state import Timer


def begin_rotation(
    state: CredentialState, reason: str, moment: Moment, *, is_holder_there: bool = False
) -> None:
    """Let the key that lives get a new secret; after the one under way, if its old must end."""
    if state.rotation is not None and state.rotation.is_over:
        state.rotation.next_reason = reason
        return
    state.rotation = Rotation(reason=reason, since=moment.now, is_holder_there=is_holder_there)
    offer_anew(state)


def next_rotating(state: CredentialState, rotation: Rotation) -> str | None:
    """Return the operation that a rotation wants now; None while it waits for a person."""
    if rotation.is_over:
        return "end_old_secrets"
    if rotation.several is None:
        return "list_secrets"
    if rotation.several and state.offer_id is None and state.holder is not None:
        return "add_secret"
    return None


def awaits_holder(state: CredentialState) -> bool:
    """Whether a new secret, which ends the old one, waits for the holder to be there."""
    rotation = state.rotation
    return rotation is not None and rotation.several is False


def listed(state: CredentialState, content: SecretsListed, moment: Moment) -> None:
    """Take what lives at the portal: go on by adding to it, or by waiting for the holder."""
    rotation = state.rotation
    if rotation is None or rotation.several is not None or rotation.is_over:
        return
    if not content.is_there or (rotation.is_holder_there and not content.several):
        _replace(state)
        return
    rotation.several, rotation.old_secrets = content.several, list(content.secrets)
    if not content.several:
        _ask_holder(state, moment)


def _ask_holder(state: CredentialState, moment: Moment) -> None:
    assert state.rotation is not None
    last = state.rotation.since + timedelta(days=moment.policy.key_overlap_days)
    state.notify("key_to_replace", state.holder, what=about(state) | {"until": f"{last:%Y-%m-%d}"})


def _replace(state: CredentialState) -> None:
    """End the rotation by issuing the key anew, whatever lived before."""
    state.rotation = None
    offer_anew(state)


def added(state: CredentialState, content: KeyIssued, moment: Moment) -> None:
    """Offer the new secret; the old one lives on."""
    if state.is_ending or state.is_halted or content.generation != state.generation:
        return  # given up meanwhile: what was added ends with the next operation
    if content.offer_id is not None:
        offer(state, content.offer_id, moment)


def new_one_fetched(state: CredentialState) -> None:
    """Let the old secrets end, now that the new one has been fetched."""
    if state.rotation is not None:
        state.rotation.is_over = True


def old_ended(state: CredentialState, content: Content, moment: Moment) -> None:
    """Note that the old secrets have ended at the portal; another rotation may follow."""
    del content
    if state.rotation is None or not state.rotation.is_over:
        return
    reason, state.rotation = state.rotation.next_reason, None
    if reason is not None and state.fetched_at is not None:
        begin_rotation(state, reason, moment)


def rotate(state: CredentialState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    """Change the key: by its holder, who is there to fetch the new one, or by a handler."""
    del payload
    is_holder = actor.role is not Role.CASE_HANDLER
    if state.rotation is not None:
        _replace(state)
    else:
        begin_rotation(state, "asked_for", moment, is_holder_there=is_holder)


def can_rotate(state: CredentialState, moment: Moment) -> bool:
    """Open while a key lives that is not being changed, or whose change awaits the holder."""
    del moment
    return state.is_settled or (state.stage == "live" and awaits_holder(state))


def rotate_refusal(
    state: CredentialState, payload: NoPayload, actor: Actor, moment: Moment
) -> Refusal | None:
    """Only the holder, who is there, lets the old secret end before its time."""
    del payload, moment
    if state.rotation is None or actor.role is not Role.CASE_HANDLER:
        return None
    return refuse(
        "awaits_holder",
        "Bytet är begärt och väntar på att innehavaren hämtar: den gamla nyckeln slutar gälla "
        "när den nya skapas. Spärra nyckeln om det brådskar.",
        "The change is asked for and waits for the holder: the old key ends when the new one is "
        "made. Revoke the key if it is urgent.",
    )


def rotation_due(state: CredentialState, moment: Moment) -> None:
    """The key's year is over."""
    begin_rotation(state, "yearly", moment)


def rotation_slow(state: CredentialState, moment: Moment) -> None:
    """Nobody has fetched the new secret: a handler is told while the old one still lives."""
    del moment
    if state.rotation is not None:
        state.rotation.is_handler_told = True
        state.notify("new_key_not_fetched", Role.CASE_HANDLER, what=about(state))


def overlap_over(state: CredentialState, moment: Moment) -> None:
    """The old secret ends, although nobody has fetched the new one."""
    del moment
    rotation = state.rotation
    if rotation is None:
        return
    state.notify("old_key_ended", state.holder, Role.CASE_HANDLER, what=about(state))
    if state.offer_id is not None:
        rotation.is_over, state.fetched_at = True, None
    elif state.holder is not None:
        _replace(state)
    else:
        halt(state)


def halt(state: CredentialState) -> None:
    """Let every secret end now; a handler issues the next one."""
    state.rotation, state.fetched_at = None, None
    state.is_halted, state.is_revoked_once, state.is_key_revoked = True, False, False
    state.offer_id, state.offered_to, state.offered_until = None, None, None
    state.is_offer_over, state.is_key_pending = False, False


def hold(state: CredentialState, content: Holder, moment: Moment) -> None:
    """Let somebody hold the key from now on: an offer to somebody else is made anew."""
    before, state.holder = state.holder, content.holder
    if not is_same_person(before, state.holder):
        _offer_to_holder(state, moment)


def rotate_to(state: CredentialState, content: RotateTo, moment: Moment) -> None:
    """Let somebody else hold the key, who gets an own secret: the former holder knows the old."""
    is_same, state.holder = is_same_person(state.holder, content.holder), content.holder
    if state.is_ending or state.is_halted:
        return
    if not is_coming(state) or (state.rotation is not None and awaits_holder(state)):
        begin_rotation(state, content.reason, moment)
        return
    if state.rotation is not None:
        state.rotation.since, state.rotation.reason = moment.now, content.reason
        state.rotation.is_handler_told = False
    if not is_same:
        _offer_to_holder(state, moment)


def is_coming(state: CredentialState) -> bool:
    """Whether a secret is being made or offered that nobody has fetched yet."""
    if state.fetched_at is None or state.offer_id is not None:
        return True
    return state.rotation is not None and not state.rotation.is_over


def _offer_to_holder(state: CredentialState, moment: Moment) -> None:
    """Withdraw an offer to somebody else; what is being made for somebody else does not count."""
    if state.is_ending or state.is_halted or not is_coming(state):
        return
    if state.rotation is not None:
        state.rotation.is_holder_there = False
    if state.offer_id is not None:
        state.is_offer_over = True
    elif awaits_holder(state):
        _ask_holder(state, moment)
    else:
        state.generation += 1


def cancel_offers_to(state: CredentialState, content: CancelOffersTo, moment: Moment) -> None:
    """Withdraw what a person who has left could still fetch; then somebody must be named."""
    if state.is_ending:
        return
    if state.offered_to is not None and state.offered_to.account_id == content.account_id:
        state.is_offer_over = True
    is_holder = state.holder is not None and state.holder.account_id == content.account_id
    if is_holder and is_coming(state):
        state.holder = None
        state.notify("holder_left", Role.CASE_HANDLER, what=about(state))
        _offer_to_holder(state, moment)


def rotation_timers(state: CredentialState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of the key's year; in a rotation the day a handler is told and the last."""
    rotation = state.rotation
    if rotation is None:
        if state.stage == "live" and state.fetched_at is not None:
            at = state.fetched_at + timedelta(days=policy.key_rotation_days)
            yield Timer(name="rotation_due", at=at, rule="key_rotation")
    elif not rotation.is_over:
        if not rotation.is_handler_told:
            told = rotation.since + timedelta(days=policy.key_overlap_tell_days)
            yield Timer(name="rotation_slow", at=told, rule="key_overlap")
        last = rotation.since + timedelta(days=policy.key_overlap_days)
        yield Timer(name="overlap_over", at=last, rule="key_overlap")
