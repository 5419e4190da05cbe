"""The two registers of organisations: municipalities and state agencies (`data/SOURCES.md`)."""

import csv
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict


class RegisterEntry(BaseModel):
    """An organisation in one of the registers."""

    model_config = ConfigDict(frozen=True)

    org_number: str
    name: str
    kind: Literal["municipality", "state_agency"]
    municipality_code: str | None = None


class OrganisationRegisters:
    """Both registers, read once."""

    def __init__(self, folder: Path) -> None:
        self._entries = {entry.org_number: entry for entry in _read(folder)}

    def look_up(self, org_number: str) -> RegisterEntry | None:
        """Return the entry of a number written `NNNNNN-NNNN`."""
        return self._entries.get(org_number)

    def all(self) -> list[RegisterEntry]:
        """Return every entry."""
        return list(self._entries.values())


def _read(folder: Path) -> list[RegisterEntry]:
    with (folder / "municipalities.csv").open(encoding="utf-8", newline="") as file:
        municipalities = [
            RegisterEntry(
                org_number=row["org_number"],
                name=row["name"],
                kind="municipality",
                municipality_code=row["municipality_code"],
            )
            for row in csv.DictReader(file)
        ]
    with (folder / "state_agencies.csv").open(encoding="utf-8", newline="") as file:
        agencies = [
            RegisterEntry(org_number=row["org_number"], name=row["name"], kind="state_agency")
            for row in csv.DictReader(file)
        ]
    return [*agencies, *municipalities]
