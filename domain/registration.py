"""What the agreement register holds of an agreement in force: found, compared, and followed.

The register knows an agreement by the key of whoever registered it. What was registered before
this system, or by hand since, has another key than ours would be: it is looked up, so that
supplements and the end reach it.
"""

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict

from domain.act import HANDLER, Actor, Role
from domain.agreement_state import AgreementState, RegisterDiffers, tell_covered
from domain.case import Agreement, Kind
from domain.everyday import Reason
from domain.machine import Content, Moment, Reaction, Step
from domain.state import System, Want
from domain.text import Text


class Registration(BaseModel):
    """An agreement that is in force in the register, under its key there."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    key: str
    document: str
    valid_from: date


class RegistrationsFound(Content):
    """All that is in force in the register for the producer, one of each kind."""

    registrations: tuple[Registration, ...] = ()


class RegisterAgrees(Content):
    """The register holds a kind of the agreement as it stands here again."""

    kind: Kind


def _found(state: AgreementState, content: RegistrationsFound, moment: Moment) -> None:
    """Take keys and validity over, and kinds that were not known here."""
    del moment
    state.is_registration_sought = False
    before = state.processing
    for each in content.registrations:
        known = state.agreements.get(each.kind) or Agreement(kind=each.kind, document=each.document)
        state.agreements[each.kind] = known.model_copy(
            update={"registration": each.key, "valid_from": each.valid_from}
        )
        state.register_findings.pop(each.kind, None)
    if state.processing != before:
        tell_covered(state)


def _differs(state: AgreementState, content: RegisterDiffers, moment: Moment) -> None:
    del moment
    if state.register_findings.get(content.kind) != content:
        what = content.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
        state.notify("register_differs", Role.CASE_HANDLER, what={"item": content.kind, **what})
    state.register_findings[content.kind] = content


def _agrees(state: AgreementState, content: RegisterAgrees, moment: Moment) -> None:
    """Somebody has mended the register, perhaps under another key."""
    del moment
    state.register_findings.pop(content.kind, None)
    state.is_registration_sought = True


def _follow(state: AgreementState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del payload, actor, moment  # who and why stand in the journal
    state.is_registration_sought = True


def _has_findings(state: AgreementState, moment: Moment) -> bool:
    del moment
    return bool(state.register_findings) and not (state.is_ending or state.is_registration_sought)


def registration_wants(state: AgreementState) -> Iterator[Want]:
    """Yield the look-up of what the register holds."""
    if state.is_registration_sought:
        yield Want(operation="find_registrations", system=System.AGREEMENT_REGISTER)


FOLLOW_REGISTER: Step[AgreementState] = Step(
    name="follow_register",
    payload=Reason,
    who=HANDLER,
    is_open=_has_findings,
    do=_follow,
    by_post=False,
    help=Text(
        sv="Låt avtalsregistret gälla: ta över avtalets nyckel och giltighet därifrån.",
        en="Let the agreement register be right: take over the agreement's key and validity.",
    ),
)
REACTIONS: dict[str, Reaction[AgreementState]] = {
    "registrations_found": Reaction(payload=RegistrationsFound, do=_found),
    "register_differs": Reaction(payload=RegisterDiffers, do=_differs),
    "register_agrees": Reaction(payload=RegisterAgrees, do=_agrees),
}
