"""What may be decided about the data sets of a case."""

from domain.act import Refusal, refuse
from domain.case import CaseState
from domain.datasets import DatasetDecision, Ground, PersonalData


def datasets_refusal(
    state: CaseState, outcome: str, decided: tuple[DatasetDecision, ...]
) -> Refusal | None:
    """Return why the data sets of a case may not be decided so; None when they may."""
    if outcome == "dismissed" and decided:
        return refuse(
            "not_examined",
            "En avvisning prövar inga datamängder: lämna datasets tomt.",
            "A dismissal examines no data sets: leave datasets empty.",
            "datasets",
        )
    if outcome == "dismissed":
        return None
    named = [each.dataset_id for each in decided]
    if sorted(named) != sorted(state.datasets):
        return refuse(
            "datasets_incomplete",
            f"Varje datamängd ska avgöras en gång: {', '.join(state.datasets)}.",
            f"Every data set is to be decided once: {', '.join(state.datasets)}.",
            "datasets",
        )
    if (outcome == "granted") != any(each.granted for each in decided):
        return refuse(
            "outcome_mismatch",
            "Utfallet stämmer inte med datamängderna: granted kräver minst en beviljad.",
            "The outcome does not match the data sets: granted needs at least one granted.",
            "outcome",
        )
    return next(filter(None, (_ground_refusal(state, each) for each in decided)), None)


def _ground_refusal(state: CaseState, decided: DatasetDecision) -> Refusal | None:
    if not decided.granted:
        return None
    personal = state.datasets[decided.dataset_id].declaration.personal_data
    without = personal is PersonalData.NONE
    if decided.ground is not None and without == (decided.ground is Ground.NONE_NEEDED):
        return None
    return refuse(
        "ground_mismatch",
        f"{decided.dataset_id}: utan personuppgifter är grunden none_needed, annars P1a–P7.",
        f"{decided.dataset_id}: without personal data the ground is none_needed, else P1a-P7.",
        "datasets",
    )
