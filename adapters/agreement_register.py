"""The agreement register (`contracts/agreement-register.yaml`)."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from adapters.outside import Http


class RegisteredAgreement(BaseModel):
    """An agreement that the register holds as in force."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    org_number: str
    kind: str
    valid_from: date


class AgreementRegister:
    """The agreement register."""

    def __init__(self, base_url: str, token: str, *, limit_seconds: float = 20) -> None:
        self._http = Http("agreement_register", base_url, token, limit_seconds=limit_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def register(
        self,
        *,
        key: str,
        org_number: str,
        kind: str,
        template: str,
        document_sha256: str,
        valid_from: date,
    ) -> None:
        """Register an agreement under our key; the same again changes nothing.

        Raises:
            Refused: another agreement of the kind is in force, or the key stands for another.
        """
        body = {
            "org_number": org_number,
            "kind": kind,
            "template": template,
            "document_sha256": document_sha256,
            "valid_from": valid_from.isoformat(),
        }
        await self._http.send("PUT", f"/agreements/{key}", json=body)

    async def end(self, key: str, last_day: date) -> None:
        """Let an agreement end; one that was never registered is fine."""
        await self._http.send(
            "POST",
            f"/agreements/{key}/end",
            json={"last_day": last_day.isoformat()},
            expect=frozenset({200, 404}),
        )

    async def in_force(self, org_number: str) -> list[RegisteredAgreement]:
        """Return what is in force for an organisation."""
        params = {"org_number": org_number, "status": "in_force"}
        answer = await self._http.send("GET", "/agreements", params=params)
        listed = self._http.json(answer)["agreements"]
        return [RegisteredAgreement.model_validate(each) for each in listed]
