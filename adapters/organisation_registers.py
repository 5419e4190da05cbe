"""The registers of municipalities and state agencies, as files; sources in `data/SOURCES.md`."""

import csv
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from domain.organisations import RegisterKind


class RegisterEntry(BaseModel):
    """One organisation: number as `NNNNNN-NNNN`; a municipality has a kommunkod of four digits."""

    model_config = ConfigDict(frozen=True)

    org_number: str
    name: str
    kind: RegisterKind
    municipality_code: str | None = None


class OrganisationRegisters:
    """Both registers, read once from `municipalities.csv` and `state_agencies.csv`.

    Raises:
        OSError: a file is missing.
        KeyError: a file lacks a column.
    """

    def __init__(self, data_dir: Path) -> None:
        municipalities = [
            RegisterEntry(
                org_number=row["org_number"],
                name=row["name"],
                kind="municipality",
                municipality_code=row["municipality_code"],
            )
            for row in _rows(data_dir / "municipalities.csv")
        ]
        agencies = [
            RegisterEntry(org_number=row["org_number"], name=row["name"], kind="state_agency")
            for row in _rows(data_dir / "state_agencies.csv")
        ]
        self._by_number = {entry.org_number: entry for entry in [*municipalities, *agencies]}
        self._by_code = {entry.municipality_code: entry for entry in municipalities}

    def look_up(self, org_number: str) -> RegisterEntry | None:
        """Return who has a number, written `NNNNNN-NNNN`."""
        return self._by_number.get(org_number)

    def by_municipality_code(self, code: str) -> RegisterEntry | None:
        """Return the municipality of a kommunkod, four digits."""
        return self._by_code.get(code)

    def all(self) -> list[RegisterEntry]:
        """Return every organisation, municipalities first."""
        return list(self._by_number.values())


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))
