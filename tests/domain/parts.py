"""Parts of a producer's rights, begun by hand as their owners begin them."""

from typing import Any

from domain.act import Actor, Role
from domain.agent_appointment import MACHINE as APPOINTMENT
from domain.agreement_state import AgreementState, agreement_id
from domain.appointment_state import AppointmentState, appointment_id
from domain.connection import MACHINE as CONNECTION
from domain.connection_state import ConnectionState, dataset_id
from domain.credential import MACHINE as CREDENTIAL
from domain.credential_state import CredentialState, credential_id
from domain.onboarding_state import onboarding_id
from domain.permission import MACHINE as PERMISSION
from domain.permission_state import PermissionState, permission_id
from domain.person import MACHINE as PERSON
from domain.person_state import PersonState
from domain.producer_agreement import MACHINE as AGREEMENT
from tests.domain.playing import CONTACT, HANDLER, MOLNDAL, Play, declaration

ANNA = {
    "name": "Anna Lind",
    "email": CONTACT.subject,
    "account_id": "acc-1",
    "login_name": "annalind",
    "active": True,
}
EVA = {"name": "Eva Ny", "email": "eva.ny@molndal.example"}
SYSTEM = Actor(subject="system", name="system", role=Role.SYSTEM)
PERMISSION_ID = permission_id(MOLNDAL, "detaljplan", MOLNDAL)
CONNECTION_ID = dataset_id(MOLNDAL, "detaljplan")
AGREEMENT_ID = agreement_id(MOLNDAL)
ONBOARDING_ID = onboarding_id(MOLNDAL)
LOGIN = "abcd1234"
NOT_IN_REGISTER = {"kind": "producer", "why": "not_in_register", "valid_from": "2026-01-01"}
AGENT = "556036-0793"
APPOINTMENT_ID = appointment_id(MOLNDAL, AGENT)
AGENT_PERMISSION_ID = permission_id(MOLNDAL, "detaljplan", AGENT)
OLA = Actor(
    subject="ola.ombud@konsult.example",
    name="Ola Ombud",
    role=Role.AGENT_CONTACT,
    organisation=AGENT,
)


def key_ref(environment: str) -> str:
    """Return the workflow id of the key of an environment."""
    return credential_id(MOLNDAL, "detaljplan", MOLNDAL, environment)


def permission_begin(**changes: Any) -> dict[str, Any]:
    """Return what a connection says when it starts its own permission."""
    return {
        "owner": CONNECTION_ID,
        "org_number": MOLNDAL,
        "organisation_name": "Mölndals kommun",
        "case_number": "NGP2026-000001",
        "dataset_id": "detaljplan",
        "dataset_name": "Detaljplan",
        "party": MOLNDAL,
        "party_name": "Mölndals kommun",
        "holder": ANNA,
        "hosting": "data_host",
        "apis": ["NGP Uppdatering"],
    } | changes


def begun_permission(**changes: Any) -> Play[PermissionState]:
    """Return a permission that has just been begun."""
    play = Play(PERMISSION, PERMISSION_ID)
    play.answer("begin", **permission_begin(**changes))
    return play


def at_verification(**changes: Any) -> Play[PermissionState]:
    """Return a permission whose verification key has been fetched."""
    play = begun_permission(**changes)
    play.answer("system_account_found", login_name=LOGIN)
    play.answer("key_live", environment="verification")
    return play


def report(**changes: Any) -> dict[str, Any]:
    """Return the report of a test delivery in which all is well."""
    return {
        "delivery_id": "d1",
        "found": True,
        "login": LOGIN,
        "information_type": "detaljplan",
        "status": "OK",
        "tests": 3,
    } | changes


def active_permission(**changes: Any) -> Play[PermissionState]:
    """Return a permission that is active."""
    play = at_verification(**changes)
    play.take("report_test_delivery", CONTACT, {"delivery_id": "d1", "login": LOGIN})
    play.answer("report_fetched", **report())
    play.answer("key_live", environment="production")
    return play


def credential_begin(environment: str = "verification", **changes: Any) -> dict[str, Any]:
    """Return what a permission says when it starts a credential."""
    return {
        "owner": PERMISSION_ID,
        "org_number": MOLNDAL,
        "organisation_name": "Mölndals kommun",
        "case_number": "NGP2026-000001",
        "dataset_id": "detaljplan",
        "dataset_name": "Detaljplan",
        "party": MOLNDAL,
        "environment": environment,
        "apis": ["NGP Uppdatering"],
        "system_account": LOGIN,
        "holder": ANNA,
    } | changes


def begun_credential(environment: str = "verification", **changes: Any) -> Play[CredentialState]:
    """Return a credential that has just been begun."""
    play = Play(CREDENTIAL, key_ref(environment))
    play.answer("begin", **credential_begin(environment, **changes))
    return play


def issue(play: Play[CredentialState]) -> None:
    """Let the portal issue the key that is wanted, and offer it."""
    generation = play.state.generation
    offer = {"key_mapping_id": f"k{generation}", "offer_id": f"o{generation}"}
    play.answer("key_issued", **offer, generation=generation)


def offered_credential(environment: str = "verification", **changes: Any) -> Play[CredentialState]:
    """Return a credential whose key is offered."""
    play = begun_credential(environment, **changes)
    play.answer("application_created", application_id="app-1", approved=True)
    play.answer("subscribed", approved=True)
    issue(play)
    return play


def live_credential(environment: str = "verification", **changes: Any) -> Play[CredentialState]:
    """Return a credential whose key has been fetched."""
    play = offered_credential(environment, **changes)
    play.answer("picked_up", offer_id="o1")
    return play


def connection_begin(*, granted: bool = True, **changes: Any) -> dict[str, Any]:
    """Return what the onboarding says when it starts a connection."""
    decided = {"dataset_id": "detaljplan", "granted": granted, "ground": "none_needed"}
    return {
        "owner": ONBOARDING_ID,
        "org_number": MOLNDAL,
        "organisation": {"org_number": MOLNDAL, "name": "Mölndals kommun", "kind": "municipality"},
        "case_number": "NGP2026-000001",
        "contact": ANNA,
        "handler": "hanna",
        "dataset": {"declaration": declaration(**changes), "decision": decided},
        "decision": {
            "outcome": "granted",
            "datasets": {"detaljplan": decided},
            "legal_rules": ["FL 32 §"],
            "decisive_facts": "Uppfyllt.",
            "reasons": "Som föreslaget.",
            "decided_by": "david",
            "proposed_by": "hanna",
            "decided_on": "2026-03-02",
        },
    }


def begun_connection(*, granted: bool = True, **changes: Any) -> Play[ConnectionState]:
    """Return a connection as the onboarding begins it."""
    play = Play(CONNECTION, CONNECTION_ID)
    play.answer("begin", **connection_begin(granted=granted, **changes))
    return play


def connected(**changes: Any) -> Play[ConnectionState]:
    """Return a connection whose own permission is active."""
    play = begun_connection(**changes)
    play.answer("enrolled", accepted=True)
    play.answer("permission_active", ref=PERMISSION_ID)
    return play


def enrolment(**changes: Any) -> dict[str, Any]:
    """Return what a case says when it hangs on a person."""
    return (
        ANNA
        | {
            "ref": ONBOARDING_ID,
            "role": "contact",
            "active": False,
            "org_number": MOLNDAL,
            "organisation_name": "Mölndals kommun",
        }
        | changes
    )


def enrolled_person(**changes: Any) -> Play[PersonState]:
    """Return the access of a person on whom a case hangs."""
    play = Play(PERSON, "person/acc-1")
    play.answer("enrol", **enrolment(**changes))
    return play


def agreement_begin(*kinds: str) -> dict[str, Any]:
    """Return what an onboarding says when the agreement comes into force."""
    return {
        "owner": ONBOARDING_ID,
        "org_number": MOLNDAL,
        "organisation_name": "Mölndals kommun",
        "case_number": "NGP2026-000001",
        "contact": ANNA,
        "agreements": {kind: {"kind": kind} for kind in kinds},
    }


def agreement_in_force(*kinds: str) -> Play[AgreementState]:
    """Return an agreement that has come into force."""
    play = Play(AGREEMENT, AGREEMENT_ID)
    play.answer("begin", **agreement_begin(*kinds or ("producer",)))
    return play


def registration(kind: str, **changes: Any) -> dict[str, Any]:
    """Return an agreement as the register holds it, under a key of its own."""
    whole = {"kind": kind, "key": f"K-{kind}", "document": "e" * 64, "valid_from": "2026-02-01"}
    return whole | changes


def standing(*, accepted: bool = True, **changes: Any) -> dict[str, Any]:
    """Return what an agreement tells those who enrol at it."""
    if not accepted:
        return {"accepted": False}
    return {
        "accepted": True,
        "organisation": {"org_number": MOLNDAL, "name": "Mölndals kommun", "kind": "municipality"},
        "organisation_name": "Mölndals kommun",
        "contact": ANNA,
    } | changes


def dataset_application(**changes: Any) -> dict[str, Any]:
    """Return an application for a further data set."""
    return {"organisation": {"org_number": MOLNDAL}, "datasets": [declaration(**changes)]}


def opened_alone(**changes: Any) -> Play[ConnectionState]:
    """Return a data set that the contact adds under an agreement in force."""
    play = Play(CONNECTION, CONNECTION_ID)
    play.take("apply", CONTACT, dataset_application(**changes))
    play.answer("numbered", number="NGP2026-000002")
    return play


def appointment(**changes: Any) -> dict[str, Any]:
    """Return the appointment of an agent."""
    return {
        "organisation": {"org_number": MOLNDAL},
        "agent": {"org_number": AGENT, "name": "Konsult AB"},
        "contact": {"name": "Ola Ombud", "email": OLA.subject},
        "datasets": [{"dataset_id": "detaljplan"}],
        "valid_from": "2026-03-02",
        "valid_to": "2027-03-01",
        "agreement_exists": True,
        "acknowledgement": True,
    } | changes


def proposed(**changes: Any) -> Play[AppointmentState]:
    """Return an agent whom the producer has proposed, whose account is active."""
    play = Play(APPOINTMENT, APPOINTMENT_ID)
    play.take("apply", CONTACT, appointment(**changes))
    play.answer("numbered", number="NGP2026-000003")
    play.answer("enrolled", **standing())
    play.answer("organisation_looked_up", name="Konsult AB", kind=None)
    play.answer("organisation_found", account_id="org-2")
    play.answer(
        "person_found",
        role="agent_contact",
        email=OLA.subject,
        account_id="acc-7",
        login_name="olaombud",
        active=True,
    )
    return play


def active_agent(**changes: Any) -> Play[AppointmentState]:
    """Return an agent who has accepted and been approved."""
    play = proposed(**changes)
    play.take("accept_appointment", OLA)
    play.take("approve_agent", HANDLER, {})
    return play
