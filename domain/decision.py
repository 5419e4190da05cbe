"""Examination and decision: proposal, hearing of the party, decision by another person."""

from collections.abc import Iterator

from pydantic import Field

from domain import hearing
from domain.act import DECIDER, HANDLER, Actor, Refusal, Role, refuse
from domain.appeal import (
    RecordReceipt,
    begin_appeal,
    can_reconsider,
    last_day_to_appeal,
    move_receipt,
    receipt_refusal,
)
from domain.case import (
    CaseState,
    Decision,
    Proposal,
    awaits_completion,
    is_completion_overdue,
)
from domain.dataset_decisions import datasets_refusal
from domain.datasets import FULL_GRANT, DatasetDecision
from domain.everyday import Reason
from domain.fields import FreeText
from domain.machine import Moment, Payload, Step
from domain.state import Party, Wait
from domain.text import Text

EXAMINING = {"review", "assessment"}
DISMISSABLE = {"intake", "account", "agreement", "supplement"}
ADVERSE = {"denied", "dismissed"}


class ProposeDecision(Payload):
    """The handler's proposal: an outcome, and for each data set a ground and conditions."""

    outcome: str = Field(pattern="^(granted|denied|dismissed)$")
    datasets: tuple[DatasetDecision, ...] = ()
    legal_rules: tuple[FreeText, ...] = Field(min_length=1)
    decisive_facts: FreeText = Field(min_length=1)


class Decide(Payload):
    """The decision: as proposed where nothing else is said, always with reasons (FL 32 §)."""

    outcome: str | None = Field(default=None, pattern="^(granted|denied|dismissed)$")
    datasets: tuple[DatasetDecision, ...] | None = None
    reasons: FreeText = Field(min_length=1)


class Reconsider(Payload):
    """A new decision in the party's favour, before the appeal is handed over (FL 38, 46 §§).

    A dismissal is lifted without data sets: the case is taken up again where it was dismissed.
    """

    datasets: tuple[DatasetDecision, ...] = ()
    legal_rules: tuple[FreeText, ...] = Field(min_length=1)
    decisive_facts: FreeText = Field(min_length=1)
    reasons: FreeText = Field(min_length=1)


def _propose_refusal(
    state: CaseState, payload: ProposeDecision, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    return _too_early(state, payload.outcome) or datasets_refusal(
        state, payload.outcome, payload.datasets
    )


def _too_early(state: CaseState, outcome: str) -> Refusal | None:
    """Before the review there are no agreements to rest a grant on, and nothing was examined."""
    if state.stage not in DISMISSABLE or outcome == "dismissed":
        return None
    return refuse(
        "only_dismissal",
        "Före granskningen kan ärendet bara avvisas (dismissed).",
        "Before the review a case can only be dismissed.",
        "outcome",
    )


def _propose(state: CaseState, payload: ProposeDecision, actor: Actor, moment: Moment) -> None:
    state.review.proposal = Proposal(
        outcome=payload.outcome,
        datasets={each.dataset_id: each for each in payload.datasets},
        legal_rules=payload.legal_rules,
        decisive_facts=payload.decisive_facts,
        proposed_by=actor.subject,
        proposed_at=moment.now,
    )
    state.review.hearing = None
    state.completion = None  # looked at, or its day has passed in silence


def _decided(state: CaseState, payload: Decide) -> tuple[str, dict[str, DatasetDecision]]:
    proposal = state.review.proposal
    assert proposal is not None
    outcome = payload.outcome or proposal.outcome
    if payload.datasets is None:  # a dismissal examines none
        return outcome, {} if outcome == "dismissed" else proposal.datasets
    return outcome, {each.dataset_id: each for each in payload.datasets}


def _own_proposal(proposal: Proposal, actor: Actor) -> Refusal | None:
    if actor.subject != proposal.proposed_by:
        return None
    return refuse(
        "own_proposal",
        "Den som har föreslagit beslutet kan inte också besluta (myndighetsförordningen 20 §).",
        "Who proposed the decision cannot also decide (myndighetsförordningen 20 §).",
        "actor",
    )


def _send_back_refusal(
    state: CaseState, payload: Reason, actor: Actor, moment: Moment
) -> Refusal | None:
    del payload, moment
    assert state.review.proposal is not None
    return _own_proposal(state.review.proposal, actor)


def _goes_further(proposal: Proposal, outcome: str, datasets: dict[str, DatasetDecision]) -> bool:
    """Whether a decision holds anything against the party that was not proposed (FL 25 §)."""
    if outcome != proposal.outcome and outcome in ADVERSE:
        return True
    return any(
        each.rank < proposed.rank
        or (each.granted and each.conditions not in {"", proposed.conditions})
        for name, each in datasets.items()
        if (proposed := proposal.datasets.get(name)) is not None
    )


def _decide_refusal(
    state: CaseState, payload: Decide, actor: Actor, moment: Moment
) -> Refusal | None:
    del moment
    proposal = state.review.proposal
    assert proposal is not None
    if found := _own_proposal(proposal, actor):
        return found
    outcome, datasets = _decided(state, payload)
    found = _too_early(state, outcome)
    if found := found or datasets_refusal(state, outcome, tuple(datasets.values())):
        return found
    if not _goes_further(proposal, outcome, datasets):
        return None
    return refuse(
        "worse_than_heard",
        "Beslutet går parten emot på annat sätt än förslaget. Skicka tillbaka, så att parten hörs.",
        "The decision goes against the party otherwise than proposed. Send back, for a hearing.",
        "outcome",
    )


def _decide(state: CaseState, payload: Decide, actor: Actor, moment: Moment) -> None:
    proposal = state.review.proposal
    assert proposal is not None
    outcome, datasets = _decided(state, payload)
    decision = Decision(
        outcome=outcome,
        datasets=datasets,
        legal_rules=proposal.legal_rules,
        decisive_facts=proposal.decisive_facts,
        reasons=payload.reasons,
        decided_by=actor.subject,
        proposed_by=proposal.proposed_by,
        decided_on=moment.today,
    )
    take_effect(state, decision, moment)


def take_effect(state: CaseState, decision: Decision, moment: Moment) -> None:
    """Let a decision govern: a grant leads to countersigning, all else to the appeal period."""
    state.decisions.append(decision)
    state.review.proposal, state.review.hearing = None, None
    state.review.sent_back_because = None
    for dataset_id, decided in decision.datasets.items():
        state.datasets[dataset_id].decision = decided
        state.datasets[dataset_id].outcome = None
    state.notify("decided", state.addressee, what=_said(state, decision, moment))
    if decision.outcome == "granted":
        state.stage = "countersigning"
    elif decision.outcome in ADVERSE:
        begin_appeal(state, decision, moment)


def _said(state: CaseState, decision: Decision, moment: Moment) -> dict[str, str]:
    """Return what the party is told: what was decided, why, and until when it may appeal.

    FL 33 § asks for the appeal only where something goes against the party: a condition does, too.
    """

    def named(rank: int) -> str:
        return "; ".join(
            moment.policy.datasets[each.dataset_id].name
            + (f" ({each.conditions})" if each.conditions else "")
            for each in decision.datasets.values()
            if each.rank == rank
        )

    said = {
        "outcome": decision.outcome,
        "granted": named(FULL_GRANT),
        "conditions": named(1),
        "denied": named(0),
        "rules": ", ".join(decision.legal_rules),
        "facts": decision.decisive_facts,
        "reasons": decision.reasons,
    }
    if decision.outcome not in ADVERSE and not said["conditions"] and not said["denied"]:
        return said
    last_day = last_day_to_appeal(state, decision, moment.policy)
    if last_day is None:
        return said | {"weeks": str(moment.policy.appeal_weeks)}
    return said | {"last_day": last_day.isoformat()}


def _reconsider(state: CaseState, payload: Reconsider, actor: Actor, moment: Moment) -> None:
    assert state.appeal is not None
    is_dismissal, back_to = state.appeal.outcome == "dismissed", state.appeal.back_to
    decision = Decision(
        outcome="taken_up" if is_dismissal else "granted",
        datasets={each.dataset_id: each for each in payload.datasets},
        legal_rules=payload.legal_rules,
        decisive_facts=payload.decisive_facts,
        reasons=payload.reasons,
        decided_by=actor.subject,
        proposed_by=actor.subject,
        decided_on=moment.today,
    )
    state.appeal = None
    take_effect(state, decision, moment)
    if is_dismissal:
        state.stage, state.decisions_before = back_to, len(state.decisions)


def _reconsider_refusal(
    state: CaseState, payload: Reconsider, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    assert state.appeal is not None
    if state.appeal.outcome != "dismissed":
        return datasets_refusal(state, "granted", payload.datasets)
    if not payload.datasets:
        return None
    return refuse(
        "not_examined",
        "Ett avvisat ärende tas upp igen utan att datamängderna avgörs: lämna datasets tomt.",
        "A dismissed case is taken up again, its data sets undecided: leave datasets empty.",
        "datasets",
    )


def _send_back(state: CaseState, payload: Reason, actor: Actor, moment: Moment) -> None:
    del actor, moment
    state.review.proposal, state.review.hearing = None, None
    state.review.sent_back_because = payload.reason
    state.notify("sent_back", Role.CASE_HANDLER, what={"reason": payload.reason})


def decision_waits(state: CaseState) -> Iterator[Wait]:
    """Yield who must act while a case is examined; nothing is decided any more in one that ends."""
    if state.is_ending:
        return
    proposal, heard = state.review.proposal, state.review.hearing
    if proposal is None:
        if state.stage in EXAMINING:
            yield Wait(on=Party.CASE_HANDLER, rule="review")
    elif state.review.may_be_decided:
        yield Wait(on=Party.DECIDER, rule="decide")
    elif heard is None:
        yield Wait(on=Party.CASE_HANDLER, rule="hear_party")
    else:
        yield Wait(on=Party.PRODUCER, rule="hearing", due=heard.due)


def _can_propose(state: CaseState, moment: Moment) -> bool:
    open_now = state.stage in EXAMINING | DISMISSABLE and state.is_case
    is_complete = not awaits_completion(state) or is_completion_overdue(state, moment)
    return open_now and state.review.proposal is None and is_complete


def _can_decide(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.is_case and state.review.may_be_decided


def _can_send_back(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.is_case and state.review.proposal is not None


def _can_record_receipt(state: CaseState, moment: Moment) -> bool:
    del moment
    return state.appeal is not None and state.appeal.document is None and state.is_case


STEPS: tuple[Step[CaseState], ...] = (
    Step(
        name="reconsider",
        payload=Reconsider,
        who=DECIDER,
        is_open=can_reconsider,
        check=_reconsider_refusal,
        do=_reconsider,
        help=Text(
            sv="Ändra beslutet till partens fördel; annars lämnas överklagandet till domstolen.",
            en="Change the decision in the party's favour; otherwise hand the appeal over.",
        ),
    ),
    Step(
        name="propose_decision",
        payload=ProposeDecision,
        who=HANDLER,
        is_open=_can_propose,
        check=_propose_refusal,
        do=_propose,
        help=Text(sv="Föreslå beslut.", en="Propose a decision."),
    ),
    *hearing.STEPS,
    Step(
        name="decide",
        payload=Decide,
        who=DECIDER,
        is_open=_can_decide,
        check=_decide_refusal,
        do=_decide,
        help=Text(sv="Besluta, med skäl.", en="Decide, with reasons."),
    ),
    Step(
        name="send_back",
        payload=Reason,
        who=DECIDER,
        is_open=_can_send_back,
        check=_send_back_refusal,
        do=_send_back,
        help=Text(sv="Skicka tillbaka till handläggaren.", en="Send back to the handler."),
    ),
    Step(
        name="record_receipt",
        payload=RecordReceipt,
        who=HANDLER,
        is_open=_can_record_receipt,
        check=receipt_refusal,
        do=move_receipt,
        help=Text(
            sv="Anteckna dagen då parten fick del av beslutet.", en="Note the day of receipt."
        ),
    ),
)
