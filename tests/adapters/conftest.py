"""The simulated outside systems as processes of their own, and adapters connected to them."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from adapters.account_system import AccountSystem
from adapters.agreement_register import AgreementRegister
from adapters.api_portal import ApiPortal
from adapters.delivery_api import DeliveryApi
from adapters.mail import Mail
from tests.adapters.contract import Contract

TOKEN = "simulated"
START_SECONDS = 20
TIMEOUT_SECONDS = 1.0


class Simulator:
    """One running simulator and its control interface."""

    def __init__(self, control_port: int, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{control_port}", timeout=5)

    def fault(self, match: str = "*", *, times: int = 1, **what: Any) -> None:
        """Let the next requests that match go wrong."""
        self.http.post("/_control/faults", json={"match": match, "times": times, **what})

    def state(self) -> Any:
        """Tell what the system holds."""
        return self.http.get("/_control/state").json()

    def reset(self) -> None:
        """Forget everything, faults too."""
        self.http.post("/_control/reset", json={"state": True})


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextmanager
def running(
    name: str, folder: Path, *options: str, separate_control: bool = False
) -> Iterator[Simulator]:
    """Run a simulator until the end of the block."""
    port = free_port()
    control_port = free_port() if separate_control else port
    command = [sys.executable, "-m", f"simulators.{name}", "--port", str(port)]
    command += ["--data-dir", str(folder), "--token", TOKEN, *options]
    command += ["--control-port", str(control_port)] if separate_control else []
    process = subprocess.Popen(command)
    simulator = Simulator(control_port, port)
    try:
        wait_until_up(simulator, process)
        yield simulator
    finally:
        simulator.http.close()
        process.terminate()
        process.wait(timeout=10)


def wait_until_up(simulator: Simulator, process: subprocess.Popen[bytes]) -> None:
    """Wait until a simulator answers."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            simulator.http.get("/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("a simulator did not start")


@pytest.fixture(scope="session")
def account_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run the account system for all tests."""
    with running("account_system", tmp_path_factory.mktemp("accounts")) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def portal_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run a portal for all tests."""
    with running("api_portal", tmp_path_factory.mktemp("portal")) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def several_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run a portal that lets a key have several secrets, for all tests."""
    folder = tmp_path_factory.mktemp("several")
    with running("api_portal", folder, "--multiple-secrets") as simulator:
        yield simulator


@pytest.fixture(scope="session")
def register_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run the agreement register for all tests."""
    with running("agreement_register", tmp_path_factory.mktemp("register")) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def mail_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run a mail server for all tests."""
    with running("mail", tmp_path_factory.mktemp("mail"), separate_control=True) as simulator:
        yield simulator


@pytest.fixture
def account_server(account_process: Simulator) -> Simulator:
    """Return the account system, empty."""
    account_process.reset()
    return account_process


@pytest.fixture
def portal_server(portal_process: Simulator) -> Simulator:
    """Return the portal, empty."""
    portal_process.reset()
    return portal_process


@pytest.fixture
def several_server(several_process: Simulator) -> Simulator:
    """Return the portal of several secrets, empty."""
    several_process.reset()
    return several_process


@pytest.fixture
def register_server(register_process: Simulator) -> Simulator:
    """Return the agreement register, empty."""
    register_process.reset()
    return register_process


@pytest.fixture
def mail_server(mail_process: Simulator) -> Simulator:
    """Return the mail server, empty."""
    mail_process.reset()
    return mail_process


@pytest.fixture(scope="session")
def portal_contract() -> Contract:
    """Return WSO2's own contract, as it was published."""
    return Contract("wso2-devportal-v3.yaml", base_path="/api/am/devportal/v3")


@pytest.fixture(scope="session")
def register_contract() -> Contract:
    """Return our contract of the agreement register."""
    return Contract("agreement-register.yaml")


@pytest.fixture(scope="session")
def delivery_contract() -> Contract:
    """Return our contract of the delivery interface."""
    return Contract("delivery-api.yaml", base_path="/producent")


@pytest_asyncio.fixture
async def accounts(account_server: Simulator) -> AsyncIterator[AccountSystem]:
    """Return the adapter of the account system."""
    adapter = AccountSystem(account_server.url, TOKEN, timeout_seconds=TIMEOUT_SECONDS)
    yield adapter
    await adapter.close()


@pytest_asyncio.fixture
async def portal(portal_server: Simulator, portal_contract: Contract) -> AsyncIterator[ApiPortal]:
    """Return the adapter of the portal, its every call held to the contract."""
    adapter = ApiPortal(
        portal_server.url, TOKEN, system="portal_verification", timeout_seconds=TIMEOUT_SECONDS
    )
    portal_contract.watch(adapter._connection.client)
    yield adapter
    await adapter.close()


@pytest_asyncio.fixture
async def several(several_server: Simulator, portal_contract: Contract) -> AsyncIterator[ApiPortal]:
    """Return the adapter of the portal of several secrets, held to the contract."""
    adapter = ApiPortal(
        several_server.url, TOKEN, system="portal_production", timeout_seconds=TIMEOUT_SECONDS
    )
    portal_contract.watch(adapter._connection.client)
    yield adapter
    await adapter.close()


@pytest_asyncio.fixture
async def register(
    register_server: Simulator, register_contract: Contract
) -> AsyncIterator[AgreementRegister]:
    """Return the adapter of the agreement register, its every call held to the contract."""
    adapter = AgreementRegister(register_server.url, TOKEN, timeout_seconds=TIMEOUT_SECONDS)
    register_contract.watch(adapter._connection.client)
    yield adapter
    await adapter.close()


@pytest_asyncio.fixture
async def deliveries(
    portal_server: Simulator, delivery_contract: Contract
) -> AsyncIterator[DeliveryApi]:
    """Return the adapter of the delivery interface behind the portal, held to the contract."""
    adapter = DeliveryApi(f"{portal_server.url}/producent", TOKEN, timeout_seconds=TIMEOUT_SECONDS)
    delivery_contract.watch(adapter._connection.client)
    yield adapter
    await adapter.close()


@pytest.fixture
def mail(mail_server: Simulator) -> Mail:
    """Return the adapter of the mail server."""
    sender = "NGP <noreply@lm.example>"
    return Mail("127.0.0.1", mail_server.port, sender, timeout_seconds=TIMEOUT_SECONDS)
