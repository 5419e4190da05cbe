"""Plays a machine without any system: acts, answers and time, by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic

import yaml

from domain.act import Actor, Refusal, Role, StepRequest
from domain.machine import (
    Act,
    Content,
    Machine,
    Moment,
    S,
    apply,
    content_of,
    open_steps,
    refusal,
    timers,
)
from domain.onboarding import MACHINE as ONBOARDING
from domain.onboarding_state import OnboardingState, onboarding_id
from domain.policy import Policy
from domain.state import EntryKind, Notice, State
from domain.texts import OPTIONAL, Texts, placeholders

ROOT = Path(__file__).parents[2]
TEXTS = Texts.model_validate(yaml.safe_load((ROOT / "policy/texts.yaml").read_text("utf-8")))
POLICY = Policy.model_validate(yaml.safe_load((ROOT / "policy/policy.yaml").read_text("utf-8")))
ALWAYS = {"name", "number", "organisation", *POLICY.told()}
MOLNDAL = "212000-1363"
NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)

CONTACT = Actor(
    subject="anna.lind@molndal.example",
    name="Anna Lind",
    role=Role.PRODUCER_CONTACT,
    organisation=MOLNDAL,
)
HANDLER = Actor(subject="hanna", name="Hanna Handläggare", role=Role.CASE_HANDLER)
DECIDER = Actor(subject="david", name="David Beslut", role=Role.DECIDER)
SIGNATORY = Actor(subject="stina", name="Stina Underskrift", role=Role.SIGNATORY)


class Play(Generic[S]):
    """One machine, its state, and a clock that stands still until moved."""

    def __init__(self, machine: Machine[S], workflow_id: str, now: datetime = NOON) -> None:
        self.machine = machine
        self.state: S = machine.state(workflow_id=workflow_id)  # type: ignore[call-arg]
        self.now = now
        self.policy = POLICY

    @property
    def moment(self) -> Moment:
        """The instant and the policy."""
        return Moment(self.now, self.policy)

    def refused(self, name: str, actor: Actor, payload: dict[str, Any] | None = None) -> Refusal:
        """Ask for a refusal; fails when there is none."""
        found = self.ask(name, actor, payload)
        assert found is not None, f"{name} was not refused in {self.state.stage}"
        return found

    def ask(self, name: str, actor: Actor, payload: dict[str, Any] | None = None) -> Refusal | None:
        """Ask whether a step may be taken."""
        request = StepRequest(request_id="r", actor=actor, payload=payload or {})
        return refusal(self.machine, self.state, name, request, self.moment)

    def take(self, name: str, actor: Actor, payload: dict[str, Any] | None = None) -> None:
        """Take a step that must not be refused."""
        found = self.ask(name, actor, payload)
        assert found is None, f"{name}: {found}"
        step = self.machine.step(name)
        assert step is not None
        model = step.payload.model_validate(payload or {})
        self._apply(Act(EntryKind.ACT, name, model, actor))

    def answer(self, name: str, /, **what: Any) -> None:
        """Let an outside system answer, or another workflow speak."""
        content = content_of(self.machine, name, what)
        assert content is not None
        self._apply(Act(EntryKind.ANSWER, name, content))

    def wait_until(self, until: datetime) -> list[str]:
        """Let time pass and everything happen that happens by itself; returns their names."""
        passed = []
        while nearest := next(iter(timers(self.machine, self.state, self.policy)), None):
            if nearest.at > until:
                break
            self.now = max(self.now, nearest.at)
            passed.append(nearest.name)
            self._apply(Act(EntryKind.DEADLINE, nearest.name, Content()))
        self.now = max(self.now, until)
        return passed

    def wait(self, **time: float) -> list[str]:
        """Let some time pass."""
        return self.wait_until(self.now + timedelta(**time))

    def _apply(self, act: Act) -> None:
        self.state = apply(self.machine, self.state, act, self.moment)

    @property
    def wanted(self) -> list[str]:
        """The operations that are wanted now."""
        return [want.key for want in self.state.pending]

    @property
    def waits(self) -> list[tuple[str, str]]:
        """On whom it waits, by which rule."""
        return [(str(wait.on), wait.rule) for wait in self.state.waiting]

    @property
    def open(self) -> set[str]:
        """The steps that are open now."""
        return {step.name for step in open_steps(self.machine, self.state, self.moment)}

    def told(self, what: str) -> list[Any]:
        """The words owed to other workflows, of one kind."""
        return [word for word in self.state.outgoing if word.what == what]

    def mails(self, template: str) -> list[Any]:
        """The mails owed, of one template."""
        return [notice for notice in self.state.notices if notice.template == template]


def declaration(dataset_id: Any = "detaljplan", **changes: Any) -> dict[str, Any]:
    """Return a declaration without personal data, delivered by the producer itself."""
    return {
        "dataset_id": dataset_id,
        "information_owner": {"name": "Ivar Ek", "email": "ivar.ek@molndal.example"},
        "support_email": "geodata@molndal.example",
        "personal_data": "none",
        "delivery": "own",
        "hosting": "data_host",
    } | changes


PERSONAL = {"personal_data": "declared", "a3": ["namn", "adress"], "a4": ["fastighetsägare"]}


def application(*datasets: dict[str, Any], org_number: str = MOLNDAL) -> dict[str, Any]:
    """Return an application."""
    return {
        "organisation": {"org_number": org_number},
        "contact": {"name": "Anna Lind", "email": "anna.lind@molndal.example"},
        "datasets": list(datasets) or [declaration()],
    }


def submission(kind: str = "producer", **changes: Any) -> dict[str, Any]:
    """Return a signed agreement of a kind."""
    official = {
        "name": "Pia Ansvarig",
        "role": "dataskyddsombud",
        "phone": "010-123 45 67",
        "email": "pia@molndal.example",
    }
    signed: dict[str, Any] = {
        "kind": kind,
        "signed": "a" * 64,
        "signatory": {"name": "Sara Chef", "title": "chef", "authority_basis": "delegation"},
    }
    if kind == "processing":
        signed |= {
            "contacts": {"controller": official, "incident": official},
            "a3": ["namn", "adress"],
            "a4": ["fastighetsägare"],
        }
    return signed | changes


def all_ok(kind: str = "producer") -> dict[str, Any]:
    """Return a checklist in which every place is in order."""
    places = POLICY.agreements[kind].places  # type: ignore[index]
    return {"kind": kind, "checklist": [{"place": place, "outcome": "ok"} for place in places]}


def proposal(*datasets: dict[str, Any], outcome: str = "granted") -> dict[str, Any]:
    """Return a proposal; without data sets, the plan is granted without need of a ground."""
    plan = {"dataset_id": "detaljplan", "granted": outcome == "granted", "ground": "none_needed"}
    return {
        "outcome": outcome,
        "datasets": list(datasets) or [plan],
        "legal_rules": ["FL 32 §"],
        "decisive_facts": "Kommunen uppfyller kraven.",
    }


def opened(*datasets: dict[str, Any]) -> Play[OnboardingState]:
    """Return an onboarding that has just been applied for."""
    play = Play(ONBOARDING, onboarding_id(MOLNDAL))
    play.take("apply", CONTACT, application(*datasets))
    play.answer("numbered", number="NGP2026-000001")
    return play


def at_agreement(*datasets: dict[str, Any]) -> Play[OnboardingState]:
    """Return an onboarding whose agreements are to be handed in."""
    play = opened(*datasets)
    play.answer("organisation_looked_up", name="Mölndals kommun", kind="municipality")
    play.answer("organisation_found", account_id="org-1")
    play.answer(
        "person_found",
        role="contact",
        email=CONTACT.subject,
        account_id="acc-1",
        login_name="annalind",
        active=False,
    )
    play.answer("person_active", account_id="acc-1")
    return play


def at_review(*datasets: dict[str, Any]) -> Play[OnboardingState]:
    """Return an onboarding that is to be examined."""
    play = at_agreement(*datasets)
    for kind in sorted(play.state.agreements):
        play.take("submit_agreement", CONTACT, submission(kind))
        play.take("accept_agreement", HANDLER, all_ok(kind))
    return play


def at_datasets(*datasets: dict[str, Any]) -> Play[OnboardingState]:
    """Return an onboarding whose data sets are being connected."""
    play = at_review(*datasets)
    play.take("propose_decision", HANDLER, proposal())
    play.take("decide", DECIDER, {"reasons": "Som föreslaget."})
    for kind in sorted(play.state.agreements):
        play.take("countersign_agreement", SIGNATORY, {"kind": kind})
    for kind in sorted(play.state.agreements):
        play.answer("agreement_registered", kind=kind)
    return play


def by_post() -> Actor:
    """Return a handler who enters the contact's step from a letter."""
    day = NOON.date()
    return HANDLER.model_copy(
        update={"on_behalf_of": "Anna Lind", "basis": "brev", "arrival_date": day}
    )


def invariants(state: State) -> None:
    """Check what must hold in every state: unique wants, one wait a key, a way out."""
    keys = [want.key for want in state.pending]
    assert len(keys) == len(set(keys))
    assert state.sequence >= len(state.journal)
    if state.is_ended:
        assert not state.pending
        assert not state.waiting
    elif state.is_opened:
        assert state.waiting or state.pending or any(state.open_parts()), state.stage
    for notice in state.notices:
        _reads_well(notice)


def _reads_well(notice: Notice) -> None:
    """Nothing that a mail says is missing, in either language: what may be, stands on its own."""
    mail = TEXTS.mails[notice.template]
    known = ALWAYS | {name for name, said in notice.what.items() if said}
    if "offer_id" in known:
        known |= {"token"}
    for text in (mail.subject, mail.text):
        for line in (*text.sv.splitlines(), *text.en.splitlines()):
            missing = placeholders(line) - known
            assert line.startswith(OPTIONAL) or not missing, (notice.template, missing)
