"""Simulators as programs of their own, and who calls them."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.adapters.contract import Contract

ROOT = Path(__file__).parents[2]
TOKEN = "simulated"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PORTAL = "/api/am/devportal/v3"
START_SECONDS = 20


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


class Program:
    """One simulator as a program: it can be ended, killed and started again."""

    def __init__(self, name: str, folder: Path, *options: str) -> None:
        self.port = free_port()
        control = free_port() if name == "mail" else self.port
        self._command = [sys.executable, "-m", f"simulators.{name}", "--host", "127.0.0.1"]
        self._command += ["--port", str(self.port), "--data-dir", str(folder), "--token", TOKEN]
        self._command += ["--control-port", str(control)] if name == "mail" else []
        self._command += options
        self.url = f"http://127.0.0.1:{control}"
        self.http = httpx.Client(base_url=self.url, headers=BEARER, timeout=10)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.http.get("/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("a simulator did not start")

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, bytes, bytes]:
        """End it; returns its exit code, and what it wrote on stdout and stderr."""
        self.process.terminate()
        written = self.process.communicate(timeout=10)
        return self.process.returncode, *written

    def close(self) -> None:
        """Leave nothing behind."""
        self.http.close()
        if self.process.poll() is None:
            self.kill()

    def fault(self, match: str, *, times: int = 1, **what: Any) -> None:
        """Let the next requests that match go wrong."""
        fault = {"match": match, "times": times, **what}
        self.http.post("/_control/faults", json=fault).raise_for_status()

    def state(self) -> Any:
        """Tell what the system holds."""
        return self.http.get("/_control/state").json()

    def reset(self) -> None:
        """Forget everything, faults too."""
        self.http.post("/_control/reset", json={"state": True}).raise_for_status()


def started(name: str, folder: Path, *options: str) -> Iterator[Program]:
    """Run a simulator until the tests are done."""
    program = Program(name, folder, *options)
    try:
        program.start()
        yield program
    finally:
        program.close()


@pytest.fixture(scope="session")
def portal_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run a portal for all tests."""
    yield from started("api_portal", tmp_path_factory.mktemp("portal"))


@pytest.fixture(scope="session")
def register_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run the agreement register for all tests."""
    yield from started("agreement_register", tmp_path_factory.mktemp("register"))


@pytest.fixture
def portal_server(portal_program: Program) -> Program:
    """Return the portal, empty."""
    portal_program.reset()
    return portal_program


@pytest.fixture
def register_server(register_program: Program) -> Program:
    """Return the agreement register, empty."""
    register_program.reset()
    return register_program


@pytest.fixture(scope="session")
def portal_contract() -> Contract:
    """Return WSO2's own contract."""
    return Contract("wso2-devportal-v3.yaml", base_path=PORTAL)


@pytest.fixture(scope="session")
def delivery_contract() -> Contract:
    """Return the contract of the producer's interface."""
    return Contract("delivery-api.yaml", base_path="/producent")


@pytest_asyncio.fixture
async def portal(
    portal_server: Program, portal_contract: Contract
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the portal whose every call is held to the contract."""
    url = f"{portal_server.url}{PORTAL}"
    async with httpx.AsyncClient(base_url=url, headers=BEARER) as client:
        portal_contract.watch(client)
        yield client
