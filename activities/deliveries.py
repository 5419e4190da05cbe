"""Test deliveries: the platform's machine-readable report, read with our own right."""

from pydantic import BaseModel
from temporalio import activity

from activities.outside import calls_outside, not_yet
from adapters.delivery_api import DeliveryApi
from adapters.outside import Refused
from domain.trial_delivery import ReportFetched

NOT_FOUND = 404


class DeliveryInput(BaseModel):
    """The delivery whose report is wanted."""

    delivery_id: str


class Deliveries:
    """What is read from the delivery interface."""

    def __init__(self, api: DeliveryApi) -> None:
        self._api = api

    @activity.defn
    @calls_outside()
    async def fetch_report(self, wanted: DeliveryInput) -> ReportFetched:
        """Fetch the report of a test delivery by its id, waiting until it is ready."""
        try:
            report = await self._api.report(wanted.delivery_id)
        except Refused as error:
            if error.status != NOT_FOUND:
                raise
            return ReportFetched(delivery_id=wanted.delivery_id, found=False)
        if not report.ready:
            raise not_yet("the report is not ready yet")
        return ReportFetched(
            delivery_id=wanted.delivery_id,
            found=True,
            login=report.login,
            information_type=report.information_type,
            status=report.status,
            tests=report.tests,
            findings=tuple(finding.model_dump(mode="json") for finding in report.findings),
        )
