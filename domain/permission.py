"""A permission: the dated right of one party to deliver one data set."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from pydantic import Field

from domain import logins
from domain.act import CONTACT, HANDLER, Actor, Refusal, Role, refuse
from domain.case import PART_ENDED
from domain.credential import End, credential_id
from domain.datasets import Hosting
from domain.everyday import ASSIGN, NOTE, RETRY_STEP, not_in_past
from domain.fields import Day, FreeText, HttpsUrl, Instant
from domain.machine import Content, Machine, Moment, Payload, Reaction, Step
from domain.policy import Policy
from domain.state import Party, Person, State, System, Timer, Wait, Waiting, Want
from domain.text import Text

STAGES = ("setup", "verification", "production", "active", "ending", "ended")
PASSES = {"OK", "WARNING"}


def permission_id(org_number: str, dataset: str, party: str) -> str:
    """Workflow id of a party's right to deliver a producer's data set."""
    return f"permission/{org_number}/{dataset}/{party}"


class PermissionState(State):
    """Everything about one permission."""

    type: str = "Permission"
    stage: str = "setup"
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
    system_account: str | None = None
    is_account_off: bool = False
    live: list[str] = Field(default_factory=list)
    delivery_id: str | None = None
    report: dict[str, Any] | None = None
    is_delivery_accepted: bool = False
    findings: str = ""
    findings_due: date | None = None

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


class Begin(Content):
    """What the owner says when it starts a permission."""

    owner: str
    org_number: str
    organisation_name: str
    case_number: str | None = None
    dataset_id: str
    dataset_name: str
    party: str
    party_name: str
    holder: Person
    deputy: Person | None = None
    hosting: Hosting | None = None
    base_url: str | None = None
    apis: tuple[str, ...]
    accepts_by_itself: bool = True
    valid_until: datetime | None = None
    valid_until_source: str | None = None


class SystemAccountFound(Content):
    """The permission's system account exists."""

    login_name: str


class KeyLive(Content):
    """The key of one environment has been fetched."""

    environment: str


class ReportFetched(Content):
    """The machine-readable report of a test delivery, fetched by us."""

    delivery_id: str
    found: bool
    login: str = ""
    information_type: str = ""
    status: str = ""
    tests: int = 0
    findings: tuple[dict[str, str], ...] = ()


class Contacts(Content):
    """The owner says who the party's contact is now."""

    holder: Person
    deputy: Person | None = None


class ReportTestDelivery(Payload):
    """The id of a test delivery, and the login it was made with."""

    delivery_id: str = Field(min_length=1, max_length=100)
    login: str = Field(min_length=1, max_length=100)


class AcceptTestDelivery(Payload):
    """The handler accepts the test delivery."""

    comment: FreeText = ""


class ReturnTestDelivery(Payload):
    """What is wrong with the test delivery, and until when it is to be made again."""

    findings: FreeText = Field(min_length=1)
    due: Day


class ChangeHosting(Payload):
    """Where the data lie from now on."""

    hosting: Hosting
    base_url: HttpsUrl | None = None


class EndPermission(Payload):
    """Why a right ends, and when; at once when no instant is given."""

    reason: FreeText = Field(min_length=1)
    at: Instant | None = None


def begin(state: PermissionState, content: Begin, moment: Moment) -> None:
    """Take what the owner gave."""
    for name in content.model_fields_set:
        value = getattr(content, name)
        setattr(state, name, list(value) if name == "apis" else value)
    state.opened_at = moment.now


def _begin_credential(state: PermissionState, environment: str) -> None:
    assert state.holder is not None
    ref = credential_id(state.org_number, state.dataset_id, state.party, environment)
    content = {
        "owner": state.workflow_id,
        "org_number": state.org_number,
        "organisation_name": state.party_name,
        "case_number": state.case_number,
        "dataset_id": state.dataset_id,
        "dataset_name": state.dataset_name,
        "party": state.party,
        "environment": environment,
        "apis": state.apis,
        "system_account": state.system_account,
        "holder": state.holder.model_dump(mode="json"),
        "valid_until": state.valid_until.isoformat() if state.valid_until else None,
    }
    state.begin_part(ref, "Credential", content, environment)


def _account(state: PermissionState, content: SystemAccountFound, moment: Moment) -> None:
    del moment
    state.system_account = content.login_name


def _live(state: PermissionState, content: KeyLive, moment: Moment) -> None:
    del moment
    if content.environment not in state.live:
        state.live.append(content.environment)


def _report_refusal(
    state: PermissionState, payload: ReportTestDelivery, actor: Actor, moment: Moment
) -> Refusal | None:
    del actor, moment
    text = logins.mix_up(payload.login, "system")
    if text is not None:
        return Refusal(code="wrong_kind_of_login", text=text, field="login")
    if payload.login != state.system_account:
        return refuse(
            "other_login",
            f"Leveransen ska göras med systemkontot {state.system_account}.",
            f"The delivery is to be made with the system account {state.system_account}.",
            "login",
        )
    return None


def _report(
    state: PermissionState, payload: ReportTestDelivery, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    state.delivery_id = payload.delivery_id
    state.report, state.findings, state.findings_due = None, "", None


def _fetched(state: PermissionState, content: ReportFetched, moment: Moment) -> None:
    if content.delivery_id != state.delivery_id or state.is_delivery_accepted:
        return
    state.report = content.model_dump(mode="json")
    wrong = _what_is_wrong(state, content)
    if wrong is not None:
        state.delivery_id, state.findings = None, wrong
        state.notify("test_delivery_returned", state.holder, what={"what": wrong})
    elif content.status in PASSES and state.accepts_by_itself:
        state.is_delivery_accepted = True
        state.notify("test_delivery_accepted", state.holder)
    else:
        state.notify("test_delivery_reported", Role.CASE_HANDLER)
    del moment


def _what_is_wrong(state: PermissionState, content: ReportFetched) -> str | None:
    if not content.found:
        return f"Leveransen {content.delivery_id} finns inte. / There is no such delivery."
    if content.login != state.system_account:
        return (
            f"Leveransen gjordes inte med systemkontot {state.system_account}. / "
            f"The delivery was not made with the system account {state.system_account}."
        )
    if content.information_type != state.dataset_id:
        return (
            f"Leveransen rör {content.information_type}, inte {state.dataset_id}. / "
            f"The delivery is of {content.information_type}, not {state.dataset_id}."
        )
    if content.status not in PASSES and state.accepts_by_itself:
        said = "; ".join(f"{each.get('id')}: {each.get('message')}" for each in content.findings)
        return f"{content.status}: {said or '–'}"
    return None


def _accept(
    state: PermissionState, payload: AcceptTestDelivery, actor: Actor, moment: Moment
) -> None:
    del payload, actor, moment
    state.is_delivery_accepted = True
    state.notify("test_delivery_accepted", state.holder)


def _return(
    state: PermissionState, payload: ReturnTestDelivery, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    state.delivery_id, state.findings, state.findings_due = None, payload.findings, payload.due
    state.notify("test_delivery_returned", state.holder, what={"what": payload.findings})


def _return_refusal(
    state: PermissionState, payload: ReturnTestDelivery, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor
    return not_in_past(payload.due, moment, "due")


def _change_hosting(
    state: PermissionState, payload: ChangeHosting, actor: Actor, moment: Moment
) -> None:
    del actor, moment
    state.hosting, state.base_url = payload.hosting, payload.base_url


def _hosting_refusal(
    state: PermissionState, payload: ChangeHosting, actor: Actor, moment: Moment
) -> Refusal | None:
    del state, actor, moment
    if payload.hosting is Hosting.DATA_HOST or payload.base_url:
        return None
    return refuse(
        "base_url_missing",
        "Ange adressen till ert API (base_url), den ska börja med https://.",
        "Give the address of your API (base_url), beginning with https://.",
        "base_url",
    )


def _end_by_handler(
    state: PermissionState, payload: EndPermission, actor: Actor, moment: Moment
) -> None:
    del actor
    if payload.at is None or payload.at <= moment.now:
        end(state, End(outcome="ended_by_handler"), moment)
        return
    state.valid_until, state.valid_until_source = payload.at, "end_permission"


def end(state: PermissionState, content: End, moment: Moment) -> None:
    """End the right: keys first, then the system account."""
    if state.opened_at is None:
        state.opened_at = moment.now
    state.outcome = state.outcome or content.outcome or "ended"
    if not state.is_ended:
        state.stage = "ending"


def _expired(state: PermissionState, moment: Moment) -> None:
    end(state, End(outcome="expired"), moment)


def _account_off(state: PermissionState, content: Content, moment: Moment) -> None:
    del content, moment
    state.is_account_off = True


def _contacts(state: PermissionState, content: Contacts, moment: Moment) -> None:
    del moment
    state.holder, state.deputy = content.holder, content.deputy
    for part in state.open_parts():
        state.tell(part.ref, "holder", {"holder": content.holder.model_dump(mode="json")})


def progress(state: PermissionState, moment: Moment) -> None:
    """Follow the facts from set-up to active, or to the end."""
    del moment
    if state.stage == "setup" and state.system_account:
        state.stage = "verification"
        _begin_credential(state, "verification")
    elif state.stage == "verification" and state.is_delivery_accepted:
        state.stage = "production"
        _begin_credential(state, "production")
    elif state.stage == "production" and "production" in state.live:
        state.stage = "active"
        _tell_owner(state, "permission_active")
    elif state.stage == "ending":
        state.end_parts({"outcome": state.outcome})
        if not any(state.open_parts()) and state.is_account_off:
            state.stage = "ended"
            _tell_owner(state, "part_ended")


def _tell_owner(state: PermissionState, what: str) -> None:
    if state.owner:
        state.tell(state.owner, what, {"ref": state.workflow_id, "outcome": state.outcome})


def wants(state: PermissionState) -> Iterator[Want]:
    """Yield what is to be done in the world now."""
    if not state.is_opened or state.is_ended:
        return
    if state.stage == "setup" and state.system_account is None:
        yield Want(operation="create_system_account", system=System.ACCOUNT_SYSTEM)
    if state.stage == "verification" and state.delivery_id and state.report is None:
        yield Want(operation="fetch_report", system=System.DELIVERY_API, item=state.delivery_id)
    if state.stage == "ending" and not any(state.open_parts()) and not state.is_account_off:
        yield Want(operation="disable_system_account", system=System.ACCOUNT_SYSTEM)


def waits(state: PermissionState) -> Iterator[Wait]:
    """Yield on whom the permission waits; keys are the credentials' own waits."""
    if not state.is_opened or state.is_ended:
        return
    party = Party.PRODUCER if state.party == state.org_number else Party.AGENT
    if state.stage in {"setup", "ending"}:
        if any(state.open_parts()) and state.stage == "ending":
            yield Wait(on=Party.API_PORTAL, rule="revoke_keys")
        else:
            yield Wait(on=Party.ACCOUNT_SYSTEM, rule="system_account")
    elif state.stage == "verification" and "verification" in state.live:
        if state.delivery_id is None:
            yield Wait(on=party, rule="report_test_delivery", due=state.findings_due)
        elif state.report is None:
            yield Wait(on=Party.DELIVERY_API, rule="fetch_report")
        elif not state.is_delivery_accepted:
            yield Wait(on=Party.CASE_HANDLER, rule="accept_test_delivery")
    elif state.stage == "active":
        yield Wait(on=Party.NOBODY, rule="active")


def timers(state: PermissionState, policy: Policy) -> Iterator[Timer]:
    """Yield the midnight at which the right ends."""
    del policy
    if state.valid_until is not None and not state.is_ending:
        yield Timer(name="expired", at=state.valid_until, rule=state.valid_until_source or "")


def _can_report(state: PermissionState, moment: Moment) -> bool:
    del moment
    ready = state.stage == "verification" and "verification" in state.live
    return ready and state.delivery_id is None


def _can_judge(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.stage == "verification" and state.report is not None and bool(state.delivery_id)


def _is_active(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.stage == "active"


def _is_alive(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.is_opened and not state.is_ending


HOLDER = CONTACT | frozenset({Role.AGENT_CONTACT})
STEPS: tuple[Step[PermissionState], ...] = (
    Step(
        name="report_test_delivery",
        payload=ReportTestDelivery,
        who=HOLDER,
        is_open=_can_report,
        check=_report_refusal,
        do=_report,
        help=Text(
            sv="Gör en testleverans i verifieringsmiljön och ange dess id och systemkontot.",
            en="Make a test delivery in the verification environment; give its id and the login.",
        ),
    ),
    Step(
        name="accept_test_delivery",
        payload=AcceptTestDelivery,
        who=HANDLER,
        is_open=_can_judge,
        do=_accept,
        help=Text(sv="Godta testleveransen.", en="Accept the test delivery."),
    ),
    Step(
        name="return_test_delivery",
        payload=ReturnTestDelivery,
        who=HANDLER,
        is_open=_can_judge,
        check=_return_refusal,
        do=_return,
        help=Text(sv="Lämna tillbaka testleveransen.", en="Return the test delivery."),
    ),
    Step(
        name="change_hosting",
        payload=ChangeHosting,
        who=HOLDER,
        is_open=_is_active,
        check=_hosting_refusal,
        do=_change_hosting,
        help=Text(sv="Ändra var data ligger.", en="Change where the data lie."),
    ),
    Step(
        name="end_permission",
        payload=EndPermission,
        who=HANDLER,
        is_open=_is_alive,
        do=_end_by_handler,
        help=Text(sv="Avsluta behörigheten.", en="End the permission."),
    ),
    NOTE,
    ASSIGN,
    RETRY_STEP,
)

MACHINE: Machine[PermissionState] = Machine(
    name="Permission",
    state=PermissionState,
    stages=STAGES,
    steps=STEPS,
    reactions={
        "begin": Reaction(payload=Begin, do=begin),
        "system_account_found": Reaction(payload=SystemAccountFound, do=_account),
        "key_live": Reaction(payload=KeyLive, do=_live),
        "report_fetched": Reaction(payload=ReportFetched, do=_fetched),
        "system_account_off": Reaction(payload=Content, do=_account_off),
        "contacts": Reaction(payload=Contacts, do=_contacts),
        "part_ended": PART_ENDED,
        "end": Reaction(payload=End, do=end),
    },
    progress=progress,
    wants=wants,
    waits=waits,
    timers=timers,
    passed={"expired": _expired},
)
