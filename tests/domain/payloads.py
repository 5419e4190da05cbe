"""What people, systems and workflows might say next: generated from a state, mostly sensible."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from docs import examples_of_acts
from domain.appointment_state import AppointmentState
from domain.case import CaseState
from domain.credential_state import CredentialState
from domain.machine import Moment
from domain.permission_state import PermissionState
from domain.state import Pending, State
from tests.domain import parts
from tests.domain.playing import (
    MOLNDAL,
    NOON,
    PERSONAL,
    POLICY,
    all_ok,
    application,
    declaration,
    submission,
)

Make = Callable[[Random, Any, Moment], dict[str, Any]]
REF = "dataset/212000-0142/byggnad"
NAMES = ("detaljplan", "byggnad", "strandskydd")
PEOPLE: tuple[dict[str, Any], ...] = (
    {"name": "Anna Lind", "email": "anna.lind@molndal.example"},
    {"name": "Eva Ny", "email": "eva.ny@molndal.example"},
    {"name": "Bo Ek", "email": "bo.ek@molndal.example"},
)


def _day(rng: Random, moment: Moment, *, ahead: int = 40, behind: int = 2) -> str:
    return (moment.today + timedelta(days=rng.randint(-behind, ahead))).isoformat()


def _declaration(rng: Random, state: Any, moment: Moment) -> dict[str, Any]:
    del moment
    known = list(state.datasets) if isinstance(state, CaseState) and state.datasets else NAMES
    personal: dict[str, Any] = rng.choice([{}, {}, PERSONAL, {"personal_data": "unknown"}])
    delivery: dict[str, Any] = rng.choice(
        [{}, {}, {"delivery": "both"}, {"delivery": "agent", "hosting": None}]
    )
    return declaration(rng.choice(list(known)), **personal, **delivery)


def _application(rng: Random, state: Any, moment: Moment) -> dict[str, Any]:
    if state.type == "DatasetConnection":
        plan = {**_declaration(rng, None, moment), "dataset_id": "detaljplan"}
        return {"organisation": {"org_number": MOLNDAL}, "datasets": [plan]}
    if state.type == "AgentAppointment":
        return parts.appointment(
            valid_from=_day(rng, moment, ahead=5),
            valid_to=_day(rng, moment, ahead=700, behind=-6),
            **rng.choice([{}, {"mandate": {"document": "m", "valid_to": _day(rng, moment)}}]),
        )
    names = rng.sample(NAMES, rng.randint(1, 2))
    wanted: list[dict[str, Any]] = [
        {**_declaration(rng, None, moment), "dataset_id": name} for name in names
    ]
    deputy = {"deputy": PEOPLE[2]} if rng.random() < 0.3 else {}
    return application(*wanted, org_number=state.workflow_id.partition("/")[2]) | deputy


def _decisions(rng: Random, state: CaseState, *, kind: str) -> list[dict[str, Any]]:
    if kind == "dismissed":
        return []
    found = []
    for index, (name, dataset) in enumerate(state.datasets.items()):
        granted = kind == "granted" and (index == 0 or rng.random() < 0.6)
        without = dataset.declaration.personal_data == "none"
        ground = ("none_needed" if without else "P1a") if granted else None
        conditions = rng.choice(["", "", "Årlig rapport."]) if granted else ""
        found.append(
            {"dataset_id": name, "granted": granted, "ground": ground, "conditions": conditions}
        )
    return found


def _proposal(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    del moment
    is_examined = state.stage in {"review", "assessment"}
    kind = rng.choice(
        ["granted", "granted", "denied", "dismissed"]
        if is_examined
        else ["dismissed", "dismissed", "granted"]
    )
    return {
        "outcome": kind,
        "datasets": _decisions(rng, state, kind=kind),
        "legal_rules": ["FL 32 §"],
        "decisive_facts": "Underlaget.",
    }


def _decide(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    del moment
    if rng.random() < 0.7:
        return {"reasons": "Som föreslaget."}
    kind = rng.choice(["granted", "denied", "dismissed"])
    return {"outcome": kind, "datasets": _decisions(rng, state, kind=kind), "reasons": "Nej."}


def _reconsider(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    del moment
    is_dismissal = state.appeal is not None and state.appeal.outcome == "dismissed"
    kind = "dismissed" if is_dismissal else "granted"
    return {
        "datasets": _decisions(rng, state, kind=kind),
        "legal_rules": ["FL 38 §"],
        "decisive_facts": "Nytt.",
        "reasons": "Ändras.",
    }


def _kind(rng: Random, state: CaseState) -> str:
    return rng.choice(sorted(state.agreements) or ["producer", "processing"])


def _submission(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    del moment
    form = {"form": f"f{rng.randint(1, 3)}"} if rng.random() < 0.4 else {}
    return submission(_kind(rng, state), **form)


def _accept(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    del moment
    answers = all_ok(_kind(rng, state))
    if rng.random() < 0.1:
        answers["checklist"][0]["outcome"] = "deficient"
    return answers


def _return(rng: Random, state: CaseState, moment: Moment) -> dict[str, Any]:
    kind = _kind(rng, state)
    lacks = {"place": rng.choice(["p.1", "template", "B8"]), "what": "Saknas"}
    return {"kind": kind, "deficiencies": [lacks], "due": _day(rng, moment)}


def _extension(rng: Random, state: State, moment: Moment) -> dict[str, Any]:
    rules = [waiting.rule for waiting in state.waiting] or ["review"]
    return {"deadline": rng.choice(rules), "due": _day(rng, moment, ahead=90), "reason": "x"}


def _test_delivery(rng: Random, state: PermissionState, moment: Moment) -> dict[str, Any]:
    del moment
    logins = [state.system_account or "abcd1234"] * 4 + ["annalind", "wxyz9876", "a 1"]
    return {"delivery_id": f"d{rng.randint(1, 9)}", "login": rng.choice(logins)}


def _past(rng: Random, state: Any, moment: Moment) -> dict[str, Any]:
    del state
    return {"date": _day(rng, moment, ahead=0, behind=3)}


def _fixed(*payloads: dict[str, Any]) -> Make:
    return lambda rng, *_: dict(rng.choice(payloads))


def _dated(name: str, **rest: Any) -> Make:
    return lambda rng, _, moment: {name: _day(rng, moment), **rest}


STEPS: dict[str, Make] = {
    "apply": _application,
    "confirm_organisation": _fixed({"kind": "state_agency", "name": "Verket", "basis": "SFS"}),
    "describe_dataset": _declaration,
    "submit_agreement": _submission,
    "accept_agreement": _accept,
    "return_agreement": _return,
    "countersign_agreement": lambda rng, state, _: {"kind": _kind(rng, state)},
    "propose_decision": _proposal,
    "hear_party": _dated("due", material="Förslaget"),
    "comment": _fixed({"text": "Vi yttrar oss."}),
    "skip_hearing": _fixed({"reason": "FL25_1"}, {"reason": "FL25_1"}, {"reason": "tid"}),
    "decide": _decide,
    "reconsider": _reconsider,
    "record_receipt": _past,
    "appeal": lambda rng, _, moment: {
        "document": "d" * 64,
        "arrival_date": _day(rng, moment, ahead=0, behind=3),
    },
    "record_timeliness": _fixed(
        *[{"in_time": True, "reason": "x"}] * 3, {"in_time": False, "reason": "x"}
    ),
    "hand_over": _past,
    "record_appeal_outcome": lambda rng, state, moment: {
        "outcome": rng.choice(["upheld", "remitted", "remitted"]),
        **_past(rng, state, moment),
    },
    "assign": _fixed({"handler": "hanna"}, {"handler": "bo", "registry_number": "LM2026/1"}),
    "note": _fixed({"text": "x", "visibility": "shared"}, {"text": "x"}),
    "request_completion": _dated("due", items=[{"what": "Karta"}]),
    "submit_completion": _fixed({}, {"text": "Här.", "documents": ["a" * 64]}),
    "extend_deadline": _extension,
    "park": _dated("until", reason="x"),
    "replace_contact": _fixed(*PEOPLE),
    "name_deputy": _fixed(*PEOPLE),
    "close": _fixed({"reason": "x", "legal_rules": ["FL 32 §"]}),
    "retry_step": _fixed({}, {"operation": "subscribe"}),
    "update_contacts": _fixed(
        {"information_owner": {"name": "I", "email": "i@x.example"}, "support_email": "s@x.example"}
    ),
    "disconnect": _dated("last_day"),
    "report_test_delivery": _test_delivery,
    "accept_test_delivery": _fixed({}),
    "return_test_delivery": _dated("due", findings="Fel"),
    "change_hosting": _fixed({"hosting": "data_host"}, {"hosting": "own_api"}),
    "end_permission": lambda rng, _, moment: (
        {"reason": "x"}
        | rng.choice([{}, {"at": (moment.now + timedelta(days=rng.randint(-1, 90))).isoformat()}])
    ),
    "change_declaration": _fixed(
        {"personal_data": "none"}, PERSONAL, {**PERSONAL, "a3": ["namn", "telefon"]}
    ),
    "change_delivery": _fixed(
        {"delivery": "agent"},
        {"delivery": "own", "hosting": "data_host"},
        {"delivery": "both", "hosting": "data_host"},
    ),
    "give_notice": _dated("last_day", reason="x", document="d"),
    "confirm_access": lambda rng, state, _: {
        "persons": [p.email for _, p in state.people() if rng.random() < 0.8] or ["x"],
        "agents": [part.item for part in state.open_parts() if part.type == "AgentAppointment"],
    },
    "schedule_departure": _dated("last_day"),
    "name_successor": lambda rng, state, _: {
        "role": rng.choice(getattr(state, "roles", None) or ["contact"]),
        "person": rng.choice(PEOPLE),
    },
    "change_duties": lambda rng, state, moment: {
        "roles": getattr(state, "roles", None) or ["contact"],
        "from": _day(rng, moment),
    },
    "suspend": _fixed({"reason": "x"}),
    "change_datasets": _fixed(
        {"add": [{"dataset_id": "byggnad"}]},
        {"remove": ["byggnad"]},
        {"remove": ["detaljplan"]},
        {"add": [{"dataset_id": "detaljplan"}]},
    ),
    "approve_agent": _fixed({}),
    "request_extension": _dated("valid_to"),
    "approve_extension": lambda _, state, __: {
        "valid_to": (state.extension.valid_to if state.extension else NOON.date()).isoformat()
    },
    "revoke_agent": lambda rng, _, moment: (
        {"reason": "x"} | rng.choice([{}, {"last_day": _day(rng, moment)}])
    ),
    "leave_appointment": _fixed({"reason": "x"}),
    "enrol": _fixed(
        {"ref": parts.CONNECTION_ID, "type": "DatasetConnection"},
        {"ref": REF, "type": "DatasetConnection"},
        {"ref": parts.APPOINTMENT_ID, "type": "AgentAppointment", "item": parts.AGENT},
        {"ref": parts.AGENT_PERMISSION_ID, "type": "Permission", "item": parts.AGENT},
    ),
}
REASONED = (
    "declare_bias",
    "send_back",
    "refuse_countersigning",
    "refuse_request_decision",
    "revoke_key",
    "refuse_appointment",
    "decline_agent",
    "decline_extension",
    "reject_cuts",
)
JUNK: tuple[Any, ...] = (None, 7, "x" * 20_000, [], {"a": 1}, "1999-13-01", "\x00", True, -1)


def payload(
    rng: Random, name: str, state: State, moment: Moment, *, wrong: float
) -> dict[str, Any]:
    """Return a payload for a step: mostly one that fits, some with something wrong in them."""
    default = _fixed({"reason": "x"}) if name in REASONED else _fixed({})
    made = STEPS.get(name, default)(rng, state, moment)
    if rng.random() < wrong:
        key = rng.choice([*made, "surplus"])
        if rng.random() < 0.5:
            made.pop(key, None)
        else:
            made[key] = rng.choice(JUNK)
    return made


def _lookup(rng: Random) -> dict[str, Any]:
    unclear = {"needs_person": {"sv": "Okänd.", "en": "Unknown."}}
    known = {"name": "Mölndals kommun", "kind": "municipality"}
    return rng.choice([known, known, known, {"name": "Verket", "kind": "state_agency"}, unclear])


def _standing(rng: Random) -> dict[str, Any]:
    covered: dict[str, Any] = rng.choice(
        [{}, {"a3": ["namn", "adress"], "a4": ["fastighetsägare"]}]
    )
    plan = {"dataset_id": "detaljplan", "specification": "4.1", "personal_data": "declared"}
    granted: dict[str, Any] = rng.choice([{}, {"detaljplan": plan | covered}])
    return parts.standing(**covered, granted=granted, accepted=rng.random() < 0.8)


def _person_found(rng: Random, state: Any, want: Pending) -> dict[str, Any]:
    return _found(rng, dict(state.people()).get(want.item), want)


def _found(rng: Random, person: Any, want: Pending) -> dict[str, Any]:
    person = getattr(person, "person", person)
    email = person.email if person else PEOPLE[0]["email"]
    ids = {each["email"]: f"acc-{index}" for index, each in enumerate(PEOPLE, 1)}
    return {
        "role": want.item,
        "email": email,
        "account_id": ids.get(email, "acc-9"),
        "login_name": "namn",
        "active": rng.random() < 0.5,
    }


def _report(rng: Random, state: Any, want: Pending) -> dict[str, Any]:
    return parts.report(
        delivery_id=want.item,
        found=rng.random() < 0.9,
        login=rng.choice([state.system_account, state.system_account, "wxyz9876"]),
        information_type=rng.choice([state.dataset_id] * 5 + ["byggnad"]),
        status=rng.choice(["OK", "OK", "WARNING", "FAILURE", "ERROR"]),
    )


def _issued(rng: Random, state: CredentialState, want: Pending) -> dict[str, Any]:
    generation = max(1, state.generation - (rng.random() < 0.1))
    is_pending = want.operation == "issue_key" and rng.random() < 0.1
    return {
        "key_mapping_id": f"k{generation}",
        "offer_id": None if is_pending else f"o{generation}",
        "generation": generation,
    }


def _secrets(rng: Random, *_: Any) -> dict[str, Any]:
    several = rng.random() < 0.6
    secrets = ["s1"] if several else []
    return {"is_there": rng.random() < 0.9, "several": several, "secrets": secrets}


def _approved(rng: Random, *_: Any) -> dict[str, Any]:
    return {"approved": rng.random() < 0.7}


def _registrations(rng: Random, *_: Any) -> dict[str, Any]:
    kinds = rng.choice([(), ("producer",), ("producer", "processing")])
    return {"registrations": [parts.registration(kind) for kind in kinds]}


def _kind_of(rng: Random, state: Any, want: Pending) -> dict[str, Any]:
    del rng, state
    return {"kind": want.item}


def _looked(rng: Random, state: Any, want: Pending) -> dict[str, Any]:
    left = rng.choice([0, 0, 7])
    return {
        "look": state.look,
        "system": want.system,
        "operation": want.operation,
        "left": left,
    }


def _compared(rng: Random, state: Any, want: Pending) -> dict[str, Any]:
    del want
    cuts = rng.choice([0, 2, 30])
    to_tell = cuts + rng.choice([0, 1])
    counts = {"to_tell": to_tell, "cuts": cuts, "tasks": rng.choice([0, 1]), "granted": 40}
    found = {"not_entitled": cuts} if cuts else {}
    only = rng.random() < 0.2
    return {"look": state.look, "found": found, "only_reports": only, **counts}


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


ANSWERS: dict[str, tuple[str, Callable[[Random, Any, Pending], dict[str, Any]]]] = {
    "look_up_organisation": ("organisation_looked_up", lambda rng, *_: _lookup(rng)),
    "find_or_create_organisation": ("organisation_found", lambda *_: {"account_id": "org-1"}),
    "find_or_create_person": ("person_found", _person_found),
    "check_form": (
        "form_checked",
        lambda rng, _, want: {
            "kind": want.item,
            "form": rng.choice([None, f"f{rng.randint(1, 3)}"]),
        },
    ),
    "register_agreement": ("agreement_registered", _kind_of),
    "withdraw_registration": ("registration_withdrawn", _kind_of),
    "enrol_at_agreement": ("enrolled", lambda rng, *_: _standing(rng)),
    "enrol_at_dataset": (
        "dataset_enrolled",
        lambda rng, *_: {
            "accepted": rng.random() < 0.7,
            "last_day": rng.choice([None, None, "2026-12-31"]),
        },
    ),
    "disable_person": ("account_off", _nothing),
    "look_up_owner": (
        "owner_looked_up",
        lambda rng, state, _: {
            "email": state.declaration.information_owner.email,
            "account_id": rng.choice([None, "acc-1", "acc-8"]),
        },
    ),
    "find_successor": (
        "successor_found",
        lambda rng, state, want: _found(rng, state.successors.get(want.item), want),
    ),
    "end_agreement": ("agreement_ended", _kind_of),
    "find_registrations": ("registrations_found", _registrations),
    "create_system_account": ("system_account_found", lambda *_: {"login_name": "abcd1234"}),
    "claim_system_account": ("system_account_claimed", _nothing),
    "fetch_report": ("report_fetched", _report),
    "disable_system_account": ("system_account_off", _nothing),
    "create_application": (
        "application_created",
        lambda rng, *_: {"application_id": "a", **_approved(rng)},
    ),
    "await_application": (
        "application_created",
        lambda *_: {"application_id": "a", "approved": True},
    ),
    "subscribe": ("subscribed", _approved),
    "await_subscription": ("subscribed", lambda *_: {"approved": True}),
    "claim_application": ("application_claimed", lambda rng, *_: {"is_there": rng.random() < 0.8}),
    "issue_key": ("key_issued", _issued),
    "await_key": ("key_approved", _nothing),
    "list_secrets": ("secrets_listed", _secrets),
    "add_secret": ("secret_added", _issued),
    "end_old_secrets": ("old_secrets_ended", _nothing),
    "cancel_offer": ("offer_cancelled", lambda rng, *_: {"already_fetched": rng.random() < 0.3}),
    "revoke_keys": ("keys_revoked", _nothing),
    "remove_application": ("application_gone", _nothing),
    "activate_person": ("person_activated", _nothing),
    "list_applications": ("looked", _looked),
    "count_keys": ("looked", _looked),
    "list_system_accounts": ("looked", _looked),
    "look_at_people": ("looked", _looked),
    "list_agreements": ("looked", _looked),
    "compare": ("compared", _compared),
    "deal": ("dealt", lambda rng, *_: {"done": {"told": 3}, "left": rng.choice([0, 0, 3])}),
    "close": ("closed", _nothing),
}


def _a_part(rng: Random, state: State, moment: Moment) -> dict[str, Any]:
    del moment
    # a key outlives its permission's word to end, never the permission without it
    refs = [
        ref for ref, part in state.parts.items() if part.told_to_end or state.type != "Permission"
    ]
    return {"ref": rng.choice([*refs, REF]), "outcome": rng.choice(["denied", "withdrawn"])}


def _enrolment(rng: Random, state: State, moment: Moment) -> dict[str, Any]:
    del state, moment
    refs = [parts.ONBOARDING_ID, parts.AGREEMENT_ID]
    return parts.enrolment(ref=rng.choice(refs), active=rng.random() < 0.2)


def _until(rng: Random, state: State, moment: Moment) -> dict[str, Any]:
    del state
    at = moment.now + timedelta(days=rng.randint(-1, 400))
    return {
        "source": rng.choice(["mandate", "disconnect"]),
        "until": rng.choice([None, at.isoformat()]),
    }


def _holders(rng: Random, *_: Any) -> dict[str, Any]:
    person = rng.choice([*PEOPLE, parts.ANNA])
    return {"holder": person, "deputy": rng.choice([None, PEOPLE[2]])}


def _begin_connection(rng: Random, *_: Any) -> dict[str, Any]:
    granted = rng.random() < 0.6
    alone = {"delivery": "agent", "hosting": None} if rng.random() < 0.2 else {}
    return parts.connection_begin(granted=granted, **alone)


def _begin_permission(rng: Random, _: Any, moment: Moment) -> dict[str, Any]:
    until = moment.now + timedelta(days=rng.randint(1, 300))
    bounds: dict[str, Any] = rng.choice([{}, {"limits": {"mandate": until.isoformat()}}])
    if rng.random() < 0.3:
        bounds = {**bounds, "dataset_ref": parts.CONNECTION_ID}
    return parts.permission_begin(accepts_by_itself=rng.random() < 0.6, **bounds)


def _left(rng: Random, state: Any, moment: Moment) -> dict[str, Any]:
    del moment
    who = {**parts.ANNA, "email": "bo.ek@molndal.example", "account_id": "acc-3"}
    roles = rng.choice([[], ["contact"], ["key"], ["agent_contact"]])
    successors = {role: who for role in roles if rng.random() < 0.5}
    people = [person for _, person in getattr(state, "people", list)()]
    people += [person for person in [getattr(state, "holder", None)] if person]
    known = [person.account_id for person in people if person.account_id]
    account_id = rng.choice([*known, "acc-9"])
    return {"account_id": account_id, "roles": roles, "successors": successors}


def _leaving(rng: Random, state: Any, moment: Moment) -> dict[str, Any]:
    day = rng.choice([None, _day(rng, moment)])
    return {"account_id": rng.choice(["acc-1", "acc-2", "acc-3"]), "last_day": day}


def _granted(*_: Any) -> dict[str, Any]:
    plan = {"dataset_id": "byggnad", "specification": "1.0", "personal_data": "none"}
    return {"covered": plan}


AGENT_STATE = AppointmentState(workflow_id=parts.APPOINTMENT_ID)
EVERY_WORD: dict[str, Make] = {
    "unreachable": _fixed({"email": "anna.lind@molndal.example"}),
    "retry_notice": _fixed({"operation": "notice:x#1", "by": "olle"}),
    "outcome_unknown": _fixed({"operation": "subscribe"}),
}
WORDS: dict[str, dict[str, Make]] = {
    "ProducerOnboarding": {
        "numbered": _fixed({"number": "NGP2026-000001"}),
        "person_active": _fixed({"account_id": "acc-1"}, {"account_id": "acc-2"}),
        "person_suspended": _fixed({"account_id": "acc-1"}, {"account_id": "acc-2"}),
        "part_ended": _a_part,
        "dataset_connected": lambda rng, state, _: {"ref": rng.choice([*state.parts, REF])},
        "person_left": _left,
    },
    "DatasetConnection": {
        "begin": _begin_connection,
        "contacts": _holders,
        "agreement_in_force": _nothing,
        "person_left": _left,
        "covered": _fixed({"a3": ["namn", "adress"], "a4": ["fastighetsägare"]}, {}),
        "valid_until": _until,
        "permission_active": lambda rng, state, _: {"ref": rng.choice([*state.parts, REF])},
        "part_ended": _a_part,
        "person_active": _fixed({"account_id": "acc-2"}),
        "end": _fixed({"outcome": "closed"}),
    },
    "AgentAppointment": {
        "begin": lambda *_: examples_of_acts.begins(AGENT_STATE, Moment(NOON, POLICY))[0],
        "person_active": lambda _, state, __: {
            "account_id": state.agent_contact.account_id or "acc-2" if state.agent_contact else "x"
        },
        "person_left": _left,
        "contacts": _holders,
        "dataset_ready": _fixed({"dataset_id": "detaljplan"}, {"dataset_id": "byggnad"}),
        "valid_until": lambda rng, state, moment: {
            **_until(rng, state, moment),
            "source": "agreement",
        },
        "part_ended": _a_part,
        "end": _fixed({"outcome": "closed"}),
    },
    "ProducerAgreement": {
        "begin": lambda rng, *_: parts.agreement_begin(
            *rng.choice([("producer",), ("producer", "processing")])
        ),
        "person_active": _fixed({"account_id": "acc-2"}),
        "person_left": _left,
        "person_leaving": _leaving,
        "supplemented": lambda *_: {"agreement": {"kind": "processing", "document": "s"}},
        "granted": _granted,
        "dataset_ready": _fixed({"dataset_id": "byggnad"}),
        "case_contacts": lambda rng, *_: {
            "role": rng.choice(["contact", "deputy"]),
            "person": rng.choice(PEOPLE),
        },
        "register_differs": _fixed(parts.NOT_IN_REGISTER),
        "register_agrees": _fixed({"kind": "producer"}, {"kind": "processing"}),
        "part_ended": _a_part,
        "end": _fixed({"outcome": "withdrawn"}),
    },
    "Permission": {
        "begin": _begin_permission,
        "key_live": _fixed({"environment": "verification"}, {"environment": "production"}),
        "contacts": _holders,
        "valid_until": _until,
        "dataset_ready": _nothing,
        "person_active": _fixed({"account_id": "acc-1"}),
        "person_left": _left,
        "part_ended": _a_part,
        "end": _fixed({}, {"outcome": "closed"}),
    },
    "Credential": {
        "begin": lambda rng, *_: parts.credential_begin(
            "production",
            party=rng.choice([MOLNDAL, "212000-0142"]),
            application_id=rng.choice([None, None, "adopted"]),
        ),
        "picked_up": lambda rng, state, _: {"offer_id": rng.choice([state.offer_id or "o1", "o1"])},
        "holder": _holders,
        "rotate_to": lambda rng, *_: _holders(rng) | {"reason": "person_left"},
        "cancel_offers_to": _fixed({"account_id": "acc-1"}, {"account_id": "acc-2"}),
        "key_missing": _nothing,
        "valid_until": _until,
        "end": _fixed({}, {"outcome": "closed"}),
    },
    "PersonAccess": {
        "enrol": _enrolment,
        "release": _fixed({"ref": parts.ONBOARDING_ID}, {"ref": parts.AGREEMENT_ID}),
        "person_active": _fixed({"account_id": "acc-2"}),
        "person_leaving": _leaving,
        "person_left": _left,
        "account_found_off": _nothing,
        "account_found_on": _nothing,
    },
    "AccessReconciliation": {"begin": _nothing},
}
ENDING = frozenset(
    {
        "account_found_on",
        "close",
        "disconnect",
        "end",
        "end_permission",
        "give_notice",
        "leave_appointment",
        "part_ended",
        "person_left",
        "refuse_appointment",
        "revoke_agent",
        "schedule_departure",
        "withdraw",
    }
)
ENDING_SHARE = 0.15
ADVANCING = frozenset(
    {
        "confirm_organisation",
        "describe_dataset",
        "submit_agreement",
        "accept_agreement",
        "submit_completion",
        "propose_decision",
        "hear_party",
        "comment",
        "skip_hearing",
        "decide",
        "countersign_agreement",
        "record_receipt",
        "appeal",
        "record_timeliness",
        "reconsider",
        "hand_over",
        "record_appeal_outcome",
        "resume",
        "activate_account",
        "report_test_delivery",
        "accept_test_delivery",
        "reissue",
        "rotate",
        "rotate_to",
        "enrol",
        "person_active",
        "dataset_connected",
        "permission_active",
        "key_live",
        "picked_up",
        "agreement_in_force",
        "accept_appointment",
        "approve_agent",
        "approve_extension",
        "reactivate",
        "dataset_ready",
        "confirm_cuts",
    }
)
