"""Issuing: application, subscription, key and offer, each once, until the key is fetched."""

from domain.act import Role
from domain.credential_state import (
    ApplicationClaimed,
    ApplicationCreated,
    Begin,
    CredentialState,
    KeyIssued,
    OfferCancelled,
    PickedUp,
    Subscribed,
    about,
    is_same_person,
    offer,
    offer_anew,
)
from domain.machine import Content, Moment
from domain.rotation import begin_rotation, new_one_fetched


def begin(state: CredentialState, content: Begin, moment: Moment) -> None:
    """Take what the permission gave, once; an adopted application is claimed, not made."""
    if state.owner is not None:
        return
    for name in content.model_fields_set:
        value = getattr(content, name)
        setattr(state, name, list(value) if name == "apis" else value)
    state.opened_at = moment.now
    if content.application_id is not None:
        state.is_claimed, state.is_application_approved = False, True
        state.is_subscribed, state.is_subscription_approved = True, True
        state.fetched_at = content.fetched_at or moment.now
        _tell_live(state)


def _tell_live(state: CredentialState) -> None:
    if state.owner:
        holder = state.offered_to or state.holder
        word = {
            "environment": state.environment,
            "ref": state.workflow_id,
            "holder": holder.model_dump(mode="json") if holder else None,
        }
        state.tell(state.owner, "key_live", word)


def claimed(state: CredentialState, content: ApplicationClaimed, moment: Moment) -> None:
    """Note that the adopted application is ours; one that is gone is made again."""
    state.is_claimed = True
    if not content.is_there and not state.is_ending:
        _missing(state, moment)


def key_missing(state: CredentialState, content: Content, moment: Moment) -> None:
    """Issue a key again that the portal no longer lists, unless something is being done."""
    del content
    if state.is_settled:
        _missing(state, moment)


def _missing(state: CredentialState, moment: Moment) -> None:
    """Find or make everything again, from the application on: it may be gone as well."""
    del moment
    state.former_id = state.application_id or state.former_id
    state.application_id, state.is_application_approved = None, False
    state.is_subscribed, state.is_subscription_approved = False, False
    state.notify("key_missing", Role.CASE_HANDLER, what=about(state))
    offer_anew(state)


def created(state: CredentialState, content: ApplicationCreated, moment: Moment) -> None:
    """Note our application."""
    del moment
    state.application_id = content.application_id
    state.is_application_approved = content.approved


def subscribed(state: CredentialState, content: Subscribed, moment: Moment) -> None:
    """Note the subscription."""
    del moment
    state.is_subscribed = True
    state.is_subscription_approved = content.approved


def issued(state: CredentialState, content: KeyIssued, moment: Moment) -> None:
    """Offer the key, unless its portal has yet to approve it."""
    if content.generation != state.generation or state.is_halted:
        return  # issued again meanwhile: a key of the new generation is wanted
    state.key_mapping_id = content.key_mapping_id
    if state.is_ending:
        return
    if content.offer_id is None:
        state.is_key_pending = True
    else:
        offer(state, content.offer_id, moment)


def key_approved(state: CredentialState, content: Content, moment: Moment) -> None:
    """The portal's people have approved the key: its secret can be had by issuing it."""
    del content, moment
    state.is_key_pending = False


def picked_up(state: CredentialState, content: PickedUp, moment: Moment) -> None:
    """Note that the key was fetched."""
    if content.offer_id == state.offer_id and not state.is_ending:
        _fetched(state, moment)


def _fetched(state: CredentialState, moment: Moment) -> None:
    by = state.offered_to or state.holder
    state.fetched_at = moment.now
    state.offer_id, state.offered_to, state.offered_until = None, None, None
    state.is_offer_over = False
    new_one_fetched(state)
    _tell_live(state)
    if not is_same_person(by, state.holder):  # fetched just before the offer was withdrawn
        begin_rotation(state, "holder_changed", moment)


def offer_over(state: CredentialState, moment: Moment) -> None:
    """Seven days have passed: the offer is to be withdrawn."""
    del moment
    state.is_offer_over = True


def cancelled(state: CredentialState, content: OfferCancelled, moment: Moment) -> None:
    """Offer anew what was withdrawn, unless it had been fetched just before."""
    if not state.is_offer_over:
        return  # revoked or issued again meanwhile
    if content.already_fetched:
        _fetched(state, moment)
    else:
        offer_anew(state)
