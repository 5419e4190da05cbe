"""The delivery interface (Uppdatering 1.1), read with our own right."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from adapters.outside import Http

READY = 200


class Finding(BaseModel):
    """One check of a report that did not simply pass."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    status: str
    message: str


class DeliveryReport(BaseModel):
    """A delivery's report; without `ready` only who delivered what is known."""

    model_config = ConfigDict(frozen=True)

    delivery_id: str
    login: str
    information_type: str
    provider: str
    ready: bool
    status: str = ""
    tests: int = 0
    findings: tuple[Finding, ...] = ()


class DeliveryApi:
    """The delivery interface of the verification environment."""

    def __init__(self, base_url: str, token: str, *, limit_seconds: float = 20) -> None:
        self._http = Http("delivery_api", base_url, token, limit_seconds=limit_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def report(self, delivery_id: str) -> DeliveryReport:
        """Return a delivery's report.

        Raises:
            Refused: there is no such delivery (404).
        """
        one = f"/mottagning/{delivery_id}"
        delivery: dict[str, Any] = self._http.json(await self._http.send("GET", one))
        known = {
            "delivery_id": delivery_id,
            "login": delivery["login"],
            "information_type": delivery["informationstyp"],
            "provider": delivery["provider"],
        }
        answer = await self._http.send("GET", f"{one}/leverans", expect=frozenset({READY, 204}))
        if answer.status_code != READY:
            return DeliveryReport(**known, ready=False)
        report = self._http.json(answer)
        findings = tuple(
            Finding(
                id=case["id"],
                label=case["label"],
                status=case["status"],
                message="; ".join(case["message"]),
            )
            for case in report["testcase"]
            if case["status"] != "OK"
        )
        return DeliveryReport(
            **known, ready=True, status=report["status"], tests=report["tests"], findings=findings
        )
