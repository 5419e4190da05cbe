"""Agreements: sent in, checked place by place, returned or accepted."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.case import (
    Agreement,
    CaseState,
    Kind,
    OfficialContact,
    Signatory,
    completion_seen,
)
from domain.datasets import Dataset, Declaration, PersonalData, declaration_problems
from domain.everyday import not_in_past
from domain.fields import Day, FreeText
from domain.machine import Content, Moment, Payload, Reaction, Step
from domain.state import Party, System, Wait, Want
from domain.text import Text

SIGNING = {"agreement", "supplement"}


class AgreementContacts(Payload):
    """The two contacts that a processing agreement names."""

    controller: OfficialContact
    incident: OfficialContact


class SubmitAgreement(Payload):
    """A signed agreement; `signed` and `form` are ids of stored documents."""

    kind: Kind
    signed: str = Field(min_length=1)
    form: str | None = None
    signatory: Signatory
    contacts: AgreementContacts | None = None
    signature_method: Literal["wet_ink_scan", "advanced", "qualified"] = "wet_ink_scan"
    a3: tuple[FreeText, ...] = ()
    a4: tuple[FreeText, ...] = ()


class ChecklistItem(Payload):
    """A handler's answer for one place of an agreement."""

    place: str
    outcome: Literal["ok", "deficient"]
    comment: FreeText = ""


class AcceptAgreement(Payload):
    """The handler has answered every place."""

    kind: Kind
    checklist: tuple[ChecklistItem, ...]


class Deficiency(Payload):
    """What is missing or wrong, and where."""

    place: str
    what: FreeText = Field(min_length=1)


class ReturnAgreement(Payload):
    """Send an agreement back, saying which place lacks what."""

    kind: Kind
    deficiencies: tuple[Deficiency, ...] = Field(min_length=1)
    due: Day


class PlaceFinding(Content):
    """What the automatic check found at one place of a filled form."""

    place: str
    ok: bool
    sv: str
    en: str


class FormChecked(Content):
    """The fields of a filled form have been read."""

    kind: Kind
    form: str | None = None
    findings: tuple[PlaceFinding, ...] = ()


def required_kinds(datasets: dict[str, Dataset]) -> set[str]:
    """Which agreements the declared data sets call for."""
    personal = {dataset.declaration.personal_data for dataset in datasets.values()}
    return {Kind.PRODUCER} | ({Kind.PROCESSING} if PersonalData.DECLARED in personal else set())


def declared(state: CaseState, which: Literal["a3", "a4"]) -> tuple[str, ...]:
    """Return the categories that the data sets declare, each once."""
    found = [
        category
        for dataset in state.datasets.values()
        for category in getattr(dataset.declaration, which)
    ]
    return tuple(dict.fromkeys(found))


def undescribed(state: CaseState) -> list[str]:
    """Data sets of which it is not known whether they hold personal data."""
    return [
        dataset_id
        for dataset_id, dataset in state.datasets.items()
        if dataset.declaration.personal_data is PersonalData.UNKNOWN
    ]


def require_agreements(state: CaseState) -> None:
    """Open an agreement for each kind that is required and drop those no longer so."""
    needed = required_kinds(state.datasets)
    for kind in sorted(needed - state.agreements.keys()):
        state.agreements[kind] = Agreement(kind=Kind(kind))
    for kind in state.agreements.keys() - needed:
        del state.agreements[kind]


def all_accepted(state: CaseState) -> bool:
    """Whether every required agreement has been accepted and every data set described."""
    return (
        not undescribed(state)
        and required_kinds(state.datasets) <= state.agreements.keys()
        and all_accepted_of(state)
    )


def all_accepted_of(state: CaseState) -> bool:
    """Whether every agreement that is open has been accepted."""
    return all(agreement.accepted_at for agreement in state.agreements.values())


def _describe(state: CaseState, payload: Declaration, actor: Actor, moment: Moment) -> None:
    del actor, moment
    before = state.datasets[payload.dataset_id].declaration
    payload = state.as_described(payload)
    state.datasets[payload.dataset_id].declaration = payload
    signed = state.agreements.get(Kind.PROCESSING)
    if signed is not None and _personal_data(before) != _personal_data(payload):
        signed.accepted_at = None  # A3 and A4 are to be checked against what is declared now


def _personal_data(declaration: Declaration) -> tuple[object, ...]:
    return declaration.personal_data, declaration.a3, declaration.a4


def _describe_refusal(
    state: CaseState, payload: Declaration, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    if payload.dataset_id not in state.datasets:
        names = ", ".join(state.datasets)
        return refuse(
            "not_in_case",
            f"Datamängden {payload.dataset_id} ingår inte i ärendet. I ärendet: {names}.",
            f"The data set {payload.dataset_id} is not in this case. In it: {names}.",
            "dataset_id",
        )
    problems = declaration_problems((payload,), moment.policy, state.organisation.kind)
    if not problems:
        return None
    return Refusal(code=problems[0].code, text=problems[0].text, field="dataset_id")


def _submit(state: CaseState, payload: SubmitAgreement, actor: Actor, moment: Moment) -> None:
    del actor
    state.agreements[payload.kind] = Agreement(
        kind=payload.kind,
        submitted_at=moment.now,
        document=payload.signed,
        form=payload.form,
        signatory=payload.signatory,
        controller=payload.contacts.controller if payload.contacts else None,
        incident=payload.contacts.incident if payload.contacts else None,
        signature_method=payload.signature_method,
        a3=payload.a3,
        a4=payload.a4,
    )
    state.notify("agreement_submitted", Role.CASE_HANDLER, what={"kind": payload.kind})


def _submit_refusal(
    state: CaseState, payload: SubmitAgreement, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    agreement = state.agreements.get(payload.kind)
    if agreement is None:
        return refuse(
            "not_required",
            f"Avtalet {payload.kind} behövs inte för era datamängder.",
            f"The agreement {payload.kind} is not needed for your data sets.",
            "kind",
        )
    if agreement.submitted_at and not agreement.deficiencies:
        return refuse(
            "already_submitted",
            "Avtalet är redan inlämnat och granskas. Handläggaren kan lämna tillbaka det.",
            "The agreement has been handed in and is being checked; the handler can return it.",
            "kind",
        )
    if payload.kind is Kind.PROCESSING and not (payload.contacts and payload.a3 and payload.a4):
        return refuse(
            "processing_parts_missing",
            "PUB-avtalet behöver kontaktpersoner (p.15 och B8) och kategorier (A3 och A4).",
            "The processing agreement needs contacts (p.15 and B8) and categories (A3 and A4).",
            "contacts" if not payload.contacts else "a3",
        )
    return None


def _accept(state: CaseState, payload: AcceptAgreement, actor: Actor, moment: Moment) -> None:
    del actor
    agreement = state.agreements[payload.kind]
    agreement.checklist = [item.model_dump() for item in payload.checklist]
    agreement.accepted_at = moment.now
    completion_seen(state)


def _waits_for_handler(state: CaseState, kind: Kind) -> Refusal | None:
    agreement = state.agreements.get(kind)
    if agreement and agreement.submitted_at and not agreement.deficiencies:
        return None
    return refuse(
        "nothing_to_check",
        f"Avtalet {kind} har inte kommit in (igen) och kan inte granskas än.",
        f"The agreement {kind} has not come in (again) and cannot be checked yet.",
        "kind",
    )


def _accept_refusal(
    state: CaseState, payload: AcceptAgreement, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    if found := _waits_for_handler(state, payload.kind):
        return found
    answered = [item.place for item in payload.checklist]
    places = moment.policy.agreements[payload.kind.value].places
    if sorted(answered) != sorted(places):
        missing = ", ".join(sorted(set(places) ^ set(answered))) or "dubbletter/duplicates"
        return refuse(
            "checklist_incomplete",
            f"Varje ställe ska besvaras en gång. Stämmer inte: {missing}.",
            f"Every place is to be answered once. Not right: {missing}.",
            "checklist",
        )
    bad = [item.place for item in payload.checklist if item.outcome != "ok"]
    if bad:
        return refuse(
            "place_deficient",
            f"Ett avtal med brister kan inte godtas ({', '.join(bad)}). Lämna tillbaka det.",
            f"An agreement with deficiencies cannot be accepted ({', '.join(bad)}). Return it.",
            "checklist",
        )
    return None


def _return(state: CaseState, payload: ReturnAgreement, actor: Actor, moment: Moment) -> None:
    del actor, moment
    agreement = state.agreements[payload.kind]
    agreement.deficiencies = [item.model_dump() for item in payload.deficiencies]
    agreement.returned_due = payload.due
    agreement.accepted_at = None
    completion_seen(state)
    text = "; ".join(f"{item.place}: {item.what}" for item in payload.deficiencies)
    what = {"kind": payload.kind, "what": text, "due": payload.due.isoformat()}
    state.notify("agreement_returned", state.addressee, what=what)


def _return_refusal(
    state: CaseState, payload: ReturnAgreement, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor
    places = moment.policy.agreements[payload.kind.value].places
    unknown = [item.place for item in payload.deficiencies if item.place not in places]
    if unknown:
        return refuse(
            "unknown_place",
            f"Avtalet har inget ställe {unknown[0]}. Ställen: {', '.join(places)}.",
            f"The agreement has no place {unknown[0]}. Places: {', '.join(places)}.",
            "deficiencies",
        )
    return _waits_for_handler(state, payload.kind) or not_in_past(payload.due, moment, "due")


def _form_checked(state: CaseState, content: FormChecked, moment: Moment) -> None:
    del moment
    agreement = state.agreements.get(content.kind)
    if agreement is not None and content.form in {None, agreement.form}:
        agreement.findings = [finding.model_dump(mode="json") for finding in content.findings]
        agreement.is_form_checked = True


def signing_wants(state: CaseState) -> Iterator[Want]:
    """Yield the reading of each filled form that has come in."""
    for kind, agreement in state.agreements.items():
        if agreement.submitted_at and not agreement.is_checked:
            yield Want(operation="check_form", system=System.RECORDS, item=kind)


def signing_waits(state: CaseState) -> Iterator[Wait]:
    """Yield who must act before every agreement has been accepted."""
    for dataset_id in undescribed(state):
        yield Wait(on=Party.PRODUCER, rule="describe_dataset", item=dataset_id)
    yield from agreement_waits(state)


def agreement_waits(state: CaseState) -> Iterator[Wait]:
    """Yield who must act before the agreements that are open have been accepted."""
    for kind, agreement in state.agreements.items():
        if agreement.submitted_at is None:
            yield Wait(on=Party.PRODUCER, rule="submit_agreement", item=kind)
        elif agreement.deficiencies:
            yield Wait(
                on=Party.PRODUCER, rule="return_agreement", item=kind, due=agreement.returned_due
            )
        elif agreement.accepted_at is None:
            yield Wait(on=Party.CASE_HANDLER, rule="check_agreement", item=kind)


def _can_submit(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.stage in SIGNING and any(
        agreement.submitted_at is None or agreement.deficiencies
        for agreement in state.agreements.values()
    )


def _can_check(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.stage in SIGNING and any(
        agreement.submitted_at and not agreement.deficiencies and not agreement.accepted_at
        for agreement in state.agreements.values()
    )


def _can_describe(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.stage in {"intake", "account"} or state.stage in SIGNING


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="describe_dataset",
        payload=Declaration,
        who=CONTACT,
        is_open=_can_describe,
        check=_describe_refusal,
        do=_describe,
        help=Text(
            sv="Beskriv datamängden: personuppgifter, informationsägare, support och leveranssätt.",
            en="Describe the data set: personal data, information owner, support and delivery.",
        ),
    ),
    Step(
        name="submit_agreement",
        payload=SubmitAgreement,
        who=CONTACT,
        is_open=_can_submit,
        check=_submit_refusal,
        do=_submit,
        help=Text(
            sv="Lämna in avtalet undertecknat. Hämta det förifyllda formuläret först.",
            en="Hand in the signed agreement. Fetch the pre-filled form first.",
        ),
    ),
    Step(
        name="accept_agreement",
        payload=AcceptAgreement,
        who=HANDLER,
        is_open=_can_check,
        check=_accept_refusal,
        do=_accept,
        help=Text(sv="Godta avtalet, ställe för ställe.", en="Accept it, place by place."),
    ),
    Step(
        name="return_agreement",
        payload=ReturnAgreement,
        who=HANDLER,
        is_open=_can_check,
        check=_return_refusal,
        do=_return,
        help=Text(
            sv="Lämna tillbaka avtalet: vilket ställe som brister och hur.",
            en="Return the agreement: which place is deficient, and how.",
        ),
    ),
)

REACTIONS: dict[str, Reaction[CaseState]] = {
    "form_checked": Reaction(payload=FormChecked, do=_form_checked),
}
