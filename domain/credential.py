"""A credential: one application, one subscription and one living key at one portal."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Role
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, Reason
from domain.machine import Content, Machine, Moment, NoPayload, Reaction, Step
from domain.policy import Policy
from domain.state import Party, Person, State, System, Timer, Wait, Waiting, Want
from domain.text import Text

Environment = Literal["verification", "production"]
STAGES = ("issuing", "awaiting_approval", "offered", "live", "ending", "ended")


def credential_id(org_number: str, dataset: str, party: str, environment: str) -> str:
    """Workflow id of a party's key for one data set in one environment."""
    return f"credential/{org_number}/{dataset}/{party}/{environment}"


class CredentialState(State):
    """Everything about one credential. The secret itself is never here, only its offer's id."""

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
    is_application_approved: bool = False
    is_subscribed: bool = False
    is_subscription_approved: bool = False
    generation: int = 1
    key_mapping_id: str | None = None
    offer_id: str | None = None
    offered_until: datetime | None = None
    is_offer_over: bool = False
    fetched_at: datetime | None = None
    is_halted: bool = False
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


class Begin(Content):
    """What the permission says when it starts a credential."""

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


class ApplicationCreated(Content):
    """The portal holds our application."""

    application_id: str
    approved: bool


class Subscribed(Content):
    """The application is subscribed to the producer's interfaces."""

    approved: bool


class KeyIssued(Content):
    """A key has been generated, its secret sealed and offered."""

    key_mapping_id: str
    offer_id: str
    generation: int


class OfferCancelled(Content):
    """An offer that ran out has been withdrawn, unless it had been fetched in time."""

    already_fetched: bool


class PickedUp(Content):
    """The key has been fetched by the person it was offered to."""

    offer_id: str


class End(Content):
    """The owner says that the right has ended."""

    outcome: str | None = None


class Holder(Content):
    """The owner says who holds the key now."""

    holder: Person


class ValidUntil(Content):
    """The owner says until when the right lasts."""

    until: datetime | None = None


def begin(state: CredentialState, content: Begin, moment: Moment) -> None:
    """Take what the permission gave, once."""
    if state.owner is not None:
        return
    for name in content.model_fields_set:
        value = getattr(content, name)
        setattr(state, name, list(value) if name == "apis" else value)
    state.opened_at = moment.now


def _created(state: CredentialState, content: ApplicationCreated, moment: Moment) -> None:
    del moment
    state.application_id = content.application_id
    state.is_application_approved = content.approved


def _subscribed(state: CredentialState, content: Subscribed, moment: Moment) -> None:
    del moment
    state.is_subscribed = True
    state.is_subscription_approved = content.approved


def _issued(state: CredentialState, content: KeyIssued, moment: Moment) -> None:
    if content.generation != state.generation:
        return  # issued again meanwhile: a key of the new generation is wanted
    state.key_mapping_id = content.key_mapping_id
    if state.is_ending:
        return
    state.offer_id = content.offer_id
    state.offered_until = moment.now + timedelta(days=moment.policy.key_offer_days)
    state.is_offer_over = False
    what = {
        "offer_id": content.offer_id,
        "environment": state.environment,
        "dataset": state.dataset_name,
    }
    state.notify("key_offered", state.holder, what=what)


def _picked_up(state: CredentialState, content: PickedUp, moment: Moment) -> None:
    if content.offer_id == state.offer_id and state.fetched_at is None:
        state.fetched_at = moment.now
        if state.owner:
            word = {"environment": state.environment, "ref": state.workflow_id}
            state.tell(state.owner, "key_live", word)


def _offer_over(state: CredentialState, moment: Moment) -> None:
    del moment
    state.is_offer_over = True


def _cancelled(state: CredentialState, content: OfferCancelled, moment: Moment) -> None:
    if not state.is_offer_over:
        return  # revoked or issued again meanwhile
    state.is_offer_over = False
    if content.already_fetched and state.offer_id is not None:
        _picked_up(state, PickedUp(offer_id=state.offer_id), moment)
    else:
        _issue_again(state)


def _issue_again(state: CredentialState) -> None:
    state.generation += 1
    state.key_mapping_id, state.offer_id, state.offered_until = None, None, None
    state.fetched_at, state.is_offer_over = None, False
    state.is_halted, state.is_key_revoked = False, False


def _rotate(state: CredentialState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    _issue_again(state)


def _rotation_due(state: CredentialState, moment: Moment) -> None:
    del moment
    _issue_again(state)


def _revoke_key(state: CredentialState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    state.is_halted, state.is_offer_over = True, False
    state.offer_id, state.offered_until, state.fetched_at = None, None, None


def _reissue(state: CredentialState, payload: NoPayload, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment
    _issue_again(state)


def _key_revoked(state: CredentialState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_key_revoked = True
    state.key_mapping_id = None


def _end(state: CredentialState, content: End, moment: Moment) -> None:
    if not state.is_opened:  # a closed one is started again to be revoked: all it has is its id
        state.opened_at = moment.now
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


def _holder(state: CredentialState, content: Holder, moment: Moment) -> None:
    del moment
    before, state.holder = state.holder, content.holder
    if state.stage == "offered" and before is not None:
        was, now = (each.account_id or each.email.casefold() for each in (before, state.holder))
        if was != now:  # an offer is to one named person
            _issue_again(state)


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
        return
    if state.fetched_at is not None:
        state.stage = "live"
    elif state.offer_id is not None:
        state.stage = "offered"
    elif _is_awaiting_approval(state):
        state.stage = "awaiting_approval"
    else:
        state.stage = "issuing"


def _is_awaiting_approval(state: CredentialState) -> bool:
    application = state.application_id is not None and not state.is_application_approved
    return application or (state.is_subscribed and not state.is_subscription_approved)


def wants(state: CredentialState) -> Iterator[Want]:
    """Yield the one thing to be done at the portal next."""
    operation = _next_operation(state)
    if operation is not None:
        system = System.RECORDS if operation == "cancel_offer" else state.system
        yield Want(operation=operation, system=system)


def _next_operation(state: CredentialState) -> str | None:
    if not state.is_opened or state.is_ended:
        return None
    if state.stage == "ending":
        return None if state.is_gone or state.look_again_at else "remove_application"
    if state.is_halted:
        return None if state.is_key_revoked else "revoke_keys"
    if state.is_offer_over:
        return "cancel_offer"
    return _next_in_issuing(state)


def _next_in_issuing(state: CredentialState) -> str | None:
    if state.application_id is None:
        return "create_application"
    if not state.is_application_approved:
        return "await_application"
    if not state.is_subscription_approved:
        return "await_subscription" if state.is_subscribed else "subscribe"
    return "issue_key" if state.key_mapping_id is None else None


def waits(state: CredentialState) -> Iterator[Wait]:
    """Yield on whom the credential waits."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "offered":
        party = Party.PRODUCER if state.party == state.org_number else Party.AGENT
        yield Wait(on=party, rule="fetch_key", item=state.environment)
    elif state.is_halted and state.is_key_revoked:
        yield Wait(on=Party.CASE_HANDLER, rule="reissue", item=state.environment)
    elif state.stage != "live":
        rule = "portal_approval" if state.stage == "awaiting_approval" else "provision_key"
        rule = "revoke_key" if state.stage == "ending" else rule
        yield Wait(on=Party.API_PORTAL, rule=rule, item=state.environment)
    else:
        yield Wait(on=Party.NOBODY, rule="live", item=state.environment)


def timers(state: CredentialState, policy: Policy) -> Iterator[Timer]:
    """Yield the end of the right, of the offer and of the key's year."""
    if state.is_ending:
        return
    if state.valid_until is not None:
        yield Timer(name="expired", at=state.valid_until, rule="valid_until")
    if state.stage == "offered" and state.offered_until is not None and not state.is_offer_over:
        yield Timer(name="offer_over", at=state.offered_until, rule="key_offer")
    if state.stage == "live" and state.fetched_at is not None:
        at = state.fetched_at + timedelta(days=policy.key_rotation_days)
        yield Timer(name="rotation_due", at=at, rule="key_rotation")


def _has_key(state: CredentialState, moment: Moment) -> bool:
    del moment
    return state.stage in {"offered", "live"}


def _is_live(state: CredentialState, moment: Moment) -> bool:
    del moment
    return state.stage == "live"


def _can_reissue(state: CredentialState, moment: Moment) -> bool:
    del moment
    return state.stage == "offered" or (state.is_halted and state.is_key_revoked)


HOLDER = CONTACT | frozenset({Role.AGENT_CONTACT})
STEPS: tuple[Step[CredentialState], ...] = (
    Step(
        name="rotate",
        payload=NoPayload,
        who=HOLDER | HANDLER,
        is_open=_is_live,
        do=_rotate,
        help=Text(sv="Byt nyckel.", en="Change the key."),
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
        "application_created": Reaction(payload=ApplicationCreated, do=_created),
        "subscribed": Reaction(payload=Subscribed, do=_subscribed),
        "key_issued": Reaction(payload=KeyIssued, do=_issued),
        "offer_cancelled": Reaction(payload=OfferCancelled, do=_cancelled),
        "picked_up": Reaction(payload=PickedUp, do=_picked_up),
        "keys_revoked": Reaction(payload=Content, do=_key_revoked),
        "application_gone": Reaction(payload=Content, do=_gone),
        "holder": Reaction(payload=Holder, do=_holder),
        "valid_until": Reaction(payload=ValidUntil, do=_valid_until),
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "expired": _expired,
        "offer_over": _offer_over,
        "rotation_due": _rotation_due,
    },
)
