"""What a person reads of a case: one screen, in plain words, Swedish or English."""

from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Line

from commands.context import print_json
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
    "retry": Text(sv="starter.py retry", en="starter.py retry"),
    "found": Text(sv="Hittat", en="Found"),
    "where": Text(sv="Var", en="Where"),
    "ref": Text(sv="Vad", en="What"),
    "done": Text(sv="Vad som görs", en="What is done"),
    "standing": Text(sv="åtkomster gäller", en="accesses stand"),
    "no_cases": Text(sv="Inga ärenden.", en="No cases."),
}
LANGUAGES = ("sv", "en")


class Screen:
    """Renders views in one language."""

    def __init__(self, texts: Texts, language: str = "sv") -> None:
        self._texts = texts
        self._language = language if language in LANGUAGES else "sv"
        self.console = Console()

    def _in(self, text: Text) -> str:
        return str(getattr(text, self._language))

    def word(self, name: str) -> str:
        """Return one of the labels of this file."""
        return self._in(WORDS[name])

    def label(self, group: str, code: str) -> str:
        """Return the label of a code of the texts file."""
        return self._in(self._texts.label(getattr(self._texts, group), code))

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
        parts += [self._incidents(view)] if view["incidents"] else []
        parts += [self._checks(view)] if view["details"].get("checklist") else []
        parts += [self._open(view), self._upcoming(view)]
        parts += [self._parts(view)] if view["parts"] else []
        parts += [self._documents(view)] if view["documents"] else []
        self.console.print(Group(*parts))

    def _head(self, view: dict[str, Any]) -> RenderableType:
        organisation = view["organisation"]
        title = view["number"] or view["case_number"] or view["ref"]
        text = Line(f"{title}  ", style="bold")
        text.append(f"{organisation['name']} ({organisation['org_number']})\n", style="bold")
        if view["number"] is None:
            text.append(f"{view['ref']}\n", style="dim")
        text.append(f"{self.word('stage')}: {self.label('stages', view['stage'])}")
        if view["outcome"]:
            text.append(f"   {self.word('outcome')}: {view['outcome']}")
        if view["handler"]:
            text.append(f"   {self.word('handler')}: {view['handler']}")
        if view["unreachable"]:
            text.append(f"\n! {self.word('unreachable')}", style="bold red")
        return text

    def wait(self, wait: dict[str, Any]) -> str:
        """Return one wait as a sentence: on whom, for what, since when, until when."""
        who, what = self.label("parties", wait["on"]), self.label("rules", wait["rule"])
        item = f" ({wait['item']})" if wait["item"] else ""
        due = f", {self.word('due')} {wait['due']}" if wait["due"] else ""
        return f"{who} {what}{item}, {self.word('since')} {self.when(wait['since'])}{due}"

    def _waits(self, view: dict[str, Any]) -> RenderableType:
        waits = [wait for wait in view["waits"] if wait["on"] != "nobody"] or view["waits"]
        text = Line(f"\n{self.word('waits')}: ", style="bold yellow")
        text.append("\n  ".join(self.wait(each) for each in waits) or "–", style="not bold")
        return text

    def _table(self, title: str, *columns: str) -> Table:
        table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None)
        for number, name in enumerate(columns):
            table.add_column(name, no_wrap=number == 0, overflow="fold")
        table.show_header = False
        return table

    def _incidents(self, view: dict[str, Any]) -> RenderableType:
        table = self._table(self.word("failed"), "system", "what", "next")
        for each in view["incidents"]:
            table.add_row(
                Line(each["system"], style="bold red"),
                f"{each['operation']}: {each['said']}, {self.word('since')} "
                f"{self.when(each['since'])}, {each['attempts']} {self.word('attempts')}",
                f"{self.word('next_try')} {self.when(each['next_try_at'])}; {self.word('retry')}",
            )
        return table

    def _checks(self, view: dict[str, Any]) -> RenderableType:
        table = self._table(self.word("checks"), "place", "what")
        for each in view["details"]["checklist"]:
            outcome = each.get("outcome") or ("ok" if each.get("ok") else "?")
            text = each.get("what") or each.get("comment") or each.get(self._language, "")
            table.add_row(f"{each['kind']} {each['place']}", f"{outcome}  {text}")
        return table

    def _open(self, view: dict[str, Any]) -> RenderableType:
        table = self._table(self.word("open"), "step", "who", "help")
        own = [("", each) for each in view["open_steps"]]
        below = [(each["ref"], each) for each in view["open_steps_below"]]
        rows: dict[tuple[str, str], tuple[list[str], str]] = {}
        for ref, step in [*own, *below]:
            roles, _ = rows.setdefault((ref, step["name"]), ([], step["help"][self._language]))
            roles.append(step["role"])
        for (ref, name), (roles, text) in rows.items():
            where = f" [dim]{ref}[/dim]" if ref else ""
            table.add_row(name + where, ", ".join(roles), text)
        if not rows:
            table.add_row(self.word("nothing"), "", "")
        return table

    def _upcoming(self, view: dict[str, Any]) -> RenderableType:
        return self.upcoming(view["upcoming"])

    def upcoming(self, rows: list[dict[str, Any]]) -> RenderableType:
        """Return what will happen by itself."""
        table = self._table(self.word("by_itself"), "when", "what", "why")
        for each in rows:
            what = self.label("upcoming", each["what"])
            why = f"{self.label('rules', each['rule'])} {each.get('item') or ''}".strip()
            extra = "; ".join(each.get("notices", []))
            table.add_row(self.when(each["at"]), what, f"{why}{'  ' + extra if extra else ''}")
        if not rows:
            table.add_row(self.word("nothing"), "", "")
        return table

    def _parts(self, view: dict[str, Any]) -> RenderableType:
        table = self._table(self.word("parts"), "ref", "stage")
        for part in view["parts"]:
            stage = self.label("stages", part["stage"])
            outcome = f" ({part['outcome']})" if part["outcome"] else ""
            table.add_row(part["workflow_id"], f"{stage}{outcome}")
        return table

    def _documents(self, view: dict[str, Any]) -> RenderableType:
        table = self._table(self.word("documents"), "file", "id")
        for each in view["documents"]:
            table.add_row(each["file_name"], f"{each['document_id'][:16]}…  {each['kind']}")
        return table

    # ---- many cases -----------------------------------------------------------------------

    def rows(self, rows: list[dict[str, Any]]) -> None:
        """Print a list of cases."""
        if not rows:
            self.console.print(self.word("no_cases"))
            return
        table = Table(box=None)
        for name in ("", self.word("stage"), self.word("waits"), self.word("due"), ""):
            table.add_column(name)
        for row in rows:
            wait = row["waiting_on"]
            on = self.label("parties", wait) if wait else "–"
            table.add_row(
                row["number"] or row["workflow_id"],
                self.label("stages", row["stage"]),
                on,
                str(row["waiting_due"] or ""),
                row["organisation"],
            )
        self.console.print(table)


def print_result(result: dict[str, Any], *, json: bool) -> None:
    """Print what a demo counted."""
    if json:
        print_json(result)
        return
    for name, value in result.items():
        Console().print(f"{name:14} {value}")
