"""Texts for people, looked up by code: labels and mails, Swedish first, English below."""

from collections.abc import Mapping
from string import Formatter

from pydantic import BaseModel, ConfigDict

from domain.text import Text

OPTIONAL = "? "


class MailText(BaseModel):
    """Subject and text of one mail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Text
    text: Text


class _OrEmpty(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


class Texts(BaseModel):
    """All texts, as read from `policy/texts.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parties: dict[str, Text]
    stages: dict[str, Text]
    rules: dict[str, Text]
    upcoming: dict[str, Text]
    roles: dict[str, Text]
    kinds: dict[str, Text]
    items: dict[str, Text]
    findings: dict[str, Text]
    reasons: dict[str, Text]
    dealt: dict[str, Text]
    systems: dict[str, Text]
    outcomes: dict[str, Text]
    mails: dict[str, MailText]

    def label(self, group: Mapping[str, Text], code: str) -> Text:
        """Return the label of a code; the code itself where none is written."""
        return group.get(code, Text(sv=code, en=code))

    def mail(
        self, template: str, what: Mapping[str, str], names: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """Return subject and text of a mail, in both languages; `names` are those of data sets.

        A line of a text that begins with `? ` is left out where one of its placeholders is empty.

        Raises:
            KeyError: no such template.
        """
        mail = self.mails[template]
        swedish, english = (self._in(what, names or {}, language) for language in ("sv", "en"))
        text = f"{_filled(mail.text.sv, swedish)}\n\n{_filled(mail.text.en, english)}\n"
        return mail.subject.sv.format_map(swedish), text

    def _in(self, what: Mapping[str, str], names: Mapping[str, str], language: str) -> _OrEmpty:
        values = _OrEmpty(what)
        things = {**{name: Text(sv=said, en=said) for name, said in names.items()}, **self.items}
        groups = {
            "rule": self.rules,
            "on": self.parties,
            "outcome": self.outcomes,
            "kind": things,
            "item": things,
            "added": things,
            "removed": things,
            "environment": things,
            "why": self.reasons,
        }
        for name, group in groups.items():
            if name in values:
                codes = values[name].split(", ")
                values[name] = ", ".join(getattr(self.label(group, c), language) for c in codes)
        return values


def placeholders(line: str) -> set[str]:
    """Return the names of a line's placeholders."""
    return {name for _, name, _, _ in Formatter().parse(line) if name}


def _filled(text: str, values: _OrEmpty) -> str:
    lines = []
    for line in text.strip().splitlines():
        said = line.removeprefix(OPTIONAL)
        if said == line or all(values[name] for name in placeholders(said)):
            lines.append(said.format_map(values))
    return "\n".join(lines)
