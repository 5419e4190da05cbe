"""The agreement register: which agreements are in force, by contract `agreement-register.yaml`."""

from datetime import date
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from adapters.outside import TIMEOUT_SECONDS, Connection, NotFound

SYSTEM: Final = "agreement_register"


class RegisteredAgreement(BaseModel):
    """An agreement as the register holds it; `key` is who registered it's own."""

    model_config = ConfigDict(frozen=True)

    key: str
    org_number: str
    kind: str
    template: str
    document_sha256: str
    valid_from: date
    supplements: tuple[str, ...] = ()


class _Found(BaseModel):
    agreements: list[RegisteredAgreement]


class AgreementRegister:
    """The register over HTTP; all its calls are idempotent by our key."""

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
            said_in=("code", "message", "fields", "existing"),
            timeout_seconds=timeout_seconds,
            transport=transport,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

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
        """Register an agreement as in force; the same again changes nothing.

        Raises:
            Conflict: the key has another content, or another agreement of the kind is in force.
            OutsideError: any other failure.
        """
        body = {
            "org_number": org_number,
            "kind": kind,
            "template": template,
            "document_sha256": document_sha256,
            "valid_from": valid_from.isoformat(),
        }
        await self._connection.send("PUT", _path(key), json=body)

    async def supplement(self, *, key: str, document_sha256: str, valid_from: date) -> None:
        """Register a supplement to an agreement in force; the same again changes nothing.

        Raises:
            Conflict: the agreement has ended.
            NotFound: there is no such agreement.
            OutsideError: any other failure.
        """
        path = f"{_path(key)}/supplements/{document_sha256}"
        await self._connection.send("PUT", path, json={"valid_from": valid_from.isoformat()})

    async def end(self, key: str, last_day: date) -> None:
        """End an agreement after a day; ended already or never registered is as well.

        Raises:
            OutsideError: the register could not do it.
        """
        body = {"last_day": last_day.isoformat()}
        try:
            await self._connection.send("POST", f"{_path(key)}/end", json=body)
        except NotFound:
            return

    async def in_force(self, org_number: str | None = None) -> list[RegisteredAgreement]:
        """Return the agreements in force, of one organisation or of all.

        Raises:
            OutsideError: the register could not tell.
        """
        wanted = {"status": "in_force"} | ({"org_number": org_number} if org_number else {})
        answer = await self._connection.send("GET", "/agreements", params=wanted)
        return self._connection.read(answer, _Found).agreements


def _path(key: str) -> str:
    return f"/agreements/{quote(key, safe='')}"
