"""A connection at its agreement: taken in there, told what changes, and let go."""

from collections.abc import Iterator

from domain import adding
from domain.act import Role
from domain.agreement_state import CategoriesCovered, Standing, ValidUntil, agreement_id
from domain.connection_changes import own_permission
from domain.connection_state import TAKES_AGENTS, ConnectionState
from domain.machine import Content, Moment, Reaction
from domain.notice import SOURCE as AGREEMENT
from domain.state import System, Want


def _enrolled(state: ConnectionState, content: Standing, moment: Moment) -> None:
    if state.is_ended and content.accepted:
        leave(state)
    state.is_enrolled = content.accepted
    state.is_agreement_missing = not content.accepted
    if state.is_ending:
        return
    if content.accepted and state.covered_since is not None:
        content = content.model_copy(update=dict(state.covered_since))
    if not content.accepted and state.owner in {None, agreement_id(state.org_number)}:
        state.notify("no_agreement", Role.CASE_HANDLER)  # opened alone, or taken over
        state.finish("refused")
    elif state.owner is None:
        adding.take_standing(state, content, moment)
    else:
        _take_owners_standing(state, content, moment)


def _take_owners_standing(state: ConnectionState, content: Standing, moment: Moment) -> None:
    """Go on under the agreement of the onboarding that began this one, denied or not."""
    state.standing = content if content.accepted else None
    if not content.accepted:
        return
    if content.contact is not None or content.deputy is not None:
        state.contact, state.deputy = content.contact, content.deputy
    if state.stage in TAKES_AGENTS:
        adding.tell_granted(state, moment)  # granted before there was an agreement to tell


def _agreement_in_force(state: ConnectionState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_agreement_missing = False


def _valid_until(state: ConnectionState, content: ValidUntil, moment: Moment) -> None:
    """Let the own permission know the agreement's end; agents know it from their appointments.

    One that is begun later begins with it.
    """
    del moment
    if content.source != AGREEMENT:
        return
    state.agreement_until = content.until
    own = own_permission(state)
    if own in state.parts and not state.parts[own].ended:
        until = content.until.isoformat() if content.until else None
        state.tell(own, "valid_until", {"source": AGREEMENT, "until": until})


def _covered(state: ConnectionState, content: CategoriesCovered, moment: Moment) -> None:
    del moment
    if state.standing is None:
        state.covered_since = content
    else:
        state.standing = state.standing.model_copy(update=dict(content))


def leave(state: ConnectionState) -> None:
    """Let go of the agreement, also when the answer to an enrolment has not come (yet)."""
    word = {"ref": state.workflow_id, "outcome": state.outcome}
    state.tell(agreement_id(state.org_number), "part_ended", word)


def enrolling_wants(state: ConnectionState) -> Iterator[Want]:
    """Yield the enrolment at the agreement, before anything outside.

    A denied data set enrols as well: by the agreement it hears who acts for the producer, and ends.
    """
    is_free = not state.is_enrolled and not state.is_agreement_missing and state.is_opened
    if is_free and state.stage in {"intake", "connecting", "appeal_period"}:
        yield Want(operation="enrol_at_agreement", system=System.CASES)


REACTIONS: dict[str, Reaction[ConnectionState]] = {
    "enrolled": Reaction(payload=Standing, do=_enrolled),
    "agreement_in_force": Reaction(payload=Content, do=_agreement_in_force),
    "covered": Reaction(payload=CategoriesCovered, do=_covered),
    "valid_until": Reaction(payload=ValidUntil, do=_valid_until),
}
