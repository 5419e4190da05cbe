"""The facts of a credential, and what its portal and its owners say about it."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from domain.act import Actor, Role
from domain.machine import Content, Moment
from domain.state import Person, State, System, Waiting

Environment = Literal["verification", "production"]


def credential_id(org_number: str, dataset: str, party: str, environment: str) -> str:
    """Workflow id of a party's key for one data set in one environment."""
    return f"credential/{org_number}/{dataset}/{party}/{environment}"


class Rotation(BaseModel):
    """A change of a key that lives: the old secret lives until the new one has been fetched.

    `several` is whether the portal lets a key have several secrets; None until it was asked.
    Where it does not, a new secret ends the old one, and is made when the holder is there to
    fetch it. `is_over`: the old secrets are to end now. `next_reason`: another one follows.
    """

    reason: str
    since: datetime
    several: bool | None = None
    old_secrets: list[str] = Field(default_factory=list)
    is_holder_there: bool = False
    is_handler_told: bool = False
    is_over: bool = False
    next_reason: str | None = None


class CredentialState(State):
    """Everything about one credential. The secret itself is never here, only its offer's id.

    `fetched_at` is when the secret that lives was fetched; None while nobody holds one. A
    generation is one offer of one secret: an answer about an earlier one changes nothing.
    """

    type: str = "Credential"
    stage: str = "issuing"
    dataset_id: str = ""
    dataset_name: str = ""
    party: str = ""
    environment: Environment = "verification"
    apis: list[str] = Field(default_factory=list)
    system_account: str = ""
    holder: Person | None = None
    valid_until: datetime | None = None
    application_id: str | None = None
    former_id: str | None = None
    is_claimed: bool = True
    is_application_approved: bool = False
    is_subscribed: bool = False
    is_subscription_approved: bool = False
    is_key_pending: bool = False
    generation: int = 1
    key_mapping_id: str | None = None
    offer_id: str | None = None
    offered_to: Person | None = None
    offered_until: datetime | None = None
    is_offer_over: bool = False
    fetched_at: datetime | None = None
    rotation: Rotation | None = None
    is_halted: bool = False
    is_revoked_once: bool = False
    is_key_revoked: bool = False
    is_gone: bool = False

    def contact_for(self, role: Role) -> Person | None:
        """Return the holder for the roles of the party."""
        del role
        return self.holder

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return the person the key is offered to."""
        del waiting
        return self.holder

    def is_mine(self, actor: Actor) -> bool:
        """Whether the actor is the holder, for the delivering party."""
        mine = actor.organisation in {None, self.party}
        return mine and self.holder is not None and self.holder.is_actor(actor)

    @property
    def system(self) -> System:
        """The portal of the environment."""
        if self.environment == "verification":
            return System.PORTAL_VERIFICATION
        return System.PORTAL_PRODUCTION

    @property
    def is_settled(self) -> bool:
        """Whether its key lives, is held by somebody, and nothing is being done about it."""
        return self.stage == "live" and self.is_claimed and self.rotation is None


class Begin(Content):
    """What the permission says when it starts a credential.

    One that is adopted has an application already, and perhaps a key that was fetched.
    """

    owner: str
    org_number: str
    organisation_name: str
    case_number: str | None = None
    dataset_id: str
    dataset_name: str
    party: str
    environment: Environment
    apis: tuple[str, ...]
    system_account: str
    holder: Person
    valid_until: datetime | None = None
    application_id: str | None = None
    key_mapping_id: str | None = None
    fetched_at: datetime | None = None


class ApplicationClaimed(Content):
    """The adopted application carries our key, unless it is not there any more."""

    is_there: bool


class ApplicationCreated(Content):
    """The portal holds our application."""

    application_id: str
    approved: bool


class Subscribed(Content):
    """The application is subscribed to the producer's interfaces."""

    approved: bool


class KeyIssued(Content):
    """A key or a further secret of it has been made, sealed and offered.

    `offer_id` is None while the portal's own people have yet to approve the key.
    """

    key_mapping_id: str | None = None
    offer_id: str | None = None
    generation: int


class SecretsListed(Content):
    """What lives at the portal before a rotation; `several` is whether another may be added."""

    is_there: bool = True
    several: bool
    secrets: tuple[str, ...] = ()


class OfferCancelled(Content):
    """An offer that ran out has been withdrawn, unless it had been fetched in time."""

    already_fetched: bool


class PickedUp(Content):
    """The key has been fetched by the person it was offered to."""

    offer_id: str


def pickup_word(offer_id: str) -> dict[str, object]:
    """Return the word that tells a credential of it; whoever sends it, it is heard once."""
    return {
        "message_id": f"pickup#{offer_id}",
        "sender": "pickups",
        "what": "picked_up",
        "content": {"offer_id": offer_id},
    }


class Holder(Content):
    """The owner says who holds the key now."""

    holder: Person


class RotateTo(Content):
    """The key is to be changed and held by somebody from now on, and why.

    Without a holder whoever is named later gets the new one, as long as the old one lives.
    """

    holder: Person | None = None
    reason: str


class CancelOffersTo(Content):
    """A person has left: nothing may be fetched by that account any more."""

    account_id: str


class ValidUntil(Content):
    """The owner says until when the right lasts."""

    until: datetime | None = None


def is_same_person(one: Person | None, other: Person | None) -> bool:
    """Whether two descriptions are of one person: by account, else by e-mail address."""
    if one is None or other is None:
        return one is other
    if one.account_id and other.account_id:
        return one.account_id == other.account_id
    return one.email.casefold() == other.email.casefold()


def offer_anew(state: CredentialState) -> None:
    """Let another secret be made and offered; one that is being rotated lives on meanwhile."""
    state.generation += 1
    state.offer_id, state.offered_to, state.offered_until = None, None, None
    state.is_offer_over, state.is_key_pending = False, False
    if state.rotation is None:
        state.key_mapping_id, state.fetched_at = None, None


def offer(state: CredentialState, offer_id: str, moment: Moment) -> None:
    """Note that a secret is offered to the holder, and tell the holder."""
    state.offer_id, state.offered_to = offer_id, state.holder
    state.offered_until = moment.now + timedelta(days=moment.policy.key_offer_days)
    state.is_offer_over, state.is_key_pending = False, False
    template = "key_offered" if state.rotation is None else "new_key_offered"
    state.notify(template, state.holder, what=about(state) | {"offer_id": offer_id})


def about(state: CredentialState) -> dict[str, str]:
    """Return what a mail says of the key."""
    return {"environment": state.environment, "dataset": state.dataset_name}
