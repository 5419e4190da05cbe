"""The adapter of the agreement register, against the simulated one and our contract."""

from datetime import date
from typing import Any

import pytest

from adapters.agreement_register import AgreementRegister
from adapters.outside import Busy, Conflict, NotAllowed, Unreachable
from tests.adapters.conftest import TIMEOUT_SECONDS, Simulator

KEY = "212000-0142-producer-0123456789abcdef"
AGREEMENT: dict[str, Any] = {
    "org_number": "212000-0142",
    "kind": "producer",
    "template": "NGP-P",
    "document_sha256": "0123456789abcdef" * 4,
    "valid_from": date(2026, 12, 1),
}
LOST = (Unreachable, Busy)


async def test_registering_twice(register: AgreementRegister, register_server: Simulator) -> None:
    """An agreement is registered once, also when the first answer was lost."""
    register_server.fault("PUT *", drop=True)

    with pytest.raises(LOST):
        await register.register(key=KEY, **AGREEMENT)
    await register.register(key=KEY, **AGREEMENT)

    found = await register.in_force("212000-0142")
    assert [each.key for each in found] == [KEY]
    assert found[0].valid_from == date(2026, 12, 1)


async def test_another_in_force(register: AgreementRegister) -> None:
    """A second agreement of the kind is not registered; which one is in the way is told."""
    await register.register(key=KEY, **AGREEMENT)

    with pytest.raises(Conflict, match=KEY):
        await register.register(key="another", **AGREEMENT)


async def test_ending(register: AgreementRegister) -> None:
    """An agreement ends once; ended already or never registered is as well."""
    await register.register(key=KEY, **AGREEMENT)
    for key in (KEY, KEY, "unknown/with a slash"):
        await register.end(key, date(2026, 12, 31))

    assert await register.in_force("212000-0142") == []


async def test_half_an_answer(register: AgreementRegister, register_server: Simulator) -> None:
    """Half an answer is no answer."""
    register_server.fault("GET /agreements", half=True)

    with pytest.raises(Unreachable):
        await register.in_force("212000-0142")


async def test_a_wrong_token(register_server: Simulator) -> None:
    """A token that does not count is told as such."""
    register = AgreementRegister(register_server.url, "wrong", timeout_seconds=TIMEOUT_SECONDS)

    with pytest.raises(NotAllowed):
        await register.in_force("212000-0142")
    await register.close()


async def test_a_supplement_widens_the_agreement_in_force(
    register: AgreementRegister, register_server: Simulator
) -> None:
    """It is kept once, also when the first answer was lost; the agreement is the same."""
    document = "fedcba9876543210" * 4
    await register.register(key=KEY, **AGREEMENT)
    register_server.fault("PUT */supplements/*", drop=True)
    supplement: dict[str, Any] = {
        "key": KEY,
        "document_sha256": document,
        "valid_from": date(2027, 1, 1),
    }

    with pytest.raises(LOST):
        await register.supplement(**supplement)
    await register.supplement(**supplement)

    (found,) = await register.in_force("212000-0142")
    assert found.supplements == (document,)


async def test_nothing_is_added_to_an_agreement_that_has_ended(register: AgreementRegister) -> None:
    """The register says so."""
    await register.register(key=KEY, **AGREEMENT)
    await register.end(KEY, date(2026, 12, 31))

    with pytest.raises(Conflict):
        await register.supplement(key=KEY, document_sha256="f" * 64, valid_from=date(2027, 1, 1))
