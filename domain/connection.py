"""Connection of one data set: under an agreement in force, until its first permission is active."""

from collections.abc import Callable, Iterator
from datetime import datetime

from domain import (
    adding,
    agreements,
    appeal,
    connection_changes,
    countersigning,
    decision,
    decision_on_request,
    enrolment,
    hearing,
    information_owner,
)
from domain.act import Actor, Refusal, Role, refuse
from domain.adopted import note_adoption
from domain.agreement_state import Enrol, agreement_id
from domain.case import (
    CHECK_COMPLETION,
    PART_ENDED,
    Review,
    everyday_timers,
    everyday_waits,
    is_running,
)
from domain.connection_changes import own_permission
from domain.connection_state import TAKES_AGENTS, Begin, ConnectionState
from domain.countersigning import AgreementRegistered
from domain.credential import End
from domain.datasets import Delivery
from domain.dates import midnight_after
from domain.everyday import EVERYDAY, unpark
from domain.key_holders import Contacts
from domain.machine import Content, Machine, Moment, Reaction, Step
from domain.notice import SOURCE as AGREEMENT
from domain.people import (
    PEOPLE,
    PersonLeft,
    contact_waits,
    people_wants,
    release_people,
    tell_contacts,
)
from domain.permission_state import DISCONNECT
from domain.person_state import KEY
from domain.policy import Policy
from domain.state import Part, Party, Timer, Wait, Want
from domain.text import Text

STAGES = (
    "intake",
    "supplement",
    "assessment",
    "countersigning",
    "connecting",
    "connected",
    "appeal_period",
    "ending",
    "ended",
)


class PermissionActive(Content):
    """A party's right to deliver is active."""

    ref: str


class NotConfirmed(Content):
    """The producer did not keep somebody at the yearly confirmation."""

    account_id: str


def begin(state: ConnectionState, content: Begin, moment: Moment) -> None:
    """Start as the onboarding's decision says: connecting, or in the appeal period. Once.

    One that was opened alone just before goes on as the onboarding's own, by its decision.
    """
    if state.owner is not None:
        return
    if state.is_ending:
        word = {"ref": state.workflow_id, "outcome": state.outcome}
        state.tell(content.owner, "part_ended", word)
        return
    state.owner, state.org_number = content.owner, content.org_number
    state.organisation, state.organisation_name = content.organisation, content.organisation.name
    state.case_number, state.handler = content.case_number, content.handler
    state.biased = [*state.biased, *content.biased]
    state.contact, state.deputy = content.contact, content.deputy
    state.dataset_id = content.dataset.declaration.dataset_id
    state.datasets = {state.dataset_id: content.dataset}
    state.decisions = [content.decision] if content.decision else []
    state.agreements, state.review, state.completion = {}, Review(), None
    state.unpark()
    state.opened_at = state.opened_at or moment.now
    state.adopted_delivery = content.delivery
    if content.adopted is not None:
        note_adoption(state, content.adopted, moment)
    decided = content.dataset.decision
    if content.decision is not None and decided is not None and not decided.granted:
        denial = content.decision.model_copy(update={"outcome": "denied"})
        appeal.begin_appeal(state, denial, moment)
        if content.appeal is not None and state.appeal is not None:
            state.appeal.document = content.appeal.document
            state.appeal.arrived_on = content.appeal.arrived_on
    else:
        state.stage = "connecting"


def _person_left(state: ConnectionState, content: PersonLeft, moment: Moment) -> None:
    information_owner.left(state, content)
    PEOPLE["person_left"].do(state, content, moment)


def _not_confirmed(state: ConnectionState, content: NotConfirmed, moment: Moment) -> None:
    """Somebody was not kept at the yearly confirmation: what that person knows is changed."""
    del moment
    own = own_permission(state)
    if own in state.parts and not state.parts[own].ended:
        state.tell(own, "person_left", {"account_id": content.account_id, "roles": [KEY]})


def _permission_active(state: ConnectionState, content: PermissionActive, moment: Moment) -> None:
    del moment
    if content.ref in state.parts and content.ref not in state.active:
        state.active.append(content.ref)


def _end(state: ConnectionState, content: End, moment: Moment) -> None:
    if state.opened_at is None:
        state.opened_at = moment.now
    if not state.is_ending:
        state.finish(content.outcome or "ended")


def _registered(state: ConnectionState, content: AgreementRegistered, moment: Moment) -> None:
    """The register holds what was signed; the agreement answers for it, whatever became of it."""
    countersigning.registered(state, content, moment)
    if state.stage != "countersigning":
        adding.tell_supplemented(state)


def _contacts(state: ConnectionState, content: Contacts, moment: Moment) -> None:
    del moment
    state.contact, state.deputy = content.holder, content.deputy


def _enrol(state: ConnectionState, payload: Enrol, actor: Actor, moment: Moment) -> None:
    del actor, moment
    known = state.parts.get(payload.ref)
    if known is None or known.ended:
        state.parts[payload.ref] = Part(ref=payload.ref, type=payload.type, item=payload.item)
        state.active = [ref for ref in state.active if ref != payload.ref]


def _enrol_refusal(
    state: ConnectionState, payload: Enrol, actor: Actor, moment: Moment
) -> Refusal | None:
    del payload, actor, moment
    if state.is_opened and (state.stage in TAKES_AGENTS or state.before is not None):
        return None
    return refuse(
        "dataset_not_ready",
        "Datamängden är inte så långt kommen att någon kan leverera den.",
        "The data set is not so far that anybody could deliver it.",
    )


def _begin_own_permission(state: ConnectionState, policy: Policy) -> None:
    """Start the producer's own permission, once: one that has ended is not begun again here."""
    declaration = state.declaration
    ref, holder = own_permission(state), state.acting
    if declaration.delivery is Delivery.AGENT or holder is None or state.is_own_begun:
        return
    if ref in state.parts and not state.parts[ref].ended:
        return  # the one before is still ending
    state.is_own_begun = True
    known = policy.datasets[state.dataset_id]
    content = {
        "owner": state.workflow_id,
        "org_number": state.org_number,
        "organisation_name": state.organisation_name,
        "case_number": state.number or state.case_number,
        "dataset_id": state.dataset_id,
        "dataset_name": known.name,
        "party": state.org_number,
        "party_name": state.organisation_name,
        "holder": holder.model_dump(mode="json"),
        "deputy": state.deputy.model_dump(mode="json") if state.deputy else None,
        "hosting": declaration.hosting,
        "base_url": declaration.base_url,
        "apis": list(known.apis),
        "accepts_by_itself": known.accepts_test_delivery_by_itself,
    }
    if limits := _limits(state):
        content["limits"] = {source: at.isoformat() for source, at in limits.items()}
    state.active = [each for each in state.active if each != ref]
    if state.adopted_delivery is not None:
        content["delivery"] = state.adopted_delivery.model_dump(mode="json")
        state.adopted_delivery = None
    state.begin_part(ref, "Permission", content, state.org_number)


def _limits(state: ConnectionState) -> dict[str, datetime]:
    """Return the ends that are known before the own permission is begun, by their sources."""
    found = {}
    if state.last_day is not None:
        found[DISCONNECT] = midnight_after(state.last_day)
    if state.agreement_until is not None:
        found[AGREEMENT] = state.agreement_until
    return found


def _last_day_over(state: ConnectionState, moment: Moment) -> None:
    del moment
    state.finish("disconnected")


def progress(state: ConnectionState, moment: Moment) -> None:
    """Follow the facts towards a connected data set, or to the end."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "intake":
        if state.standing is not None and adding.may_go_on(state):
            adding.examine(state, moment)
    elif state.stage == "supplement":
        adding.progress_supplement(state, moment)
    elif state.stage == "countersigning":
        if adding.is_countersigned(state):
            adding.settle_grant(state, moment)
            state.stage = "connected" if state.active else "connecting"
    elif state.stage in TAKES_AGENTS:
        _progress_delivering(state, moment)
    elif state.stage == "ending":
        _progress_ending(state)
    if not state.is_ending:
        tell_contacts(state, [own_permission(state)])


def _progress_delivering(state: ConnectionState, moment: Moment) -> None:
    state.active = [ref for ref in state.active if not state.parts[ref].ended]
    if state.is_enrolled:
        _begin_own_permission(state, moment.policy)
        if not state.is_ready_told:
            state.is_ready_told = True
            word = {"dataset_id": state.dataset_id}
            state.tell(agreement_id(state.org_number), "dataset_ready", word)
    if not state.active:
        state.stage = "connecting"
    elif state.stage == "connecting":
        state.stage = "connected"
        if not state.has_been_connected:
            state.has_been_connected = True
            _tell_owner(state, "dataset_connected")
            if state.is_alone:
                state.notify("connected", state.acting, Role.CASE_HANDLER)


def _progress_ending(state: ConnectionState) -> None:
    state.end_parts({"outcome": state.outcome})
    if any(state.open_parts()) or adding.is_registering(state):
        return
    release_people(state)
    information_owner.let_go(state)
    state.stage = "ended"
    pending = state.appeal if state.appeal and state.appeal.document else None
    appealed = {"appeal": pending.model_dump(mode="json")} if pending else {}
    _tell_owner(state, "part_ended", **appealed)
    enrolment.leave(state)


def _tell_owner(state: ConnectionState, what: str, **more: object) -> None:
    if state.owner:
        word = {"ref": state.workflow_id, "outcome": state.outcome, **more}
        state.tell(state.owner, what, word)


def wants(state: ConnectionState) -> Iterator[Want]:
    """Yield accounts of new people, and the enrolment at the agreement before anything outside."""
    if state.is_opened and state.is_case:
        yield from people_wants(state)
    yield from enrolment.enrolling_wants(state)
    yield from adding.adding_wants(state)
    yield from information_owner.owner_wants(state)


def waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield on whom the connection waits; a permission's waits are its own."""
    if not state.is_opened or state.is_ended:
        return
    if (everyday := everyday_waits(state)) is not None and state.is_case:
        yield from everyday
        if everyday[0].rule != CHECK_COMPLETION:
            yield from decision_on_request.on_request_waits(state)
            return
    for wait in WAITS.get(state.stage, ()):
        yield from wait(state)
    yield from decision.decision_waits(state)
    yield from decision_on_request.on_request_waits(state)
    if state.is_case and (state.is_enrolled or state.owner is not None):
        yield from contact_waits(state)


def _connected_waits(state: ConnectionState) -> Iterator[Wait]:
    yield from information_owner.owner_waits(state)
    yield from adding.registering_waits(state)
    yield Wait(on=Party.NOBODY, rule="connected", due=state.last_day)


def _connecting_waits(state: ConnectionState) -> Iterator[Wait]:
    if state.is_agreement_missing:
        yield Wait(on=Party.SIGNATORY, rule="countersign")
    elif state.is_enrolled and not any(state.open_parts()):
        yield Wait(on=Party.PRODUCER, rule="name_agent")


WAITS: dict[str, tuple[Callable[[ConnectionState], Iterator[Wait]], ...]] = {
    "intake": (adding.intake_waits,),
    "supplement": (adding.supplement_waits,),
    "appeal_period": (appeal.appeal_waits,),
    "countersigning": (adding.countersigning_waits,),
    "connecting": (_connecting_waits,),
    "connected": (_connected_waits,),
    "ending": (adding.registering_waits,),
}


def timers(state: ConnectionState, policy: Policy) -> Iterator[Timer]:
    """Yield what happens by itself."""
    if state.is_ending:
        return
    yield from everyday_timers(state, policy)
    yield from hearing.hearing_timers(state, policy)
    yield from appeal.appeal_timers(state, policy)
    if state.last_day is not None:
        at = midnight_after(state.last_day)
        yield Timer(name="last_day_over", at=at, rule=DISCONNECT)


STEPS: tuple[Step[ConnectionState], ...] = (
    *agreements.STEPS,
    *countersigning.STEPS,
    *decision.STEPS,
    *decision_on_request.STEPS,
    *appeal.STEPS,
    *connection_changes.STEPS,
    Step(
        name="enrol",
        payload=Enrol,
        who=frozenset({Role.SYSTEM}),
        is_open=is_running,
        check=_enrol_refusal,
        do=_enrol,
        help=Text(sv="Skriv in en behörighet.", en="Enrol a permission at the data set."),
    ),
    *EVERYDAY,
)

MACHINE: Machine[ConnectionState] = Machine(
    name="DatasetConnection",
    state=ConnectionState,
    stages=STAGES,
    opening=adding.OPENING,
    steps=STEPS,
    reactions={
        **PEOPLE,
        **agreements.REACTIONS,
        **countersigning.REACTIONS,
        "agreement_registered": Reaction(payload=AgreementRegistered, do=_registered),
        "begin": Reaction(payload=Begin, do=begin),
        **enrolment.REACTIONS,
        "owner_looked_up": Reaction(
            payload=information_owner.OwnerLookedUp, do=information_owner.looked_up
        ),
        "person_left": Reaction(payload=PersonLeft, do=_person_left),
        "not_confirmed": Reaction(payload=NotConfirmed, do=_not_confirmed),
        "permission_active": Reaction(payload=PermissionActive, do=_permission_active),
        "contacts": Reaction(payload=Contacts, do=_contacts),
        "part_ended": PART_ENDED,
        "end": Reaction(payload=End, do=_end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={
        "unpark": unpark,
        "hearing_over": hearing.hearing_over,
        "legal_force": appeal.legal_force,
        "last_day_over": _last_day_over,
    },
    draws_number=lambda state: state.is_alone,
)
