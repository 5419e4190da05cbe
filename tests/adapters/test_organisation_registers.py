"""The registers of organisations, as committed."""

from pathlib import Path

import pytest

from adapters.organisation_registers import OrganisationRegisters

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def registers() -> OrganisationRegisters:
    """Return the committed registers."""
    return OrganisationRegisters(DATA)


def test_all_are_there(registers: OrganisationRegisters) -> None:
    """290 municipalities and 266 agencies, no number twice."""
    kinds = [entry.kind for entry in registers.all()]

    assert (kinds.count("municipality"), kinds.count("state_agency")) == (290, 266)


def test_looking_up(registers: OrganisationRegisters) -> None:
    """A municipality is found by number and by code; an agency has no code."""
    gotland = registers.look_up("212000-0803")
    agency = registers.look_up("202100-4888")

    assert gotland is not None
    assert gotland.name == "Region Gotland"
    assert registers.by_municipality_code("0980") == gotland
    assert agency is not None
    assert (agency.kind, agency.municipality_code) == ("state_agency", None)


def test_unknown(registers: OrganisationRegisters) -> None:
    """A number or code that no register has is None."""
    assert registers.look_up("232100-0016") is None
    assert registers.by_municipality_code("9999") is None
