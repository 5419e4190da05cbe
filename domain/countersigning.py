"""Accepted agreements: countersigned for Lantmäteriet, then held by the agreement register."""

from collections.abc import Iterator

from domain.act import SIGNATORY, Actor, Refusal, Role, refuse
from domain.case import CaseState, Kind
from domain.everyday import Reason
from domain.fields import Day
from domain.machine import Content, Moment, Payload, Reaction, Step
from domain.state import Party, System, Wait, Want
from domain.text import Text


class CountersignAgreement(Payload):
    """Lantmäteriet's signature; `signed` is the id of the stored document."""

    kind: Kind
    signed: str | None = None
    valid_from: Day | None = None


class AgreementRegistered(Content):
    """The agreement system holds the agreement."""

    kind: Kind


def _countersign(
    state: CaseState, payload: CountersignAgreement, actor: Actor, moment: Moment
) -> None:
    del actor
    agreement = state.agreements[payload.kind]
    agreement.countersigned_at = moment.now
    agreement.countersigned_document = payload.signed
    agreement.valid_from = payload.valid_from or moment.today


def _countersign_refusal(
    state: CaseState, payload: CountersignAgreement, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    if payload.valid_from is not None and payload.valid_from > moment.today:
        return refuse(
            "in_the_future",
            "Avtalet gäller från underskriften: valid_from kan inte ligga längre fram.",
            "The agreement is in force from the signature: valid_from cannot be later.",
            "valid_from",
        )
    agreement = state.agreements.get(payload.kind)
    if agreement is None or agreement.countersigned_at is not None:
        return refuse(
            "nothing_to_countersign",
            f"Det finns inget avtal {payload.kind} som väntar på underskrift.",
            f"There is no agreement {payload.kind} waiting for a signature.",
            "kind",
        )
    return None


def _refuse_countersigning(state: CaseState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.review.proposal, state.review.hearing = None, None
    state.review.sent_back_because = payload.reason
    for agreement in state.agreements.values():
        agreement.countersigned_at = None
    state.stage = state.examining_stage
    what = {"reason": payload.reason}
    state.notify("countersigning_refused", state.acting, Role.CASE_HANDLER, what=what)


def registered(state: CaseState, content: AgreementRegistered, moment: Moment) -> None:
    """Note that the register holds an agreement."""
    agreement = state.agreements.get(content.kind)
    if agreement is not None:  # else what it was for was withdrawn meanwhile
        agreement.registered_at = moment.now


def registering_wants(state: CaseState) -> Iterator[Want]:
    """Yield the registration of each agreement once all have been countersigned."""
    if all(agreement.countersigned_at for agreement in state.agreements.values()):
        for kind, agreement in state.agreements.items():
            if agreement.registered_at is None:
                yield Want(
                    operation="register_agreement", system=System.AGREEMENT_REGISTER, item=kind
                )


def countersigning_waits(state: CaseState) -> Iterator[Wait]:
    """Yield the signatory for each agreement, or the register when all have been signed."""
    for kind, agreement in state.agreements.items():
        if agreement.countersigned_at is None:
            yield Wait(on=Party.SIGNATORY, rule="countersign", item=kind)


def _can_countersign(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.stage == "countersigning" and any(countersigning_waits(state))


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="countersign_agreement",
        payload=CountersignAgreement,
        who=SIGNATORY,
        is_open=_can_countersign,
        check=_countersign_refusal,
        do=_countersign,
        help=Text(sv="Underteckna för Lantmäteriet.", en="Sign for Lantmäteriet."),
    ),
    Step(
        name="refuse_countersigning",
        payload=Reason,
        who=SIGNATORY,
        is_open=_can_countersign,
        do=_refuse_countersigning,
        help=Text(sv="Avstå från att underteckna.", en="Decline to sign."),
    ),
)

REACTIONS: dict[str, Reaction[CaseState]] = {
    "agreement_registered": Reaction(payload=AgreementRegistered, do=registered),
}
