"""An example of everything that can happen to each machine, for the diagrams.

A row gives one or more payloads for a step, an answer or a word. `docs.exploring` tries each of
them in every situation; the machine refuses what does not belong there.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.connection_state import dataset_id
from domain.machine import Moment
from domain.onboarding_state import onboarding_id
from domain.state import State

FOLDER = Path(__file__).parent / "examples"
ORG_NUMBER = "212000-2783"
ACCOUNT = "acc-1"
SIGNED = "a" * 64
Examples = list[dict[str, Any]]


def read(name: str) -> dict[str, Any]:
    """Return one of the example files that the README uses."""
    return dict(json.loads((FOLDER / name).read_text("utf-8")))


PERSON = {
    "name": "Anna Lind",
    "email": "anna.lind@kiruna.example",
    "account_id": ACCOUNT,
    "login_name": "annalind",
    "active": True,
}
OFFICIAL = {
    "name": "Pia Ansvarig",
    "role": "dataskyddsombud",
    "phone": "010-123 45 68",
    "email": "pia@kiruna.example",
}
STANDING = {
    "accepted": True,
    "organisation": {"org_number": ORG_NUMBER, "kind": "municipality"},
    "organisation_name": "Kiruna kommun",
    "contact": PERSON,
}
COVERED = {"dataset_id": "detaljplan", "specification": "4.1", "personal_data": "declared"}
PLAN = {"dataset_id": "detaljplan", "granted": True, "ground": "none_needed"}
NO_PLAN = {"dataset_id": "detaljplan", "granted": False}
RULES = {"legal_rules": ["FL 32 §"], "decisive_facts": "Granskat."}


def _declared() -> dict[str, Any]:
    """Return an application for one data set that holds personal data."""
    application = read("application.json")
    personal = {"personal_data": "declared", "a3": ["namn"], "a4": ["fastighetsägare"]}
    application["datasets"][0] |= personal
    return application


def openings(state: State) -> Examples:
    """Return applications: one with personal data, which may turn out to have none."""
    organisation = {"organisation": {"org_number": ORG_NUMBER}}
    if state.type == "DatasetConnection":
        return [organisation | {"datasets": [each]} for each in _declared()["datasets"]]
    if state.type == "AgentAppointment":
        # One person takes every step here, so the agent's contact is the same one.
        contact = {"name": PERSON["name"], "email": PERSON["email"]}
        appointment = read("appointment.json") | organisation | {"contact": contact}
        return [appointment, appointment | {"valid_from": "2026-04-01"}]
    return [_declared()]


def _begin(state: State) -> dict[str, Any]:
    """Return what an owner says when it starts a part."""
    common = {
        "owner": onboarding_id(ORG_NUMBER),
        "org_number": ORG_NUMBER,
        "organisation_name": "Kiruna kommun",
        "organisation": {"org_number": ORG_NUMBER, "kind": "municipality"},
        "case_number": "NGP2026-000001",
        "contact": PERSON,
        "holder": PERSON,
        "party": ORG_NUMBER,
        "party_name": "Kiruna kommun",
        "dataset_id": "detaljplan",
        "dataset_name": "Detaljplan",
        "apis": ["api"],
    }
    if state.type == "Credential":
        return common | {"environment": "verification", "system_account": "abcd1234"}
    if state.type == "ProducerAgreement":
        agreement = {"kind": "producer", "document": SIGNED, "valid_from": "2026-03-02"}
        return common | {"agreements": {"producer": agreement}}
    return common


def _adopted_appointment() -> dict[str, Any]:
    """Return the word that takes over an appointment from before this system."""
    adopted = {"actor": {"subject": "a", "name": "Hanna", "role": "case_handler"}, "basis": "Arkiv"}
    delivery = {"adopted": adopted, "system_account": "abcd1234", "applications": {}}
    return {
        "adopted": adopted,
        "org_number": ORG_NUMBER,
        "organisation_name": "Kiruna kommun",
        "contact": PERSON,
        "agent_id": "556036-0793",
        "agent_name": "Kartkonsult AB",
        "agent_contact": PERSON,
        "valid_from": "2025-01-01",
        "valid_to": "2027-03-01",
        "datasets": [{"dataset_id": "detaljplan", "delivery": delivery}],
    }


def begins(state: State, moment: Moment) -> Examples:
    """Return the words that start a part; a data set may be granted or denied."""
    if state.type == "PersonAccess":
        enrol = PERSON | {"ref": onboarding_id(ORG_NUMBER), "role": "contact"}
        enrol |= {"org_number": ORG_NUMBER, "organisation_name": "Kiruna kommun"}
        return [enrol | {"active": False}, enrol]
    if state.type == "AgentAppointment":
        return [_adopted_appointment()]
    begin = _begin(state)
    until = (moment.now + timedelta(days=200)).isoformat()
    if state.type == "Permission":
        by_hand = {"accepts_by_itself": False}
        return [begin, begin | by_hand, begin | {"limits": {"mandate": until}}]
    if state.type == "Credential":
        return [begin, begin | {"valid_until": until}, begin | {"application_id": "a"}]
    if state.type == "DatasetConnection":
        return [begin | _decided(granted, moment) for granted in (PLAN, NO_PLAN)]
    return [begin]


def _decided(granted: dict[str, Any], moment: Moment) -> dict[str, Any]:
    decision = RULES | {
        "outcome": "granted" if granted["granted"] else "denied",
        "datasets": {"detaljplan": granted},
        "reasons": "Som föreslaget.",
        "decided_by": "david",
        "proposed_by": "hanna",
        "decided_on": moment.today.isoformat(),
    }
    declaration = read("application.json")["datasets"][0]
    return {"dataset": {"declaration": declaration, "decision": granted}, "decision": decision}


def steps(state: State, moment: Moment) -> dict[str, Examples]:
    """Return payloads for the steps of people; a step that is not named needs none."""
    del state
    today = moment.today.isoformat()
    later = (moment.today + timedelta(days=14)).isoformat()
    submitted = read("agreement.json")
    processing = {"kind": "processing", "contacts": {"controller": OFFICIAL, "incident": OFFICIAL}}
    processing |= {"a3": ["namn"], "a4": ["fastighetsägare"]}
    kinds = ("producer", "processing")
    return {
        "assign": [{"handler": "hanna"}],
        "note": [{"text": "Ringde.", "visibility": "shared"}],
        "request_completion": [{"items": [{"what": "Karta"}], "due": later}],
        "extend_deadline": [{"deadline": "review", "due": later, "reason": "Semester"}],
        "park": [{"until": later, "reason": "Väntar"}],
        "replace_contact": [{"name": "Bo Ek", "email": "bo.ek@kiruna.example"}],
        "name_deputy": [{"name": "Bo Ek", "email": "bo.ek@kiruna.example"}],
        "declare_bias": [{"reason": "Släkt"}],
        "close": [{"reason": "Dubbelt ärende", "legal_rules": ["FL 32 §"]}],
        "confirm_organisation": [{"kind": "region", "name": "Region X", "basis": "Beslut"}],
        "describe_dataset": [read("application.json")["datasets"][0]],
        "submit_agreement": [submitted, submitted | processing],
        "accept_agreement": [read("checklist.json"), {"kind": "processing", "checklist": ALL_OK}],
        "return_agreement": [
            {"kind": kind, "deficiencies": [{"place": "p.1", "what": "Fel"}], "due": later}
            for kind in kinds
        ],
        "countersign_agreement": [{"kind": kind} for kind in kinds],
        "refuse_countersigning": [{"reason": "Fel mall"}],
        "propose_decision": _proposals(),
        "hear_party": [{"material": "Förslag", "due": later}],
        "comment": [{"text": "Inget att tillägga."}],
        "skip_hearing": [{"reason": "FL25_1"}],
        "decide": [{"reasons": "Som föreslaget."}],
        "send_back": [{"reason": "Utred mer"}],
        "record_receipt": [{"date": today}],
        "refuse_request_decision": [{"reason": "Väntar på yttrande"}],
        "appeal": [{"document": SIGNED, "arrival_date": today}],
        "record_timeliness": [{"in_time": each, "reason": "Datum"} for each in (True, False)],
        "hand_over": [{"date": today}],
        "record_appeal_outcome": [
            {"outcome": each, "date": today} for each in ("upheld", "remitted")
        ],
        "reconsider": [
            RULES | {"datasets": each, "reasons": "Ändrat."}
            for each in ([PLAN], [PLAN | {"ground": "P1a"}])
        ],
        "update_contacts": [
            {
                "information_owner": {"name": "Ivar Ek", "email": "ivar@kiruna.example"},
                "support_email": "geodata@kiruna.example",
            }
        ],
        "disconnect": [{"last_day": later}],
        "report_test_delivery": [{"delivery_id": "d-1", "login": "abcd1234"}],
        "return_test_delivery": [{"findings": ["Fel geometri"], "due": later}],
        "change_hosting": [{"hosting": "own_api", "base_url": "https://data.kiruna.example"}],
        "end_permission": [{"reason": "Slut", "at": later}],
        "revoke_key": [{"reason": "Läckt"}],
        "change_declaration": [{"personal_data": "declared", "a3": ["namn"], "a4": ["ägare"]}],
        "change_delivery": [
            {"delivery": "agent"},
            {"delivery": "own", "hosting": "data_host"},
        ],
        "give_notice": [{"last_day": later, "reason": "Slut", "document": SIGNED}],
        "confirm_access": [{"persons": [PERSON["email"]]}],
        "schedule_departure": [{"last_day": later}],
        "name_successor": [
            {"role": "contact", "person": {"name": "B", "email": "b@kiruna.example"}}
        ],
        "change_duties": [{"roles": ["contact"], "from": later}],
        "suspend": [{"reason": "Borttappad dator"}],
        "refuse_appointment": [{"reason": "Ingen tid"}],
        "decline_agent": [{"reason": "Okänd"}],
        "decline_extension": [{"reason": "Nej"}],
        "change_datasets": [{"add": [{"dataset_id": "byggnad"}]}, {"remove": ["detaljplan"]}],
        "request_extension": [{"valid_to": "2028-03-01"}],
        "approve_extension": [{"valid_to": "2028-03-01"}],
        "revoke_agent": [{"reason": "Klart"}],
        "leave_appointment": [{"reason": "Klart"}],
        "reject_cuts": [{"reason": "Portalen är nyss återställd"}],
        "follow_register": [{"reason": "Registret har avtalets egen dag"}],
        "enrol": [{"ref": dataset_id(ORG_NUMBER, "detaljplan"), "type": "DatasetConnection"}],
    }


ALL_OK = [
    {"place": place, "outcome": "ok"}
    for place in ("template", "p.1", "p.15", "p.16", "A3", "A4", "B8")
]


def _proposals() -> Examples:
    decided = [
        ("granted", [PLAN]),
        ("granted", [PLAN | {"ground": "P1a"}]),
        ("denied", [NO_PLAN]),
        ("dismissed", []),
    ]
    return [RULES | {"outcome": outcome, "datasets": sets} for outcome, sets in decided]


def heard(state: State) -> dict[str, Examples]:
    """Return contents of the answers of outside systems and of words from other workflows."""
    refs = [part.ref for part in state.open_parts()]
    approvals = (True, False)
    report = {"delivery_id": "d-1", "found": True, "login": "abcd1234", "tests": 1}
    report |= {"information_type": "detaljplan", "findings": []}
    return {
        "organisation_looked_up": [
            {"name": "Kiruna kommun", "kind": "municipality"},
            {"name": "X", "needs_person": {"sv": "Finns inte.", "en": "Unknown."}},
        ],
        "organisation_found": [{"account_id": "org-1"}],
        "person_found": [
            PERSON | {"role": role, "active": active}
            for role in ("contact", "deputy", "agent_contact")
            for active in approvals
        ],
        "person_active": [{"account_id": ACCOUNT}],
        "form_checked": [{"kind": "producer", "findings": []}],
        "agreement_registered": [{"kind": "producer"}, {"kind": "processing"}],
        "registration_withdrawn": [{"kind": "producer"}, {"kind": "processing"}],
        "agreement_ended": [{"kind": "producer"}],
        "register_differs": [
            {"kind": "producer", "why": "not_in_register", "valid_from": "2026-01-01"}
        ],
        "registrations_found": [{}],
        "dataset_connected": [{"ref": ref} for ref in refs],
        "part_ended": [{"ref": ref, "outcome": "withdrawn"} for ref in refs],
        "permission_active": [{"ref": ref} for ref in refs],
        "enrolled": [
            STANDING,
            STANDING | {"granted": {"detaljplan": COVERED}},
            {"accepted": False},
        ],
        "dataset_enrolled": [{"accepted": each} for each in approvals],
        "dataset_ready": [{"dataset_id": "detaljplan"}],
        "person_left": [{"account_id": ACCOUNT}],
        "account_off": [{}],
        "owner_looked_up": [{"email": "ivar.ek@kiruna.example", "account_id": "acc-8"}],
        "account_found_off": [{}],
        "account_found_on": [{}],
        "agreement_in_force": [{}],
        "contacts": [{"holder": PERSON}],
        "system_account_found": [{"login_name": "abcd1234"}],
        "system_account_off": [{}],
        "key_live": [{"environment": each} for each in ("verification", "production")],
        "report_fetched": [
            report | {"status": "OK"},
            report | {"status": "ERROR"},
            {"delivery_id": "d-1", "found": False},
        ],
        "application_created": [{"application_id": "a", "approved": each} for each in approvals],
        "subscribed": [{"approved": each} for each in approvals],
        **_heard_by_credential(state),
        "application_gone": [{}],
        "person_activated": [{}],
        "looked": _looked(state),
        "compared": _compared(state),
        "dealt": [{"done": {"told": 1}, "left": 0}],
        "closed": [{}],
        "release": [{"ref": onboarding_id(ORG_NUMBER)}],
        "successor_found": [],
        "end": [{"outcome": "withdrawn"}],
    }


def _heard_by_credential(state: State) -> dict[str, Examples]:
    generation = getattr(state, "generation", 1)
    offered = {"offer_id": "o", "generation": generation}
    other = PERSON | {"name": "Bo Ek", "email": "bo.ek@kiruna.example", "account_id": "acc-2"}
    return {
        "application_claimed": [{"is_there": each} for each in (True, False)],
        "key_issued": [offered | {"key_mapping_id": "k"}, {"generation": generation}],
        "key_approved": [{}],
        "secrets_listed": [{"several": each, "secrets": ["s"]} for each in (True, False)],
        "secret_added": [offered],
        "old_secrets_ended": [{}],
        "offer_cancelled": [{"already_fetched": each} for each in (True, False)],
        "picked_up": [{"offer_id": "o"}],
        "holder": [{"holder": PERSON}],
        "rotate_to": [{"holder": other, "reason": "person_left"}],
        "cancel_offers_to": [{"account_id": ACCOUNT}],
        "key_missing": [{}],
        "keys_revoked": [{}],
    }


def _looked(state: State) -> Examples:
    """Return the answers of everything that a run of the reconciliation still looks at."""
    look = getattr(state, "look", 0)
    return [
        {"look": look, "system": each.system, "operation": each.operation} for each in state.pending
    ]


def _compared(state: State) -> Examples:
    """Return comparisons that found nothing, a little, and too much."""
    look = getattr(state, "look", 0)
    rest = {"look": look, "granted": 40, "only_reports": False, "tasks": 0}
    return [
        rest | {"found": {"not_entitled": count}, "to_tell": count, "cuts": count}
        for count in (0, 1, 30)
    ]
