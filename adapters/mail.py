"""Outgoing mail: SMTP (RFC 5321), one plain text message to one person."""

import asyncio
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from datetime import UTC, datetime
from typing import Final

import aiosmtplib

from adapters.outside import TIMEOUT_SECONDS, Busy, OutsideError, Refused, Unreachable

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
        username: logs in where given, then only over TLS.
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
        self._sender = sender
        self._timeout_seconds = timeout_seconds
        self._server = {
            "hostname": host,
            "port": port,
            "username": username,
            "password": password,
            "timeout": timeout_seconds,
            # None: uses TLS where the server offers it.
            "start_tls": True if username else None,
        }
