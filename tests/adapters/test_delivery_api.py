"""The adapter of the delivery interface: a producer delivers, we read the report."""

import httpx
import pytest

from adapters.api_portal import ApiPortal
from adapters.delivery_api import DeliveryApi
from adapters.outside import NotAllowed, NotFound
from adapters.portal_keys import IssuedKey
from tests.adapters.conftest import TIMEOUT_SECONDS, TOKEN, Simulator


class Producer:
    """Somebody with a key who delivers."""

    def __init__(self, server: Simulator, key: str, secret: str) -> None:
        self._http = server.http
        grant = {"grant_type": "client_credentials"}
        token = self._http.post("/oauth2/token", data=grant, auth=(key, secret)).json()
        self._headers = {"Authorization": f"Bearer {token['access_token']}"}

    def open(self) -> str:
        """Open a delivery and return its id."""
        info = {"leveransinfo": {"informationstyp": "detaljplan", "provider": "2180"}}
        return str(self._post("/producent/mottagning", info).json()["id"])

    def deliver(self, delivery_id: str, outcome: str) -> None:
        """Deliver something whose report will have a status."""
        self._post(
            f"/producent/mottagning/{delivery_id}/forandringar/1/leverans", {"simulate": outcome}
        )

    def _post(self, path: str, body: object) -> httpx.Response:
        return self._http.post(path, json=body, headers=self._headers)


@pytest.fixture
async def producer(portal: ApiPortal, portal_server: Simulator) -> Producer:
    """Return a producer with a key and a subscription."""
    application = await portal.find_or_create_application(
        key="key", name="NGP", system_account="abcd1234"
    )
    await portal.subscribe(application.application_id, ["NGP Uppdatering"])
    key = await portal.issue_key(application.application_id)
    assert isinstance(key, IssuedKey)
    return Producer(portal_server, key.consumer_key, key.consumer_secret.get_secret_value())


async def test_not_ready(deliveries: DeliveryApi, producer: Producer) -> None:
    """Until the platform has checked, only who delivered what is known."""
    delivery_id = producer.open()

    report = await deliveries.report(delivery_id)

    assert (report.ready, report.status) == (False, "")
    assert (report.login, report.information_type) == ("abcd1234", "detaljplan")
    assert report.provider == "2180"


@pytest.mark.parametrize("outcome", ["OK", "WARNING", "FAILURE", "ERROR"])
async def test_a_report(deliveries: DeliveryApi, producer: Producer, outcome: str) -> None:
    """A report has its counts, and findings for the checks that did not pass."""
    delivery_id = producer.open()
    producer.deliver(delivery_id, outcome)

    report = await deliveries.report(delivery_id)

    assert (report.ready, report.status, report.tests) == (True, outcome, 1)
    counts = {"WARNING": report.warnings, "FAILURE": report.failures, "ERROR": report.errors}
    assert counts.get(outcome, 1) == 1
    found = [(each.id, each.status, each.message) for each in report.findings]
    expected = [("DP-0001", outcome, f"simulerat utfall {outcome}")]
    assert found == ([] if outcome == "OK" else expected)


async def test_no_such_delivery(deliveries: DeliveryApi) -> None:
    """A delivery that is not there is told as such."""
    with pytest.raises(NotFound):
        await deliveries.report("no-such-delivery")


async def test_an_id_that_is_a_path_leads_nowhere_else(portal_server: Simulator) -> None:
    """Beside the contract: the server itself answers, which knows no such address."""
    api = DeliveryApi(f"{portal_server.url}/producent", TOKEN, timeout_seconds=TIMEOUT_SECONDS)

    with pytest.raises(NotFound):
        await api.report("../health")
    await api.close()


async def test_a_wrong_token(portal_server: Simulator) -> None:
    """A token that does not count is told as such."""
    api = DeliveryApi(f"{portal_server.url}/producent", "wrong", timeout_seconds=TIMEOUT_SECONDS)

    with pytest.raises(NotAllowed):
        await api.report("1")
    await api.close()


async def test_a_delivery_that_failed_in_the_platform() -> None:
    """A delivery in status `fel` will have no report: it counts as an error, not as not ready."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = {"login": "a", "informationstyp": "b", "provider": "c", "status": "fel"}
        if request.url.path.endswith("/leverans"):
            return httpx.Response(204)
        return httpx.Response(200, json=body)

    api = DeliveryApi("http://lm.example", "token", transport=httpx.MockTransport(answer))

    report = await api.report("1")
    await api.close()

    assert (report.ready, report.status) == (True, "ERROR")
