"""What must be true of a state, by the type of its workflow; a walk looks after every act."""

from collections.abc import Callable
from typing import Any

from domain.agreement_state import AgreementState, agreement_id
from domain.agreements import required_kinds
from domain.appointment_state import AppointmentState
from domain.case import CaseState, Decision
from domain.connection_state import ConnectionState
from domain.credential_state import CredentialState
from domain.decision import ADVERSE
from domain.onboarding_state import OnboardingState
from domain.permission_state import PermissionState
from domain.person_state import PersonState
from domain.reconciliation import too_many
from domain.reconciliation_run import ReconciliationState
from domain.state import State
from tests.domain.playing import POLICY, invariants


def holds(state: State, *, has_just_ended: bool) -> None:
    """Check what must hold in every state, in every state of the type, and at its end."""
    invariants(state)
    HOLDS[state.type](state)
    if has_just_ended and state.type in AT_THE_END:
        AT_THE_END[state.type](state)


def _granted_by_another(decision: Decision, before: list[Decision]) -> None:
    """Somebody else than the proposer granted it, or a decider changed a denial."""
    assert any(each.granted for each in decision.datasets.values())
    if decision.decided_by == decision.proposed_by:
        assert before, "decided by who proposed it"
        is_denial = not all(each.granted for each in before[-1].datasets.values())
        assert is_denial or before[-1].outcome in ADVERSE


def _accepted(state: CaseState) -> None:
    for agreement in state.agreements.values():
        assert agreement.submitted_at
        assert agreement.accepted_at
        assert not agreement.deficiencies


def _let_go(state: CaseState) -> None:
    assert not any(state.open_parts())
    assert not state.enrolled


def _onboarding(state: OnboardingState) -> None:
    if state.stage in {"countersigning", "datasets"}:
        assert state.decisions[-1].outcome == "granted"
        _granted_by_another(state.decisions[-1], state.decisions[:-1])
        _accepted(state)
        assert required_kinds(state.datasets) == state.agreements.keys()
    if state.stage == "datasets":
        for agreement in state.agreements.values():
            assert agreement.countersigned_at
            assert agreement.registered_at
    has_agreement = agreement_id(state.org_number) in state.parts
    assert state.decisions or not state.parts
    if not state.is_ended:
        return
    if not state.is_agreement_kept:
        assert not any(state.open_parts())
    if not has_agreement:
        signed = {kind for kind, each in state.agreements.items() if each.countersigned_at}
        assert signed <= set(state.unregistered), "an agreement may be left in the register"
    assert not state.enrolled


def _connection(state: ConnectionState) -> None:
    if state.stage in {"countersigning", "connecting", "connected"}:
        _accepted(state)
        decided = state.dataset.decision
        if not (decided and decided.granted):
            assert state.is_decided(POLICY)
        for index, each in enumerate(state.decisions):  # a change may have been denied since
            said = each.datasets.get(state.dataset_id)
            if said is not None and said.granted:
                _granted_by_another(each, state.decisions[:index])
    if state.stage == "connected":
        assert state.active
        assert not any(state.parts[ref].ended for ref in state.active)
    if state.is_ended:
        _let_go(state)


def _permission(state: PermissionState) -> None:
    assert state.system_account or not state.parts
    if state.stage in {"production", "active"}:
        assert state.is_delivery_accepted
    if state.stage == "active":
        assert "production" in state.live
    if any(part.item == "production" for part in state.parts.values()):
        assert state.is_delivery_accepted
    if state.is_ended:
        assert not any(state.open_parts()), "a key without a right"
        assert state.is_account_off


def _credential(state: CredentialState) -> None:
    operations = {want.operation for want in state.pending}
    if state.stage == "offered":
        assert state.offer_id
        assert state.offered_until
    if state.stage == "live":
        assert state.fetched_at
        assert not state.offer_id
    if state.is_halted and not state.is_ending:
        assert not state.offer_id
        assert not state.fetched_at
        assert operations <= {"revoke_keys"}
    if state.is_ending:
        assert operations <= {"remove_application"}
    if state.is_ended:
        assert state.is_gone, "a key may be left at the portal"


def _appointment(state: AppointmentState) -> None:
    if state.stage == "active" or any(state.parts):
        assert state.accepted_at
        assert state.is_approved
    if state.is_ended:
        _let_go(state)


def _agreement(state: AgreementState) -> None:
    assert (state.stage == "under_notice") <= (state.last_day is not None)
    if any(want.operation == "end_agreement" for want in state.pending):
        assert not any(state.open_parts())
    if state.is_ended:
        _let_go(state)


def _agreement_at_the_end(state: AgreementState) -> None:
    assert state.agreements.keys() <= set(state.closed_in_register), "left in the register"


def _person(state: PersonState) -> None:
    is_on = state.person is not None and state.person.active
    if state.stage in {"active", "leaving"}:
        assert is_on
    elif state.stage in {"suspended", "ending", "ended"}:
        assert not is_on
    if state.is_ended:
        assert not state.enrolments


def _person_at_the_end(state: PersonState) -> None:
    assert not state.is_off_wanted, "an account may be left on"


def _reconciliation(state: ReconciliationState) -> None:
    if state.stage == "asking" or state.outcome in {"cuts_rejected", "cuts_unanswered"}:
        assert not state.may_cut
    if state.stage in {"dealing", "ended"} and (state.to_tell or state.tasks):
        assert state.second_look_at, "nothing is dealt with after one look"
        if not state.only_reports and too_many(state.cuts, state.granted, POLICY.reconciliation):
            assert state.asked_until
    if state.done:
        assert state.stage in {"dealing", "ended"}
    if state.is_ended:
        assert state.is_dealt_with


HOLDS: dict[str, Callable[[Any], None]] = {
    "ProducerOnboarding": _onboarding,
    "DatasetConnection": _connection,
    "AgentAppointment": _appointment,
    "ProducerAgreement": _agreement,
    "Permission": _permission,
    "Credential": _credential,
    "PersonAccess": _person,
    "AccessReconciliation": _reconciliation,
}
AT_THE_END: dict[str, Callable[[Any], None]] = {
    "ProducerAgreement": _agreement_at_the_end,
    "PersonAccess": _person_at_the_end,
}
