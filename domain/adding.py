"""A data set alone, under an agreement in force: what is lacking, and only that, is asked for.

A supplement opens when the signed agreements do not cover what is declared; an assessment when no
decision in force covers it. A changed declaration of a connected data set goes the same way.
"""

from collections.abc import Iterator

from pydantic import Field

from domain import agreements, countersigning
from domain.act import CONTACT, Actor, Refusal, Role
from domain.agreement_state import Standing, agreement_id, covered_by
from domain.case import Agreement, Kind
from domain.connection_state import ConnectionState
from domain.datasets import Dataset, Declaration, PersonalData, declaration_problems
from domain.fields import OrgNumberField
from domain.machine import Moment, Payload, Step, not_opened
from domain.state import Party, Wait, Want
from domain.text import Text

SUPPLEMENT = "supplement"


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
    state.opened_at, state.arrived_on = moment.now, actor.arrival_date
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


def may_go_on(state: ConnectionState) -> bool:
    """Whether it is described, and no dismissal lies before a decider: that is decided first."""
    return not is_undescribed(state) and state.review.proposal is None


def examine(state: ConnectionState, moment: Moment) -> None:
    """Ask for what is lacking: a supplement, an assessment, or nothing."""
    if state.difference:
        state.stage = "supplement"
        state.agreements = {Kind.PROCESSING: Agreement(kind=Kind.PROCESSING)}
        state.notify("supplement_open", state.acting, what={"item": _said(state)})
    else:
        _leave_for(state, moment)


def _leave_for(state: ConnectionState, moment: Moment) -> None:
    """Go on to the assessment, or past it where a decision in force covers the data set."""
    state.stage = "countersigning" if state.is_decided(moment.policy) else "assessment"
    if state.stage == "countersigning":
        state.completion = None  # nobody examines it any more


def _said(state: ConnectionState) -> str:
    difference = state.difference.items()
    return "; ".join(f"{which.upper()}: {', '.join(lacking)}" for which, lacking in difference)


def progress_supplement(state: ConnectionState, moment: Moment) -> None:
    """Go on when the supplement has been accepted, or is no longer needed."""
    if not may_go_on(state):
        return
    if not state.difference:
        state.agreements = {}
    if agreements.all_accepted_of(state):
        _leave_for(state, moment)


def is_countersigned(state: ConnectionState) -> bool:
    """Whether nothing is left to be signed and registered."""
    return all(each.registered_at for each in state.agreements.values())


def tell_supplemented(state: ConnectionState) -> None:
    """Let the agreement answer for what both parties have signed and the register holds."""
    for each in state.agreements.values():
        word = {"agreement": each.model_dump(mode="json")}
        state.tell(agreement_id(state.org_number), "supplemented", word)


def is_registering(state: ConnectionState) -> bool:
    """Whether what both parties have signed is still on its way to the register.

    It is carried through also when the data set, or a change of it, is withdrawn meanwhile: nobody
    can tell whether the register has it already, and what it has somebody must answer for.
    """
    return any(e.countersigned_at and not e.registered_at for e in state.agreements.values())


def tell_granted(state: ConnectionState, moment: Moment) -> None:
    """Let the agreement know that a decision in force covers the data set.

    What is declared more narrowly than an earlier decision allows leaves that decision as it is.
    """
    if state.is_decided(moment.policy):
        return
    decided_on = state.decisions[-1].decided_on if state.decisions else moment.today
    covered = covered_by(state.declaration, moment.policy, decided_on)
    word = {"covered": covered.model_dump(mode="json")}
    state.tell(agreement_id(state.org_number), "granted", word)
    if state.standing is not None:
        state.standing = state.standing.model_copy(
            update={
                "a3": tuple(dict.fromkeys((*state.standing.a3, *state.declaration.a3))),
                "a4": tuple(dict.fromkeys((*state.standing.a4, *state.declaration.a4))),
                "granted": {**state.standing.granted, state.dataset_id: covered},
            }
        )


def settle_grant(state: ConnectionState, moment: Moment) -> None:
    """A grant is whole: the agreement learns what is covered from now on."""
    tell_supplemented(state)
    tell_granted(state, moment)
    state.appeal, state.before = None, None
    state.begin_round(None)


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
    yield from countersigning.countersigning_waits(state)
    yield from registering_waits(state)


def registering_waits(state: ConnectionState) -> Iterator[Wait]:
    """Yield the register while it does not hold what has been signed."""
    if is_registering(state):
        yield Wait(on=Party.AGREEMENT_REGISTER, rule="register_agreement")


def adding_wants(state: ConnectionState) -> Iterator[Want]:
    """Yield the reading of a filled form, and the registration of a supplement.

    What was to be the producer's first processing agreement is wanted anew, as a supplement, when
    another data set's has come first.
    """
    if state.is_ended:
        return
    if not state.is_ending:
        yield from agreements.signing_wants(state)
    is_first = state.standing is None or state.standing.processing_key is None
    for want in countersigning.registering_wants(state):
        yield want if is_first else want.model_copy(update={"item": SUPPLEMENT})


OPENING: Step[ConnectionState] = Step(
    name="apply",
    payload=DatasetApplication,
    who=CONTACT,
    is_open=not_opened,
    check=_open_refusal,
    do=_open,
    help=Text(
        sv="Lägg till en datamängd under ert avtal.", en="Add a data set under your agreement."
    ),
)
