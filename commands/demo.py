"""The demo: a producer onboarded from application to a key that gets a token.

Every role is played through the same steps that people take; the producer's test delivery and
token request go to the portals as a producer's program would make them.
"""

import asyncio
import ssl
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from adapters.organisation_registers import RegisterEntry
from adapters.pdf_forms import Forms
from commands.acting import take_step, view_of
from commands.context import CommandError, Context, say
from commands.documents import store_document
from commands.keys import fetch_key
from commands.opening import open_onboarding
from domain.act import Actor, Role
from domain.onboarding_state import onboarding_id
from records import cases


def plain_http() -> httpx.AsyncClient:
    """Return a client without TLS, which the simulators do not speak: certificates cost 50 ms."""
    return httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@dataclass(frozen=True)
class Deliverer:
    """Who delivers a data set: the producer, or an agent, with its own person."""

    org_number: str
    actor: Actor

    @property
    def email(self) -> str:
        """The person's address."""
        return self.actor.subject


@dataclass
class Demo:
    """One rehearsal: a producer, its people, and what has been fetched.

    `case` is what is looked at and acted on when nothing else is said: the onboarding, until a
    further case has been opened. `about` is what a rehearsal ends with, where that is not the
    case; `also` is what it shuts off outside the producer. `keys` are the newest that were
    fetched, by environment, and `answered` all that was acted on, with the step.
    """

    context: Context
    entry: RegisterEntry
    addresses: dict[str, str]
    dataset_id: str = "detaljplan"
    name: str = "Anna Lind"
    local_part: str = "anna.lind"
    patience_seconds: float = 90
    case: str | None = None
    about: str | None = None
    also: list[str] = field(default_factory=list)
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    answered: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """The workflow id of the case that is rehearsed."""
        return self.case or onboarding_id(self.entry.org_number)

    @property
    def producer(self) -> Deliverer:
        """The producer itself, with its contact."""
        return Deliverer(self.entry.org_number, self.contact)

    @property
    def contact(self) -> Actor:
        """The producer's contact, by e-mail address until the account is known."""
        return Actor(
            subject=self.email,
            name=self.name,
            role=Role.PRODUCER_CONTACT,
            organisation=self.entry.org_number,
        )

    @property
    def email(self) -> str:
        """The contact's address."""
        return f"{self.local_part}@org-{self.entry.org_number}.example"

    # ---- looking and waiting ----------------------------------------------------------------

    async def view(self, ref: str | None = None) -> dict[str, Any]:
        """Return the view of the case, or of a part."""
        return await view_of(self.context, ref or self.ref)

    async def until(
        self,
        what: str,
        holds: Callable[[dict[str, Any]], bool],
        ref: str,
        *,
        whole: bool = True,
    ) -> dict[str, Any]:
        """Wait until a view is as expected; without `whole` only the workflow's own is looked at.

        Raises:
            CommandError: it took too long; says where the case stands.
        """
        deadline = time.monotonic() + self.patience_seconds
        while time.monotonic() < deadline:
            row = await cases.find(self.context.pool, ref)
            if row is not None:
                view: dict[str, Any] = await self.view(ref) if whole else row["view"]
                if holds(view):
                    return view
            await asyncio.sleep(0.1)
        view = await self.view(ref)
        incidents = [f"{i['operation']}: {i['said']}" for i in view["incidents"]]
        raise CommandError(f"{what}: {view['stage']} {view['waits']} {incidents}")

    async def stage(self, *stages: str, ref: str | None = None) -> dict[str, Any]:
        """Wait until a stage is reached."""
        say(f"  … {' / '.join(stages)}")
        where = ref or self.ref
        await self.until(f"stage {stages}", lambda v: v["stage"] in stages, where, whole=False)
        return await self.view(where)

    async def open_step(self, step: str, ref: str) -> None:
        """Wait until a step is open."""
        await self.until(
            f"step {step}",
            lambda v: any(s["name"] == step for s in v["open_steps"]),
            ref,
            whole=False,
        )

    async def act(
        self, as_: str | Actor, step: str, payload: dict[str, Any], ref: str | None = None
    ) -> dict[str, Any]:
        """Take a step and say so."""
        say(f"{as_ if isinstance(as_, str) else as_.role}: {step}")
        where = ref or self.ref
        receipt = await take_step(self.context, where, step, payload, as_=as_)
        self.answered.append((where, step))
        return receipt

    # ---- the producer's and the authority's way -----------------------------------------------

    def declaration(self, dataset_id: str, **changes: Any) -> dict[str, Any]:
        """Return what the producer says about a data set."""
        domain = self.email.partition("@")[2]
        return {
            "dataset_id": dataset_id,
            "information_owner": {"name": "Ivar Ek", "email": f"ivar.ek@{domain}"},
            "support_email": f"geodata@{domain}",
            "personal_data": "none",
            "delivery": "own",
            "hosting": "data_host",
        } | changes

    def application(self, *datasets: dict[str, Any]) -> dict[str, Any]:
        """Return what the producer applies with."""
        return {
            "organisation": {"org_number": self.entry.org_number},
            "contact": {"name": self.name, "email": self.email, "phone": "010-123 45 67"},
            "datasets": list(datasets) or [self.declaration(self.dataset_id)],
        }

    async def apply(self, *datasets: dict[str, Any]) -> str:
        """Apply to become a producer; returns the case number."""
        application = self.application(*datasets)
        say(f"producer_contact: ansöker / applies ({self.entry.name})")
        ref, _ = await open_onboarding(self.context, application, self.contact)
        self.answered.append((ref, "apply"))
        view = await self.until("case number", lambda v: bool(v["number"]), self.ref)
        say(f"  … ärende / case {view['number']}")
        return str(view["number"])

    async def activate_account(self) -> None:
        """Activate the contact's personal account, unless it is active already."""

        def found(view: dict[str, Any]) -> bool:
            person = view["details"].get("contact") or {}
            return bool(person.get("account_id")) or view["stage"] != "account"

        await self.stage("account", "agreement")
        view = await self.until("personal account", found, self.ref)
        person = view["details"]["contact"]
        if view["stage"] == "account" and not person.get("active"):
            ref = f"person/{person['account_id']}"
            await self.open_step("activate_account", ref)
            await self.act(self.contact, "activate_account", {}, ref)
        await self.stage("agreement")

    def signatory(self) -> dict[str, str]:
        """Return who signs for the producer."""
        return {
            "name": "Sara Chef",
            "title": "samhällsbyggnadschef",
            "authority_basis": "delegation",
        }

    def official(self) -> dict[str, str]:
        """Return a contact named in the processing agreement."""
        domain = self.email.partition("@")[2]
        return {
            "name": "Pia Ansvarig",
            "role": "dataskyddsombud",
            "phone": "010-123 45 68",
            "email": f"pia.ansvarig@{domain}",
        }

    def filled_form(self, kind: str) -> bytes:
        """Return a form as the producer would fill it in."""
        values = {
            "p1.organisation": self.entry.name,
            "p1.org_number": self.entry.org_number,
            "p1.contact_name": self.name,
            "p1.contact_email": self.email,
        }
        signing = "p14" if kind == "producer" else "p16"
        values |= {
            f"{signing}.signatory_name": "Sara Chef",
            f"{signing}.signatory_title": "samhällsbyggnadschef",
            f"{signing}.authority_basis": "delegation",
            f"{signing}.place": "Mölndal",
            f"{signing}.date": datetime.now(UTC).date().isoformat(),
        }
        if kind == "processing":
            official = self.official()
            for place in ("p15", "B8"):
                values |= {f"{place}.{name}": official[name] for name in official}
            values |= {"A3.categories": "namn\nadress", "A4.categories": "fastighetsägare"}
        return Forms(self.context.settings.forms_dir).fill(kind, values)

    async def store(self, name: str, data: bytes, *, kind: str = "document") -> str:
        """Store a document in the case; returns its id."""
        return await store_document(self.context, self.ref, name, data, kind=kind, by=self.contact)

    async def hand_in(self, kind: str = "producer", *, scanned: Path | None = None) -> None:
        """Hand in an agreement: a filled form, or a scan of paper."""
        data = await asyncio.to_thread(scanned.read_bytes) if scanned else self.filled_form(kind)
        document = await self.store(f"{kind}.pdf", data, kind="agreement")
        payload: dict[str, Any] = {
            "kind": kind,
            "signed": document,
            "form": None if scanned else document,
            "signatory": self.signatory(),
        }
        if kind == "processing":
            payload["contacts"] = {"controller": self.official(), "incident": self.official()}
            payload |= {"a3": ["namn", "adress"], "a4": ["fastighetsägare"]}
        await self.act(self.contact, "submit_agreement", payload)

    async def accept(self, kind: str = "producer") -> None:
        """Accept an agreement, every place answered."""
        places = self.context.policy.agreements[kind].places  # type: ignore[index]
        checklist = [{"place": place, "outcome": "ok"} for place in places]
        payload = {"kind": kind, "checklist": checklist}
        await self.act("case_handler", "accept_agreement", payload)

    async def decide(self, outcome: str = "granted", *, ground: str = "none_needed") -> None:
        """Propose and decide, with a hearing when it goes against the party."""
        await self.stage("review", "assessment")
        decided: dict[str, Any] = {"dataset_id": self.dataset_id, "granted": outcome == "granted"}
        if outcome == "granted":
            decided["ground"] = ground
        proposal = {
            "outcome": outcome,
            "datasets": [decided],
            "legal_rules": ["FL 32 §"],
            "decisive_facts": "Organisationen och underlaget har granskats.",
        }
        await self.act("case_handler", "propose_decision", proposal)
        if outcome != "granted":
            due = (datetime.now(UTC) + timedelta(days=14)).date().isoformat()
            heard = {"material": "Förslag till beslut", "due": due}
            await self.act("case_handler", "hear_party", heard)
            await self.act(self.contact, "comment", {"text": "Vi har inget att tillägga."})
        await self.act("decider", "decide", {"reasons": "Enligt förslaget."})

    async def countersign(self, *kinds: str) -> None:
        """Sign for Lantmäteriet."""
        await self.stage("countersigning")
        for kind in kinds or ("producer",):
            await self.act("signatory", "countersign_agreement", {"kind": kind})

    # ---- keys and deliveries --------------------------------------------------------------------

    def part(self, kind: str, *rest: str) -> str:
        """Return the id of a part of the data set."""
        return "/".join((kind, self.entry.org_number, self.dataset_id, *rest))

    async def fetch(self, environment: str, by: Deliverer | None = None) -> dict[str, str]:
        """Fetch the key of an environment with the code from the mail."""
        who = by or self.producer
        ref = self.part("credential", who.org_number, environment)
        view = await self.stage("offered", ref=ref)
        token = await self._code_from_mail(environment, who.email)
        person = view["details"]["holder"]
        say(f"{who.actor.role}: hämtar nyckeln / fetches the key ({environment})")
        self.keys[environment] = await fetch_key(self.context, token, person["account_id"])
        await self.stage("live", ref=ref)
        return self.keys[environment]

    async def _code_from_mail(self, environment: str, to: str) -> str:
        said = self.context.texts.items[environment].sv
        deadline = time.monotonic() + self.patience_seconds
        async with plain_http() as http:
            while time.monotonic() < deadline:
                answer = await http.get(f"{self.addresses['mail']}/messages", params={"to": to})
                for mail in reversed(answer.json()):
                    if f"({said})" in mail["subject"] and "Hämtkod: " in mail["text"]:
                        code = str(mail["text"].partition("Hämtkod: ")[2].split()[0])
                        if code not in self.used:
                            self.used.add(code)
                            return code
                await asyncio.sleep(0.1)
        raise CommandError(f"Inget mejl med nyckel / no mail with a key: {environment}")

    async def deliver(self, simulate: str = "OK") -> str:
        """Make a test delivery with the verification key; returns its id.

        The provider is the producer, whoever delivers.
        """
        base = self.addresses["portal_verification"]
        provider = self.entry.municipality_code or self.entry.org_number
        async with plain_http() as http:
            token = await self.token(http, base, self.keys["verification"])
            headers = {"Authorization": f"Bearer {token}"}
            where = f"{base}/producent/mottagning"
            info = {"informationstyp": self.dataset_id, "provider": provider}
            opened = await http.post(where, json={"leveransinfo": info}, headers=headers)
            delivery_id = str(opened.raise_for_status().json()["id"])
            item = str(uuid.uuid4())
            changes = [{"objektidentitet": item, "typ": "leverans"}]
            answer = await http.post(
                f"{where}/{delivery_id}/forandringar", json=changes, headers=headers
            )
            answer.raise_for_status()
            await http.post(
                f"{where}/{delivery_id}/forandringar/{item}/leverans",
                json={"simulate": simulate},
                headers=headers,
            )
        return delivery_id

    async def token(self, http: httpx.AsyncClient, base: str, key: dict[str, str]) -> str:
        """Get a token for a key."""
        answer = await http.post(
            f"{base}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(key["consumer_key"], key["consumer_secret"]),
        )
        return str(answer.raise_for_status().json()["access_token"])

    async def report_delivery(self, simulate: str = "OK", by: Deliverer | None = None) -> None:
        """Make a test delivery and report it."""
        who = by or self.producer
        ref = self.part("permission", who.org_number)
        say(f"{who.actor.role}: testleverans / test delivery")
        delivery_id = await self.deliver(simulate)
        # The key is there, and yet what is known of its permission may be recorded later.
        view = await self.until("account", lambda v: "system_account" in v["details"], ref)
        payload = {"delivery_id": delivery_id, "login": view["details"]["system_account"]}
        await self.act(who.actor, "report_test_delivery", payload, ref)
        if not self.context.policy.datasets[self.dataset_id].accepts_test_delivery_by_itself:
            await self.open_step("accept_test_delivery", ref)
            await self.act("case_handler", "accept_test_delivery", {}, ref)

    async def production_works(self) -> bool:
        """Whether the production key gets a token that the protected interface takes."""
        base = self.addresses["portal_production"]
        if "production" not in self.keys:
            return False
        async with plain_http() as http:
            try:
                token = await self.token(http, base, self.keys["production"])
            except httpx.HTTPStatusError:
                return False
            info = {"informationstyp": self.dataset_id, "provider": "2180"}
            answer = await http.post(
                f"{base}/producent/mottagning",
                json={"leveransinfo": info},
                headers={"Authorization": f"Bearer {token}"},
            )
            return answer.is_success

    async def count(self, what: str) -> dict[str, int]:
        """Count our applications, or their living keys, at both portals."""
        found = {}
        async with plain_http() as http:
            for environment in ("verification", "production"):
                base = self.addresses[f"portal_{environment}"]
                state = (await http.get(f"{base}/_control/state")).json()
                mine = [
                    each
                    for each in state["applications"]
                    if f"/{self.entry.org_number}/" in (each["key"] or "")
                ]
                found[environment] = (
                    len(mine) if what == "applications" else sum(each["keys"] for each in mine)
                )
        return found

    async def accounts(self) -> dict[str, int]:
        """Count the accounts that are on and off: the contact's, and of all who deliver here."""
        async with plain_http() as http:
            state = (await http.get(f"{self.addresses['account_system']}/_control/state")).json()
        mine = f"/{self.entry.org_number}/"
        domain = self.email.partition("@")[2]
        found = {"on": 0, "off": 0}
        for each in state:
            mails = [mail.get("value", "") for mail in each.get("emails") or ()]
            is_mine = mine in (each.get("externalId") or "")
            if is_mine or any(mail.endswith(f"@{domain}") for mail in mails):
                found["on" if each.get("active") else "off"] += 1
        return found

    async def result(self, started: float, *, passed: bool) -> dict[str, Any]:
        """Return what the demo counted, as its last line.

        Stage and outcome are those of what was rehearsed; what lives on has its stage as outcome.
        """
        view, end = await self.view(), await self.view(self.about)
        decided = (end["details"].get("appeal") or {}).get("outcome")
        return {
            "case": view["number"],
            "organisation": self.entry.org_number,
            "passed": passed,
            "outcome": end["outcome"] or decided or end["stage"],
            "stage": end["stage"],
            "applications": await self.count("applications"),
            "keys": await self.count("keys"),
            "token": await self.production_works(),
            "seconds": round(time.monotonic() - started, 1),
        }
