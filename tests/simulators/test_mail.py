"""The simulated mail server, spoken to by the standard library's client."""

import smtplib
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.conftest import Program, started


@pytest.fixture(scope="module")
def mail_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a mail server for all tests here."""
    yield from started("mail", tmp_path_factory.mktemp("mail"))


@pytest.fixture
def mail(mail_program: Program) -> Program:
    """Return the mail server, empty."""
    mail_program.reset()
    return mail_program


def send(mail: Program, *to: str, message_id: str = "<1@ngp.example>") -> None:
    """Send a mail."""
    message = EmailMessage()
    message["From"], message["To"] = "ngp@lm.example", ", ".join(to)
    message["Subject"], message["Message-ID"] = "Ärendet väntar på er", message_id
    message.set_content("Hej Åsa!\n")
    with smtplib.SMTP("127.0.0.1", mail.port, timeout=5) as server:
        server.send_message(message)


def messages(mail: Program, **wanted: str) -> list[dict[str, Any]]:
    """Read the mails that arrived."""
    found: list[dict[str, Any]] = mail.http.get("/messages", params=wanted).json()
    return found


def test_a_mail(mail: Program) -> None:
    """A mail is kept with all its letters, and read by recipient."""
    send(mail, "anna@example.se", "bo@example.se")

    (arrived,) = messages(mail, to="anna@example.se")

    received = datetime.fromisoformat(arrived.pop("received_at"))
    assert datetime.now(received.tzinfo) - received < timedelta(minutes=1)
    assert arrived.pop("text").strip() == "Hej Åsa!"
    assert arrived == {
        "from": "ngp@lm.example",
        "to": "anna@example.se",
        "subject": "Ärendet väntar på er",
        "message_id": "<1@ngp.example>",
        "count": 1,
    }
    assert [each["to"] for each in messages(mail)] == ["anna@example.se", "bo@example.se"]
    assert mail.state() == messages(mail)


def test_the_same_again(mail: Program) -> None:
    """The same Message-ID to the same recipient is kept once, and counted."""
    send(mail, "anna@example.se")
    send(mail, "anna@example.se", "bo@example.se")
    send(mail, "anna@example.se", message_id="<2@ngp.example>")

    counts = {(each["to"], each["message_id"]): each["count"] for each in messages(mail)}
    assert counts == {
        ("anna@example.se", "<1@ngp.example>"): 2,
        ("bo@example.se", "<1@ngp.example>"): 1,
        ("anna@example.se", "<2@ngp.example>"): 1,
    }


def test_refused_for_good(mail: Program) -> None:
    """An address that begins with `bounce` does not exist."""
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(mail, "Bounce.anna@example.se")
        assert [code for code, _ in refused.value.recipients.values()] == [550]
    assert messages(mail) == []


def test_refused_for_now(mail: Program) -> None:
    """An address that begins with `slow` is taken the second time."""
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(mail, "slow@example.se")
    assert [code for code, _ in refused.value.recipients.values()] == [451]

    send(mail, "slow@example.se")

    assert len(messages(mail)) == 1


def test_refused_for_now_is_remembered(tmp_path: Path) -> None:
    """Who was asked to come back is known after a kill."""
    program = Program("mail", tmp_path)
    try:
        program.start()
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(program, "slow@example.se")
        program.kill()
        program.start()
        send(program, "slow@example.se")
    finally:
        program.close()


@pytest.mark.parametrize("status", [451, 554])
def test_a_status(mail: Program, status: int) -> None:
    """A fault is the answer to the mail itself; reading what arrived does not use it up."""
    mail.fault("*", status=status)

    assert messages(mail) == []
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(mail, "anna@example.se")

    assert refused.value.smtp_code == status
    assert messages(mail) == []
    send(mail, "anna@example.se")


@pytest.mark.parametrize("fault", ["drop", "half"])
def test_a_lost_answer(mail: Program, fault: str) -> None:
    """The mail is kept, its answer lost."""
    mail.fault("DATA anna@*", **{fault: True})
    send(mail, "bo@example.se")

    with pytest.raises(smtplib.SMTPException):
        send(mail, "anna@example.se")

    assert len(messages(mail, to="anna@example.se")) == 1


def test_silence(mail: Program) -> None:
    """Nothing is kept nor said for a while, then the connection closes."""
    mail.fault("DATA*", hang=True, seconds=0.3)
    begun = time.monotonic()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mail, "anna@example.se")

    assert time.monotonic() - begun >= 0.3
    assert messages(mail) == []
