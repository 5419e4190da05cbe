"""Changes to a connected data set: its contacts, declaration, delivery, and its last day."""

from typing import Self

from pydantic import model_validator

from domain import adding
from domain.act import CONTACT, Actor, Refusal, refuse
from domain.connection_state import ConnectionState
from domain.datasets import (
    Declaration,
    Delivery,
    Hosting,
    InformationOwner,
    PersonalData,
    categories_missing,
)
from domain.dates import midnight_after
from domain.everyday import not_in_past
from domain.fields import Day, Email, FreeText, HttpsUrl
from domain.machine import Moment, Payload, Step
from domain.permission_state import DISCONNECT, permission_id
from domain.text import Text


class UpdateContacts(Payload):
    """Who answers for the data set's content, and for questions about it."""

    information_owner: InformationOwner
    support_email: Email


class ChangeDeclaration(Payload):
    """What personal data the data set holds from now on."""

    personal_data: PersonalData
    a3: tuple[FreeText, ...] = ()
    a4: tuple[FreeText, ...] = ()

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.personal_data is PersonalData.DECLARED and not (self.a3 and self.a4):
            raise categories_missing()
        return self


class ChangeDelivery(Payload):
    """Who delivers from now on; hosting where the producer begins to deliver itself."""

    delivery: Delivery
    hosting: Hosting | None = None
    base_url: HttpsUrl | None = None


class Disconnect(Payload):
    """The last day of delivery, and why."""

    last_day: Day
    reason: FreeText = ""


def own_permission(state: ConnectionState) -> str:
    """Return the ref of the producer's own permission."""
    return permission_id(state.org_number, state.dataset_id, state.org_number)


def _declare(state: ConnectionState, **changes: object) -> None:
    state.dataset.declaration = state.declaration.model_copy(update=changes)


def _update_contacts(
    state: ConnectionState, payload: UpdateContacts, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    _declare(state, **dict(payload))
    state.is_owner_gone = False


def _change_declaration(
    state: ConnectionState, payload: ChangeDeclaration, actor: Actor, moment: Moment
) -> None:
    state.before = state.dataset.model_copy(deep=True)
    state.begin_round(actor.arrival_date or moment.today)
    state.agreements = {}  # what an earlier round has signed is the agreement's
    _declare(state, **dict(payload))
    if not state.difference and state.is_decided(moment.policy):
        adding.settle_grant(state, moment)  # nothing new: it holds at once
        return
    adding.examine(state, moment)


def _change_refusal(
    state: ConnectionState, payload: ChangeDeclaration, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    if adding.is_registering(state):
        return refuse(
            "being_registered",
            "Tillägget som båda har undertecknat registreras ännu. Försök igen när det är klart.",
            "The supplement that both have signed is still being registered. Try again after that.",
            "personal_data",
        )
    if payload.personal_data is PersonalData.UNKNOWN:
        return refuse(
            "unknown_is_no_change",
            "Ange om datamängden innehåller personuppgifter: declared eller none.",
            "Say whether the data set holds personal data: declared or none.",
            "personal_data",
        )
    declaration = state.declaration
    if dict(payload).items() <= dict(declaration).items():
        return refuse(
            "no_change",
            "Det är redan så datamängden är beskriven.",
            "That is how the data set is declared already.",
            "personal_data",
        )
    return None


def _change_delivery(
    state: ConnectionState, payload: ChangeDelivery, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    hosting = {"hosting": payload.hosting, "base_url": payload.base_url} if payload.hosting else {}
    _declare(state, delivery=payload.delivery, **hosting)
    own = state.parts.get(own_permission(state))
    if payload.delivery is not Delivery.AGENT:
        state.is_own_begun = own is not None and not own.ended and not own.told_to_end
    elif own is not None and not own.ended and not own.told_to_end:
        own.told_to_end = True
        state.tell(own.ref, "end", {"outcome": "delivery_changed"})


def _delivery_refusal(
    state: ConnectionState, payload: ChangeDelivery, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    changed: dict[str, object] = {"delivery": payload.delivery}
    changed |= {"hosting": payload.hosting, "base_url": payload.base_url} if payload.hosting else {}
    declaration: Declaration = state.declaration.model_copy(update=changed)
    if declaration.delivery is Delivery.AGENT:
        return None
    if declaration.hosting is None:
        return refuse(
            "hosting_missing",
            "Ange var data ska ligga (hosting): data_host eller own_api.",
            "Say where the data will lie (hosting): data_host or own_api.",
            "hosting",
        )
    if declaration.hosting is Hosting.OWN_API and declaration.base_url is None:
        return refuse(
            "base_url_missing",
            "Ange adressen till ert API (base_url), den ska börja med https://.",
            "Give the address of your API (base_url), beginning with https://.",
            "base_url",
        )
    return None


def _disconnect(state: ConnectionState, payload: Disconnect, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.last_day = payload.last_day
    until = midnight_after(payload.last_day).isoformat()
    for part in state.open_parts():
        state.tell(part.ref, "valid_until", {"source": DISCONNECT, "until": until})


def _disconnect_refusal(
    state: ConnectionState, payload: Disconnect, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    if payload.last_day == moment.today:
        return None
    return not_in_past(payload.last_day, moment, "last_day")


def _is_connected(state: ConnectionState, moment: Moment) -> bool:
    del moment
    return state.stage == "connected"


def _delivers(state: ConnectionState, moment: Moment) -> bool:
    del moment
    return state.stage == "connected" or (state.stage == "connecting" and state.has_been_connected)


STEPS: tuple[Step[ConnectionState], ...] = (
    Step(
        name="update_contacts",
        payload=UpdateContacts,
        who=CONTACT,
        is_open=_is_connected,
        do=_update_contacts,
        help=Text(
            sv="Ändra informationsägare och support.", en="Change information owner and support."
        ),
    ),
    Step(
        name="change_declaration",
        payload=ChangeDeclaration,
        who=CONTACT,
        is_open=_is_connected,
        check=_change_refusal,
        do=_change_declaration,
        help=Text(
            sv="Ändra vilka personuppgifter datamängden innehåller.",
            en="Change which personal data the data set holds.",
        ),
    ),
    Step(
        name="change_delivery",
        payload=ChangeDelivery,
        who=CONTACT,
        is_open=_delivers,
        check=_delivery_refusal,
        do=_change_delivery,
        help=Text(sv="Ändra vem som levererar.", en="Change who delivers."),
    ),
    Step(
        name="disconnect",
        payload=Disconnect,
        who=CONTACT,
        is_open=_delivers,
        check=_disconnect_refusal,
        do=_disconnect,
        help=Text(
            sv="Avsluta leveransen efter en sista dag.", en="End the delivery after a last day."
        ),
    ),
)
