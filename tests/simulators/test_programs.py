"""What every simulator is as a program."""

import smtplib
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.simulators.conftest import PORTAL, Program

NAMES = ["account_system", "api_portal", "agreement_register", "mail"]
AGREEMENT = {
    "org_number": "212000-0142",
    "kind": "producer",
    "template": "NGP-P",
    "document_sha256": "0123456789abcdef" * 4,
    "valid_from": "2026-12-01",
}


def write_account(program: Program, number: int) -> None:
    """Create an organisation."""
    schema = "urn:ngp:params:scim:schemas:Organization"
    body = {"schemas": [schema], "orgNumber": f"{number}", "displayName": "Danderyds kommun"}
    headers = {"Content-Type": "application/scim+json"}
    program.http.post("/Organizations", json=body, headers=headers).raise_for_status()


def write_application(program: Program, number: int) -> None:
    """Create an application."""
    body = {"name": f"NGP {number}", "throttlingPolicy": "Unlimited"}
    program.http.post(f"{PORTAL}/applications", json=body).raise_for_status()


def write_agreement(program: Program, number: int) -> None:
    """Register an agreement."""
    body = {**AGREEMENT, "org_number": f"212000-{number:04}"}
    program.http.put(f"/agreements/{number}", json=body).raise_for_status()


def write_mail(program: Program, number: int) -> None:
    """Send a mail."""
    with smtplib.SMTP("127.0.0.1", program.port) as server:
        text = f"Message-ID: <{number}@ngp.example>\nSubject: Hej\n\nHej"
        server.sendmail("ngp@lm.example", [f"anna{number}@example.se"], text)


WRITE: dict[str, Callable[[Program, int], None]] = {
    "account_system": write_account,
    "api_portal": write_application,
    "agreement_register": write_agreement,
    "mail": write_mail,
}


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_ended(name: str, tmp_path: Path) -> None:
    """What was answered survives a kill; an end is clean, quick and says nothing on stdout."""
    program = Program(name, tmp_path)
    try:
        program.start()
        for number in range(20):
            WRITE[name](program, number)
        before = program.state()
        program.kill()
        program.start()

        assert program.http.get("/health").json() == {"status": "UP"}
        assert len(str(before)) > 1000
        assert program.state() == before

        ended = time.monotonic()
        assert program.end() == (0, b"", b"")
        assert time.monotonic() - ended < 5  # a second on a machine with nothing else to do
    finally:
        program.close()


def test_ends_though_a_request_hangs(tmp_path: Path) -> None:
    """A request that hangs does not keep a simulator from ending, and is not answered then."""
    program = Program("agreement_register", tmp_path)
    try:
        program.start()
        program.fault("GET /agreements", hang=True)
        with socket.create_connection(("127.0.0.1", program.port)) as hanging:
            hanging.sendall(b"GET /agreements HTTP/1.1\r\nHost: simulator\r\n\r\n")
            program.http.get("/health").raise_for_status()

            code, written, _ = program.end()

            assert (code, written) == (0, b"")
            assert hanging.recv(1000) == b""
    finally:
        program.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("account_system", "/Users"),
        ("api_portal", f"{PORTAL}/applications"),
        ("agreement_register", "/agreements"),
    ],
)
def test_the_token_is_needed(name: str, path: str, tmp_path: Path) -> None:
    """A request without the token, or with another one, is refused."""
    program = Program(name, tmp_path)
    try:
        program.start()
        wrong = {"Authorization": "Bearer wrong"}
        assert program.http.get(path).status_code == 200
        assert program.http.get(path, headers=wrong).status_code == 401
        assert httpx.get(f"{program.url}{path}").status_code == 401
    finally:
        program.close()
