"""Outgoing mail: SMTP (RFC 5321), one plain text message to one person."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

import aiosmtplib

from adapters.outside import TIMEOUT_SECONDS, Busy, NotAllowed, OutsideError, Refused, Unreachable

SYSTEM: Final = "mail"
PERMANENT: Final = 500


class MailRefused(Refused):
    """The address does not take mail, for good (5xx for the recipient): a person must look."""


class Mail:
    """A mail server.

    Args:
        host: its name or address.
        port: its port.
        sender: who the mail is from, `noreply@example.se` or `Name <noreply@example.se>`.
        username: logs in where given, then only over TLS; else TLS is used where offered.
        password: of the user.
        timeout_seconds: for the whole exchange.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        username: str | None = None,
        password: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._username = username
        self._password = password
        self._timeout_seconds = timeout_seconds

    async def send(self, *, message_id: str, to: str, subject: str, text: str) -> None:
        """Send a mail; a repeated one has the same Message-ID, which mail programs show once.

        Marked as sent by a machine (RFC 3834), so that nobody's absence answers it.

        Raises:
            MailRefused: the address does not take mail.
            NotAllowed: the server does not let us log in.
            Busy: the server cannot take it now (4xx), or refuses for another reason.
            Unreachable: no answer; the mail may have been sent.
        """
        message = self._message(message_id, _in_ascii(to), subject, text)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await aiosmtplib.send(
                    message,
                    hostname=self._host,
                    port=self._port,
                    username=self._username,
                    password=self._password,
                    start_tls=True if self._username else None,
                    timeout=self._timeout_seconds,
                )
        except (TimeoutError, OSError, aiosmtplib.SMTPException) as error:
            # `from None`: the server's own words may name the person.
            raise _as_outside(error) from None

    def _message(self, message_id: str, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = datetime.now(UTC)
        message["Message-ID"] = message_id
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(text, charset="utf-8")
        return message


def _in_ascii(address: str) -> str:
    """Return an address with its domain as every mail server takes it (RFC 5890).

    Raises:
        MailRefused: there can be no such domain.
    """
    name, _, domain = address.rpartition("@")
    try:
        return f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise MailRefused(SYSTEM, "no such domain") from None


def _as_outside(error: Exception) -> OutsideError:
    """Tell what an error of SMTP means; only codes are repeated, a server's words name people."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPNotSupported):  # letters that this server cannot send to
        return MailRefused(SYSTEM, type(error).__name__)
    if not isinstance(error, aiosmtplib.SMTPResponseException):
        return Unreachable(SYSTEM, type(error).__name__)
    code = error.code
    said = f"{code} {type(error).__name__}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and code >= PERMANENT:
        return NotAllowed(SYSTEM, said, status=code)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused) and code >= PERMANENT:
        return MailRefused(SYSTEM, said, status=code)
    return Busy(SYSTEM, said, status=code)
