"""The platform's delivery interface (Producer API 1.1): reports of test deliveries, only read."""

from http import HTTPStatus
from typing import Annotated, Final, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict

from adapters.outside import TIMEOUT_SECONDS, Connection

SYSTEM: Final = "delivery_api"

ReportStatus = Literal["OK", "WARNING", "FAILURE", "ERROR", "SKIPPED"]


def _joined(message: object) -> object:
    return "; ".join(map(str, message)) if isinstance(message, list) else message


class Finding(BaseModel):
    """One check of a report that has something to say."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str = ""
    status: ReportStatus
    message: Annotated[str, BeforeValidator(_joined)] = ""


class DeliveryReport(BaseModel):
    """What the platform found in a delivery.

    `status` is empty and the counts are 0 until the report is ready. `findings` leaves out the
    checks that passed. WARNING passes; ERROR means that a check could not run.
    """

    model_config = ConfigDict(frozen=True)

    delivery_id: str
    login: str
    information_type: str
    provider: str
    status: ReportStatus | Literal[""] = ""
    ready: bool = False
    tests: int = 0
    failures: int = 0
    warnings: int = 0
    errors: int = 0
    findings: list[Finding] = []


class _Delivery(BaseModel):
    login: str
    informationstyp: str
    provider: str
    status: str


class _Report(BaseModel):
    status: ReportStatus
    tests: int
    failures: int
    warnings: int
    errors: int
    testcase: list[Finding]


class DeliveryApi:
    """The interface over HTTP, read with our own right."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection(
            SYSTEM,
            base_url,
            token,
            said_in=("code", "reason"),
            timeout_seconds=timeout_seconds,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def report(self, delivery_id: str) -> DeliveryReport:
        """Return the report of a delivery, not `ready` while the platform still checks.

        A delivery that failed in the platform itself (`fel`) has no report: it counts as ERROR.

        Raises:
            NotFound: no such delivery.
            OutsideError: the interface could not tell.
        """
        path = f"/mottagning/{quote(delivery_id, safe='')}"
        answer = await self._connection.send("GET", path)
        delivery = self._connection.read(answer, _Delivery)
        known = DeliveryReport(
            delivery_id=delivery_id,
            login=delivery.login,
            information_type=delivery.informationstyp,
            provider=delivery.provider,
        )
        answer = await self._connection.send("GET", f"{path}/leverans")
        if answer.status_code == HTTPStatus.NO_CONTENT:
            failed = delivery.status == "fel"
            return known.model_copy(update={"status": "ERROR", "ready": True} if failed else {})
        report = self._connection.read(answer, _Report)
        found = [case for case in report.testcase if case.status != "OK"]
        counts = report.model_dump(exclude={"testcase"})
        return known.model_copy(update={**counts, "ready": True, "findings": found})
