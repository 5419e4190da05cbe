"""A permission's test delivery: reported by the party, its report fetched by us, and judged."""

from pydantic import Field

from domain import logins
from domain.act import HANDLER, Actor, Refusal, Role, refuse
from domain.everyday import not_in_past
from domain.fields import Day, FreeText
from domain.machine import Content, Moment, Payload, Reaction, Step
from domain.permission_state import HOLDER, PermissionState
from domain.text import Text

PASSES = {"OK", "WARNING"}


class ReportFetched(Content):
    """The machine-readable report of a test delivery, fetched by us."""

    delivery_id: str
    found: bool
    login: str = ""
    information_type: str = ""
    status: str = ""
    tests: int = 0
    findings: tuple[dict[str, str], ...] = ()


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


def _can_report(state: PermissionState, moment: Moment) -> bool:
    del moment
    ready = state.stage == "verification" and "verification" in state.live
    return ready and state.delivery_id is None


def _can_judge(state: PermissionState, moment: Moment) -> bool:
    del moment
    return state.stage == "verification" and state.report is not None and bool(state.delivery_id)


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
)

REACTIONS: dict[str, Reaction[PermissionState]] = {
    "report_fetched": Reaction(payload=ReportFetched, do=_fetched),
}
