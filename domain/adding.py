"""A data set alone, under an agreement in force: what is lacking, and only that, is asked for.

A supplement opens when the signed agreements do not cover what is declared; an assessment when no
decision in force covers it. A changed declaration of a connected data set goes the same way.
"""

from collections.abc import Iterator

from pydantic import Field

from domain import agreements
from domain.act import CONTACT, HANDLER, Actor, Refusal, Role
from domain.agreement_state import Standing, covered_by
from domain.case import Agreement, Kind
from domain.connection_state import ConnectionState
from domain.datasets import Dataset, Declaration, PersonalData, declaration_problems
from domain.fields import OrgNumberField
from domain.machine import Moment, Payload, Step, not_opened
from domain.onboarding import agreement_id
from domain.state import Party, System, Wait, Want
from domain.text import Text

REGISTER = System.AGREEMENT_REGISTER


class AddingOrganisation(Payload):
    """The producer that adds a data set."""

    org_number: OrgNumberField


class DatasetApplication(Payload):
    """A further data set under the producer's agreement; everything about it, given once."""

    organisation: AddingOrganisation
    datasets: tuple[Declaration, ...] = Field(min_length=1, max_length=1)


def _open(
    state: ConnectionState, payload: DatasetApplication, actor: Actor, moment: Moment
) -> None:
    declaration = payload.datasets[0]
    state.org_number = payload.organisation.org_number
    state.organisation.org_number = state.org_number
    state.dataset_id = declaration.dataset_id
    state.datasets = {state.dataset_id: Dataset(declaration=declaration)}
    state.opened_by, state.is_by_authority = actor.subject, actor.role is Role.CASE_HANDLER
    state.opened_at = moment.now
    if state.is_by_authority:
        state.handler = actor.subject


def _open_refusal(
    state: ConnectionState, payload: DatasetApplication, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    problems = declaration_problems(payload.datasets, moment.policy, None)
    if not problems:
        return None
    return Refusal(code=problems[0].code, text=problems[0].text, field=problems[0].field)


def take_standing(state: ConnectionState, standing: Standing, moment: Moment) -> None:
    """Take what the agreement says; whoever may not add a data set under it is turned away."""
    state.standing = standing
    state.contact, state.deputy = standing.contact, standing.deputy
    state.organisation_name = standing.organisation_name
    if standing.organisation is not None:
        state.organisation = standing.organisation
    people = [person for _, person in state.people()]
    actor = Actor(subject=state.opened_by or "?", name="-", role=Role.PRODUCER_CONTACT)
    problems = declaration_problems((state.declaration,), moment.policy, state.organisation.kind)
    if problems or not (state.is_by_authority or any(p.is_actor(actor) for p in people)):
        state.notify("dataset_refused", state.acting, Role.CASE_HANDLER)
        state.finish("refused")
        return
    what = {"item": moment.policy.datasets[state.dataset_id].name}
    state.notify("dataset_acknowledgement", state.acting, what=what)
    state.notify("new_dataset", Role.CASE_HANDLER, what=what)


def is_undescribed(state: ConnectionState) -> bool:
    """Whether it is not known yet if the data set holds personal data."""
    return state.declaration.personal_data is PersonalData.UNKNOWN


def examine(state: ConnectionState, moment: Moment) -> None:
    """Ask for what is lacking: a supplement, an assessment, or nothing."""
    if state.difference:
        state.stage = "supplement"
        state.agreements = {Kind.PROCESSING: Agreement(kind=Kind.PROCESSING)}
        state.notify("supplement_open", state.acting, what={"item": _said(state)})
    elif not state.is_decided(moment.policy):
        state.stage = "assessment"
    else:
        state.stage = "countersigning"


def _said(state: ConnectionState) -> str:
    difference = state.difference.items()
    return "; ".join(f"{which.upper()}: {', '.join(lacking)}" for which, lacking in difference)


def progress_supplement(state: ConnectionState, moment: Moment) -> None:
    """Go on when the supplement has been accepted, or is no longer needed."""
    if is_undescribed(state):
        return
    if not state.difference:
        state.agreements = {}
    if agreements.all_accepted_of(state):
        is_decided = state.is_decided(moment.policy)
        state.stage = "countersigning" if is_decided else "assessment"


def is_countersigned(state: ConnectionState) -> bool:
    """Whether nothing is left to be signed and registered."""
    return all(each.registered_at for each in state.agreements.values())


def settle_grant(state: ConnectionState, moment: Moment) -> None:
    """A grant is whole: the agreement learns what is covered from now on."""
    agreement = agreement_id(state.org_number)
    for each in state.agreements.values():
        state.tell(agreement, "supplemented", {"agreement": each.model_dump(mode="json")})
    decided_on = state.decisions[-1].decided_on if state.decisions else moment.today
    covered = covered_by(state.declaration, moment.policy, decided_on)
    state.tell(agreement, "granted", {"covered": covered.model_dump(mode="json")})
    if state.standing is not None:
        state.standing = state.standing.model_copy(
            update={
                "a3": tuple(dict.fromkeys((*state.standing.a3, *state.declaration.a3))),
                "a4": tuple(dict.fromkeys((*state.standing.a4, *state.declaration.a4))),
                "granted": {**state.standing.granted, state.dataset_id: covered},
            }
        )
    state.appeal, state.before = None, None


def intake_waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield the producer while it is not known whether there are personal data."""
    if is_undescribed(state):
        yield Wait(on=Party.PRODUCER, rule="describe_dataset", item=state.dataset_id)


def supplement_waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield who must act before the supplement has been accepted."""
    yield from intake_waits(state)
    yield from agreements.agreement_waits(state)


def countersigning_waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield the signatory, then the register."""
    yield from agreements.countersigning_waits(state)
    if any(want.system is REGISTER for want in agreements.registering_wants(state)):
        yield Wait(on=Party.AGREEMENT_REGISTER, rule="register_agreement")


def adding_wants(state: ConnectionState) -> Iterator[Want]:
    """Yield the reading of a filled form, and the registration of a supplement."""
    if state.is_ending:
        return
    yield from agreements.signing_wants(state)
    if state.stage == "countersigning":
        yield from agreements.registering_wants(state)


OPENING: Step[ConnectionState] = Step(
    name="apply",
    payload=DatasetApplication,
    who=CONTACT | HANDLER,
    is_open=not_opened,
    check=_open_refusal,
    do=_open,
    by_post=False,
    help=Text(
        sv="Lägg till en datamängd under ert avtal.", en="Add a data set under your agreement."
    ),
)
