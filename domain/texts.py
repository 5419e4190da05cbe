"""Texts for people, looked up by code: labels and mails, Swedish first, English below."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from domain.text import Text


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

    def mail(self, template: str, what: Mapping[str, str]) -> tuple[str, str]:
        """Return subject and text of a mail, in both languages.

        Raises:
            KeyError: no such template.
        """
        mail = self.mails[template]
        values = self._in(what, "sv"), self._in(what, "en")
        subject = mail.subject.sv.format_map(values[0])
        text = f"{mail.text.sv.format_map(values[0])}\n\n{mail.text.en.format_map(values[1])}\n"
        return subject, text

    def _in(self, what: Mapping[str, str], language: str) -> _OrEmpty:
        values = _OrEmpty(what)
        groups = {
            "rule": self.rules,
            "on": self.parties,
            "outcome": self.outcomes,
            "kind": self.items,
            "item": self.items,
        }
        for name, group in groups.items():
            if name in values:
                values[name] = getattr(self.label(group, values[name]), language)
        return values
