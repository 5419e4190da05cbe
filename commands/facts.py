"""What a person needs to know of each type of workflow, beside on whom it waits."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from domain.text import Text

if TYPE_CHECKING:
    from commands.showing import Screen

LABELS = {
    "person": Text(sv="Person", en="Person"),
    "contact": Text(sv="Kontaktperson", en="Contact"),
    "deputy": Text(sv="Ersättare", en="Deputy"),
    "agent_contact": Text(sv="Ombudets kontaktperson", en="The agent's contact"),
    "holder": Text(sv="Nyckelns mottagare", en="Holder of the key"),
    "offered_to": Text(sv="Erbjuden", en="Offered to"),
    "party": Text(sv="Levereras av", en="Delivered by"),
    "agent": Text(sv="Ombud", en="Agent"),
    "datasets": Text(sv="Datamängder", en="Data sets"),
    "roles": Text(sv="Roller", en="Roles"),
    "last_day": Text(sv="Sista dag", en="Last day"),
    "takes_over": Text(sv="Tar över", en="Takes over"),
    "term": Text(sv="Uppdraget gäller", en="The appointment lasts"),
    "valid_until": Text(sv="Upphör", en="Ends"),
    "system_account": Text(sv="Systemkonto", en="System account"),
    "difference": Text(sv="Avtalen täcker inte", en="Not covered by the agreements"),
    "proposal": Text(sv="Förslag till beslut", en="Proposed decision"),
    "decision": Text(sv="Beslut", en="Decision"),
    "decided_dataset": Text(sv="Beslutad datamängd", en="Decided data set"),
    "appeal": Text(sv="Kan överklagas till och med", en="May be appealed until"),
}
PEOPLE = ("person", "contact", "deputy", "agent_contact", "holder", "offered_to")
DATASETS = {"AgentAppointment": "items", "ProducerAgreement": "granted"}
Fact = tuple[str, str]


def facts(view: dict[str, Any], screen: "Screen") -> list[Fact]:
    """Return the facts of a view that a person asks for, each with its label."""
    found = [*_people(view["details"]), *_rights(view, screen), *_case(view, screen)]
    return [(screen.text(LABELS[name]), what) for name, what in found]


def _people(details: dict[str, Any]) -> Iterator[Fact]:
    for role in PEOPLE:
        person = details.get(role)
        if person and person.get("name"):
            yield role, f"{person['name']} <{person['email']}>"


def _rights(view: dict[str, Any], screen: "Screen") -> Iterator[Fact]:
    details = view["details"]
    if details.get("agent_id"):
        yield "agent", f"{details.get('agent_name', '')} ({details['agent_id']})"
    if details.get("party_name"):
        yield "party", f"{details['party_name']} ({details['party']})"
    if names := details.get(DATASETS.get(view["type"], "")):
        yield "datasets", ", ".join(screen.dataset(each) for each in names)
    if details.get("valid_to"):
        yield "term", f"{details['valid_from']} – {details['valid_to']}"
    elif details.get("valid_until"):
        yield "valid_until", screen.when(details["valid_until"])
    if details.get("system_account"):
        yield "system_account", details["system_account"]


def _case(view: dict[str, Any], screen: "Screen") -> Iterator[Fact]:
    details = view["details"]
    roles = sorted({each["role"] for each in details.get("enrolments", {}).values()})
    if view["type"] == "PersonAccess" and roles:
        yield "roles", ", ".join(screen.item(role) for role in roles)
    if details.get("last_day"):
        yield "last_day", details["last_day"]
    for role, each in details.get("successors", {}).items():
        yield "takes_over", f"{screen.item(role)}: {each['person']['name']}"
    for which, lacking in (details.get("difference") or {}).items():
        yield "difference", f"{which.upper()}: {', '.join(lacking)}"
    if proposal := details.get("review", {}).get("proposal"):
        outcome = screen.label("outcomes", proposal["outcome"])
        yield "proposal", f"{outcome}. {proposal['decisive_facts']}"
    for decision in details.get("decisions", []):
        outcome = screen.label("outcomes", decision["outcome"])
        rules = ", ".join(decision["legal_rules"])
        yield "decision", f"{decision['decided_on']}: {outcome} ({rules}). {decision['reasons']}"
        for dataset_id, each in decision.get("datasets", {}).items():
            said = screen.label("outcomes", "granted" if each["granted"] else "denied")
            conditions = f": {each['conditions']}" if each.get("conditions") else ""
            yield "decided_dataset", f"{screen.dataset(dataset_id)} {said}{conditions}"
    appeal = details.get("appeal") or {}
    if appeal.get("last_day") and not appeal.get("document"):
        yield "appeal", appeal["last_day"]
