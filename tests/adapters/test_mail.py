"""The adapter of the mail server, against a real SMTP conversation."""

import socket

import aiosmtplib
import pytest

from adapters.mail import Mail, MailRefused
from adapters.outside import Busy, Unreachable
from tests.adapters.conftest import TIMEOUT_SECONDS, Simulator, free_port

MAIL = {
    "message_id": "<1@ngp.example>",
    "to": "anna@example.se",
    "subject": "Ärendet väntar på er",
    "text": "Hej Åsa!\n\nFyll i blanketten: https://ngp.example/ärende\n",
}


async def test_a_mail_arrives(mail: Mail, mail_server: Simulator) -> None:
    """Subject and text arrive with all letters; the Message-ID is ours."""
    await mail.send(**MAIL)

    (arrived,) = mail_server.state()
    assert arrived["subject"] == MAIL["subject"]
    assert arrived["text"].replace("\r\n", "\n") == MAIL["text"]
    assert arrived["message_id"] == MAIL["message_id"]
    assert arrived["from"] == "noreply@lm.example"


async def test_the_same_mail_again(mail: Mail, mail_server: Simulator) -> None:
    """A repeated attempt is the same mail by its Message-ID."""
    await mail.send(**MAIL)
    await mail.send(**MAIL)

    assert [each["count"] for each in mail_server.state()] == [2]


def test_a_machine_says_so(mail: Mail) -> None:
    """A mail is marked so that no automatic reply comes back (RFC 3834)."""
    message = mail._message(**MAIL)

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == MAIL["to"]
    assert message.get_content_charset() == "utf-8"


@pytest.mark.parametrize("field", ["subject", "to", "message_id"])
def test_a_line_break_starts_no_header(mail: Mail, field: str) -> None:
    """Text with a line break cannot add a header."""
    with pytest.raises(ValueError, match=r"linefeed|newline|line|Invalid|CR"):
        mail._message(**{**MAIL, field: "x\r\nBcc: eve@example.se"})


async def test_an_address_that_does_not_exist(mail: Mail) -> None:
    """An address refused for good is a person's task; the error does not repeat it."""
    with pytest.raises(MailRefused) as raised:
        await mail.send(**{**MAIL, "to": "bounce.anna@example.se"})

    assert raised.value.status == 550
    assert "anna" not in raised.value.said


async def test_a_domain_with_swedish_letters(mail: Mail, mail_server: Simulator) -> None:
    """It is written as every mail server takes it (RFC 5890)."""
    await mail.send(**{**MAIL, "to": "anna@åmål.example"})
    assert [each["to"] for each in mail_server.state()] == ["anna@xn--ml-xiab.example"]


async def test_an_address_that_no_mail_can_be_sent_to(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A domain that cannot be, or letters that the server does not take: a person's task."""
    with pytest.raises(MailRefused):
        await mail.send(**{**MAIL, "to": f"anna@{'å' * 70}.se"})

    async def without_smtputf8(*_: object, **__: object) -> None:
        raise aiosmtplib.SMTPNotSupported("SMTPUTF8")

    monkeypatch.setattr(aiosmtplib, "send", without_smtputf8)
    with pytest.raises(MailRefused):
        await mail.send(**{**MAIL, "to": "åsa@example.se"})


@pytest.mark.parametrize("status", [451, 554])
async def test_a_server_that_will_not_now(mail: Mail, mail_server: Simulator, status: int) -> None:
    """A refusal that is not the recipient's is tried again: the mail is not lost."""
    mail_server.fault("DATA*", status=status)

    with pytest.raises(Busy) as raised:
        await mail.send(**MAIL)

    assert raised.value.status == status


async def test_a_lost_answer(mail: Mail, mail_server: Simulator) -> None:
    """A mail whose answer was lost may have arrived; sent again it is the same mail."""
    mail_server.fault("DATA*", drop=True)

    with pytest.raises(Unreachable):
        await mail.send(**MAIL)
    await mail.send(**MAIL)

    assert [each["count"] for each in mail_server.state()] == [2]


async def test_nobody_listens() -> None:
    """A mail server that is down is unreachable."""
    with pytest.raises(Unreachable):
        await Mail("127.0.0.1", free_port(), "a@b.example").send(**MAIL)


async def test_a_silent_server() -> None:
    """A mail server that says nothing is given up after the limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        port = silent.getsockname()[1]
        mail = Mail("127.0.0.1", port, "a@b.example", timeout_seconds=TIMEOUT_SECONDS / 5)

        with pytest.raises(Unreachable):
            await mail.send(**MAIL)
