"""What a person reads of a case: one screen, in plain words, Swedish or English."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Line

from commands.context import print_json, print_line
from commands.facts import facts
from domain.dates import STOCKHOLM
from domain.text import Text
from domain.texts import Texts

WORDS = {
    "stage": Text(sv="Skede", en="Stage"),
    "outcome": Text(sv="Utfall", en="Outcome"),
    "handler": Text(sv="Handläggare", en="Handler"),
    "waits": Text(sv="Väntar på", en="Waits on"),
    "since": Text(sv="sedan", en="since"),
    "due": Text(sv="senast", en="until"),
    "failed": Text(sv="Fel utanför", en="Failing outside"),
    "open": Text(sv="Kan göras nu", en="Can be done now"),
    "by_itself": Text(sv="Händer av sig självt", en="Will happen by itself"),
    "parts": Text(sv="Delar", en="Parts"),
    "documents": Text(sv="Dokument", en="Documents"),
    "checks": Text(sv="Kontroll av avtalen", en="Check of the agreements"),
    "nothing": Text(sv="inget", en="nothing"),
    "next_try": Text(sv="nästa försök", en="next try"),
    "attempts": Text(sv="försök", en="attempts"),
    "unreachable": Text(sv="Kontaktpersonen går inte att nå", en="The contact cannot be reached"),
    "retry": Text(sv="försök genast: starter.py retry", en="try at once: starter.py retry"),
    "mail": Text(sv="mejl till", en="mail to"),
    "day_before": Text(sv="dag före", en="day before"),
    "days_before": Text(sv="dagar före", en="days before"),
    "done": Text(sv="Vad som görs", en="What is done"),
    "standing": Text(sv="åtkomster gäller", en="accesses stand"),
    "case": Text(sv="Ärende", en="Case"),
    "organisation": Text(sv="Organisation", en="Organisation"),
    "through": Text(sv="till och med", en="through"),
    "no_cases": Text(sv="Inga ärenden.", en="No cases."),
}
LANGUAGES = ("sv", "en")
HOME = ("onboarding/", "agreement/", "dataset/")  # what carries the organisation's own name


# The places of a mail's subject that are filled in when it is sent.
PLACEHOLDER = re.compile(r"\{number\}: | ?\(?\{\w+\}\)?")


class Screen:
    """Renders views in one language; `datasets` are the names of the data sets by their ids."""

    def __init__(
        self, texts: Texts, language: str = "sv", datasets: Mapping[str, str] | None = None
    ) -> None:
        self._texts = texts
        self._language = language if language in LANGUAGES else "sv"
        self._datasets = datasets or {}
        self.console = Console(highlight=False)

    def text(self, text: Text) -> str:
        """Return a text in the language of the screen."""
        return str(getattr(text, self._language))

    def word(self, name: str) -> str:
        """Return one of the labels of this file."""
        return self.text(WORDS[name])

    def label(self, group: str, code: str) -> str:
        """Return the label of a code of the texts file."""
        return self.text(self._texts.label(getattr(self._texts, group), code))

    def dataset(self, dataset_id: str) -> str:
        """Return the name of a data set."""
        return self._datasets.get(dataset_id, dataset_id)

    def item(self, code: str) -> str:
        """Return what something is about: an agreement, a role, a data set, days, a system."""
        if code.isdecimal():
            return f"{code} {self.word('day_before' if code == '1' else 'days_before')}"
        if code in self._datasets:
            return self.dataset(code)
        group = "systems" if code in self._texts.systems else "items"
        return self.label(group, code)

    def about(self, ref: str) -> str:
        """Return what a workflow id names, in words: `Nyckel, Detaljplan, verifiering`."""
        kind, *rest = ref.split("/")
        words = [self.label("kinds", kind)]
        if kind in {"dataset", "permission", "credential"}:
            producer, dataset_id, *further = rest
            words.append(self.dataset(dataset_id))
            words += [self.item(each) for each in further if each != producer]
        elif kind == "agent":
            words += rest[1:]
        return ", ".join(words)

    def when(self, instant: str | datetime | None) -> str:
        """Return an instant as a day and minute in Swedish time."""
        if instant is None:
            return "–"
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        return f"{moment.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"

    # ---- one case -----------------------------------------------------------------------

    def case(self, view: dict[str, Any]) -> None:
        """Print a whole case."""
        parts: list[RenderableType] = [self._head(view), self._waits(view)]
        parts += self._incidents(view) if view["incidents"] else []
        parts += self._checks(view) if view["details"].get("checklist") else []
        parts += [*self._open(view), *self._upcoming(view["upcoming"])]
        parts += self._parts(view) if view["parts"] else []
        parts += self._documents(view) if view["documents"] else []
        self.console.print(Group(*parts))

    def _head(self, view: dict[str, Any]) -> RenderableType:
        organisation, details = view["organisation"], view["details"]
        number = view["number"] or view["case_number"]
        org_number = details.get("party") or organisation["org_number"]
        text = Line(f"{number}  " if number else "", style="bold")
        text.append(f"{organisation['name'] or ''} ({org_number})\n" if org_number else "")
        text.append(f"{self.about(view['ref'])}", style="not bold")
        text.append(f"  {view['ref']}\n", style="dim")
        text.append(f"{self.word('stage')}: {self.label('stages', view['stage'])}")
        if view["outcome"]:
            outcome = self.label("outcomes", view["outcome"])
            text.append(f"   {self.word('outcome')}: {outcome}")
        if view["handler"]:
            text.append(f"   {self.word('handler')}: {view['handler']}")
        for label, fact in facts(view, self):
            text.append(f"\n{label}: {fact}", style="not bold")
        if view["unreachable"]:
            text.append(f"\n! {self.word('unreachable')}", style="bold red")
        return text

    def wait(self, wait: dict[str, Any]) -> str:
        """Return one wait as a sentence: on whom, for what, since when, until when."""
        who, what = self.label("parties", wait["on"]), self.label("rules", wait["rule"])
        is_still = wait["on"] == "nobody"
        until = self.word("through" if is_still else "due")
        due = f", {until} {wait['due']}" if wait["due"] else ""
        since = f"{self.word('since')} {self.when(wait['since'])}"
        return f"{who}{' –' if is_still else ''} {what}{self._where(wait)}, {since}{due}"

    def _where(self, row: dict[str, Any]) -> str:
        """Return what a wait or a timer is about, in brackets: its part, and its item."""
        words = [self.about(row["ref"])] if row.get("ref") else []
        item = self.item(row["item"]) if row.get("item") else ""
        words += [item] if item and not any(item in each for each in words) else []
        return f" ({', '.join(words)})" if words else ""

    def _waits(self, view: dict[str, Any]) -> RenderableType:
        waits = [wait for wait in view["waits"] if wait["on"] != "nobody"] or view["waits"]
        text = Line(f"\n{self.word('waits')}: ", style="bold yellow")
        text.append("\n  ".join(self.wait(each) for each in waits) or "–", style="not bold")
        return text

    def _titled(self, title: str, rows: list[tuple[str, str]]) -> list[RenderableType]:
        """Return a title and two columns: one that is never cut, and its explanation."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows or [(self.word("nothing"), "")]:
            table.add_row(*(Line.from_markup(each) for each in row))
        return [Line(f"\n{title}", style="bold"), Padding(table, (0, 0, 0, 1))]

    def _incidents(self, view: dict[str, Any]) -> list[RenderableType]:
        rows = []
        for each in view["incidents"]:
            since = f"{self.word('since')} {self.when(each['since'])}"
            tries = f"{each['attempts']} {self.word('attempts')}"
            again = f"{self.word('next_try')} {self.when(each['next_try_at'])}"
            said = escape(f"{each['operation']}: {each['said']}")
            text = f"{said}\n{since}, {tries}; {again}\n{self.word('retry')} {each['system']}"
            rows.append((f"[bold red]{self.label('systems', each['system'])}[/]", text))
        return self._titled(self.word("failed"), rows)

    def _checks(self, view: dict[str, Any]) -> list[RenderableType]:
        rows = []
        for each in view["details"]["checklist"]:
            outcome = each.get("outcome") or ("ok" if each.get("ok") else "?")
            text = each.get("what") or each.get("comment") or each.get(self._language, "")
            place = self.item(each["place"])
            rows.append((f"{self.item(each['kind'])}, {place}", escape(f"{outcome}  {text}")))
        return self._titled(self.word("checks"), rows)

    def _open(self, view: dict[str, Any]) -> list[RenderableType]:
        """Return what people can do: here, then in each part."""
        steps: dict[str, dict[str, tuple[str, list[str]]]] = {"": {}}
        for each in [*view["open_steps"], *view["open_steps_below"]]:
            if each["role"] == "system":
                continue
            below = steps.setdefault(each.get("ref", ""), {})
            _, roles = below.setdefault(each["name"], (each["help"][self._language], []))
            roles.append(self.label("roles", each["role"]))
        shown: list[RenderableType] = []
        for ref, below in steps.items():
            rows = [
                (name, f"{escape(text)} [dim]({', '.join(roles)})[/]")
                for name, (text, roles) in below.items()
            ]
            title = f"{self.word('open')}: {self.about(ref)}  {ref}" if ref else self.word("open")
            shown += self._titled(title, rows)
        return shown

    def forecast(self, title: str, rows: list[dict[str, Any]]) -> None:
        """Print what will happen by itself."""
        self.console.print(Group(Line(title, style="bold"), *self._upcoming(rows)))

    def _upcoming(self, rows: list[dict[str, Any]]) -> list[RenderableType]:
        shown = []
        for each in rows:
            what, why = self.label("upcoming", each["what"]), self.label("rules", each["rule"])
            text = what if why.startswith(what) else f"{what}: {why}"
            lines = [escape(text + self._where(each))]
            lines += [f"[dim]{escape(self._mail(one))}[/]" for one in _once(each.get("notices"))]
            shown.append((self.when(each["at"]), "\n".join(lines)))
        return self._titled(self.word("by_itself"), shown)

    def _mail(self, notice: str) -> str:
        template, _, to = notice.partition(" → ")
        subject = PLACEHOLDER.sub("", self.text(self._texts.mails[template].subject))
        return f"{self.word('mail')} {self.label('roles', to)}: {subject}"

    def _parts(self, view: dict[str, Any]) -> list[RenderableType]:
        lines = [
            self._block(self.about(part["workflow_id"]), self._stage(part), part["workflow_id"])
            for part in view["parts"]
        ]
        return [Line(f"\n{self.word('parts')}", style="bold"), *lines]

    def _block(self, title: str, text: str, ref: str) -> RenderableType:
        """Return two lines: the second is an id alone, whole, to be copied."""
        lines = Line(f" {title}: {text}\n")
        return lines.append(f"   {ref}", style="dim")

    def _stage(self, row: dict[str, Any]) -> str:
        outcome = f" ({self.label('outcomes', row['outcome'])})" if row["outcome"] else ""
        return f"{self.label('stages', row['stage'])}{outcome}"

    def _documents(self, view: dict[str, Any]) -> list[RenderableType]:
        rows = [
            (self.item(each["kind"]), f"{escape(each['file_name'])}\n[dim]{each['document_id']}[/]")
            for each in view["documents"]
        ]
        return self._titled(self.word("documents"), rows)

    # ---- many cases -----------------------------------------------------------------------

    def rows(self, rows: list[dict[str, Any]]) -> None:
        """Print a list of cases: a table of those with numbers, else what stands below each."""
        if not rows:
            self.console.print(self.word("no_cases"))
        elif all(row["number"] for row in rows):
            self._table(rows)
        else:
            for row in rows:
                name = row["organisation"] or row["org_number"]
                self.console.print(self._row(row, f"{self._title(row)}, {name}"))

    def organisation(self, rows: list[dict[str, Any]]) -> None:
        """Print everything about one organisation."""
        names = [row["organisation"] for row in rows if row["workflow_id"].startswith(HOME)]
        for row in rows[:1]:
            name = next((name for name in names if name), "")
            self.console.print(Line(f"{name} ({row['org_number']})".strip(), style="bold"))
        for row in rows:
            self.console.print(self._row(row, self._title(row)))
        if not rows:
            self.console.print(self.word("no_cases"))

    def _table(self, rows: list[dict[str, Any]]) -> None:
        table = Table(box=None, padding=(0, 1, 0, 0))
        for name in ("case", "organisation", "stage", "waits", "due"):
            table.add_column(self.word(name), no_wrap=name == "case", overflow="fold")
        for row in rows:
            on = self.label("parties", row["waiting_on"]) if row["waiting_on"] else "–"
            name = f"{row['organisation'] or row['org_number']}\n[dim]{self.named(row)}[/]"
            due = str(row["waiting_due"] or "")
            table.add_row(row["number"], name, self._stage(row), on, due)
        self.console.print(table)

    def _row(self, row: dict[str, Any], title: str) -> RenderableType:
        text = self._stage(row)
        if row["waiting_on"] and row["waiting_on"] != "nobody":
            on = self.label("parties", row["waiting_on"])
            due = f", {self.word('due')} {row['waiting_due']}" if row["waiting_due"] else ""
            text += f"; {self.word('waits').lower()} {on}{due}"
        return self._block(title, text, row["workflow_id"])

    def _title(self, row: dict[str, Any]) -> str:
        return f"{row['number']} {self.named(row)}" if row["number"] else self.named(row)

    def named(self, row: dict[str, Any]) -> str:
        """Return what a row of the records is about, in words; a person by name."""
        person = (row["view"]["details"].get("person") or {}).get("name")
        return self.about(row["workflow_id"]) + (f", {person}" if person else "")


def _once(notices: list[str] | None) -> list[str]:
    return list(dict.fromkeys(notices or ()))


RESULTS = {
    "opened": "öppnade / opened",
    "already_open": "redan öppna / open already",
    "refused": "nekade / refused",
    "skipped": "redan klara / done before",
    "scheduled": "anmälda / scheduled",
    "already": "redan gjorda / done already",
    "unknown": "okända / unknown",
    "adopted": "övertagna / taken over",
    "waiting": "väntar på kontot: försök igen / wait for the account: try again",
}


def print_counts(counts: dict[str, int], *, json: bool) -> None:
    """Print how the lines of a file ended."""
    if json:
        print_json(counts)
        return
    for name, count in counts.items():
        print_line(f"{count:6} {RESULTS.get(name, name)}")


def print_result(result: dict[str, Any], *, json: bool) -> None:
    """Print what a demo counted."""
    if json:
        print_json(result)
        return
    for name, value in result.items():
        Console().print(f"{name:14} {value}")
