"""What a permission knows about itself."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from domain.act import CONTACT, Actor, Role
from domain.datasets import Hosting
from domain.state import Person, State, Waiting

DISCONNECT = "disconnect"
HOLDER = CONTACT | frozenset({Role.AGENT_CONTACT})


def permission_id(org_number: str, dataset: str, party: str) -> str:
    """Workflow id of a party's right to deliver a producer's data set."""
    return f"permission/{org_number}/{dataset}/{party}"


def keys_roles(ref: str) -> frozenset[str]:
    """Return the roles in which a person holds the keys of a permission, by its workflow id.

    The producer's own are the contact's or deputy's, an agent's are the agent's contact's.
    """
    party = ref.rpartition("/")[2]
    is_own = ref.startswith(f"permission/{party}/")
    return frozenset({"contact", "deputy"} if is_own else {"agent_contact"})


class PermissionState(State):
    """Everything about one permission.

    `limits` holds the end that each source sets; `valid_until` is the earliest of them.
    `dataset_ref` is the data set's connection where that is not the owner (an agent's right).
    `fetched_by` says who has fetched the key of each environment.
    """

    type: str = "Permission"
    stage: str = "setup"
    dataset_ref: str | None = None
    is_enrolled: bool = False
    is_dataset_missing: bool = False
    is_ready_again: bool = False
    dataset_id: str = ""
    dataset_name: str = ""
    party: str = ""
    party_name: str = ""
    holder: Person | None = None
    deputy: Person | None = None
    hosting: Hosting | None = None
    base_url: str | None = None
    apis: list[str] = Field(default_factory=list)
    accepts_by_itself: bool = True
    valid_until: datetime | None = None
    valid_until_source: str | None = None
    limits: dict[str, datetime] = Field(default_factory=dict)
    system_account: str | None = None
    is_account_claimed: bool = True
    adopted_applications: dict[str, str] = Field(default_factory=dict)
    is_account_off: bool = False
    live: list[str] = Field(default_factory=list)
    fetched_by: dict[str, Person] = Field(default_factory=dict)
    enrolled: list[str] = Field(default_factory=list)
    delivery_id: str | None = None
    report: dict[str, Any] | None = None
    is_delivery_accepted: bool = False
    findings: str = ""
    findings_due: date | None = None

    @property
    def may_begin(self) -> bool:
        """Whether it belongs to its data set, as an agent's right must before anything is made."""
        return self.dataset_ref is None or self.is_enrolled

    def contact_for(self, role: Role) -> Person | None:
        """Return the party's contact or deputy."""
        holders = {
            Role.PRODUCER_CONTACT: self.holder,
            Role.AGENT_CONTACT: self.holder,
            Role.PRODUCER_DEPUTY: self.deputy,
        }
        return holders.get(role)

    def is_mine(self, actor: Actor) -> bool:
        """Whether the actor is a contact of the delivering party."""
        person = self.contact_for(actor.role)
        mine = actor.organisation in {None, self.party}
        return mine and person is not None and person.is_actor(actor)

    def awaited_person(self, waiting: Waiting) -> Person | None:
        """Return the party's contact."""
        del waiting
        return self.holder
