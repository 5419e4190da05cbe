"""Mails to people: rendered from the policy's texts, with a stable Message-ID."""

import asyncpg
from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside
from adapters.mail import Mail, MailRefused
from domain.machine import Content
from domain.policy import Policy
from domain.state import Notice
from domain.texts import Texts
from records import secrets
from records.keys import KeyRing


class NoticeInput(BaseModel):
    """A mail to send, with what it is about."""

    notice: Notice
    number: str | None
    organisation: str


class NoticeSent(Content):
    """What became of a mail; `refused` means that the address does not take it."""

    refused: bool = False


class Notices:
    """What is told by mail."""

    def __init__(
        self, mail: Mail, texts: Texts, policy: Policy, pool: asyncpg.Pool, keys: KeyRing
    ) -> None:
        self._mail = mail
        self._texts = texts
        self._policy = policy
        self._pool = pool
        self._keys = keys

    @activity.defn
    @calls_outside()
    async def send_notice(self, wanted: NoticeInput) -> NoticeSent:
        """Send one mail; a repeated attempt carries the same Message-ID."""
        notice = wanted.notice
        if notice.person is not None:
            to, name = notice.person.email, notice.person.name
        else:
            to, name = self._policy.mailboxes[notice.role or "case_handler"], ""
        what = {
            **notice.what,
            "name": name,
            "number": wanted.number or wanted.organisation or "NGP",
            "organisation": wanted.organisation,
            **self._policy.told(),
        }
        if "offer_id" in what:
            what["token"] = await secrets.token_of(self._pool, self._keys, what["offer_id"])
        names = {name: dataset.name for name, dataset in self._policy.datasets.items()}
        subject, text = self._texts.mail(notice.template, what, names)
        message_id = f"<{notice.notice_id.replace('/', '.').replace('#', '.')}@ngp.onboarding>"
        try:
            await self._mail.send(message_id=message_id, to=to, subject=subject, text=text)
        except MailRefused:
            return NoticeSent(refused=True)
        return NoticeSent()
