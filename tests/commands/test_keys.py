"""Fetching a key: whatever breaks after it has been taken out, the person has it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from commands.context import CommandError, Context
from commands.keys import fetch_key, subject_of
from commands.people import staff_here
from domain.act import Role
from records import secrets
from records.database import connect
from records.keys import FileKeyRing, make_key_file
from worker import tell_pickups

REFS = [f"credential/212000-1363/byggnad/212000-1363/{n}" for n in range(3)]
KEY = {"consumer_key": "abc", "consumer_secret": "hemligheten"}


class _Temporal:
    """A client that fails for some workflows; `told` are those that heard a word."""

    def __init__(self, **failing: RPCStatusCode) -> None:
        self.failing = failing
        self.told: list[str] = []
        self._ref = ""

    def get_workflow_handle(self, ref: str) -> "_Temporal":
        self._ref = ref
        return self

    async def signal(self, *_: object, **__: object) -> None:
        status = self.failing.get(f"n{self._ref[-1]}")
        if status is not None:
            raise RPCError("no", status, b"")
        self.told.append(self._ref)


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to the records."""
    opened = await connect(database)
    yield opened
    await opened.close()


@pytest.fixture
def ring(tmp_path: Path) -> FileKeyRing:
    """A ring with one key."""
    make_key_file(tmp_path / "keys.json")
    return FileKeyRing(tmp_path / "keys.json")


def _context(pool: asyncpg.Pool, ring: FileKeyRing, client: _Temporal) -> Context:
    return cast("Context", SimpleNamespace(pool=pool, keys=ring, client=client))


async def _offer(pool: asyncpg.Pool, ring: FileKeyRing, ref: str) -> str:
    offer_id = await secrets.seal_and_offer(
        pool,
        ring,
        ref=ref,
        generation=1,
        payload=KEY,
        offered_to="anna",
        expires_at=datetime.now(UTC) + timedelta(days=7),
    )
    return await secrets.token_of(pool, ring, offer_id)


async def test_a_key_is_given_also_when_its_credential_cannot_be_told(
    pool: asyncpg.Pool, ring: FileKeyRing
) -> None:
    """A worker tells it later: each by itself, and one that has ended needs no word."""
    down = _Temporal(**{f"n{n}": RPCStatusCode.UNAVAILABLE for n in range(3)})
    for ref in REFS:
        token = await _offer(pool, ring, ref)
        assert await fetch_key(_context(pool, ring, down), token, "anna") == KEY
    assert len(await secrets.untold(pool)) == 3

    first = (await secrets.untold(pool))[0][1]
    rest = [ref for ref in REFS if ref != first]
    partly: dict[str, Any] = {
        f"n{first[-1]}": RPCStatusCode.UNAVAILABLE,
        f"n{rest[0][-1]}": RPCStatusCode.NOT_FOUND,
    }
    temporal = _Temporal(**partly)
    await tell_pickups(pool, cast("Client", temporal))
    assert temporal.told == rest[1:]
    assert [ref for _, ref in await secrets.untold(pool)] == [first]


async def test_outside_development_nobody_is_whom_they_say() -> None:
    """A key is fetched as who is logged in, not as who was typed; staff go by their login."""
    settings = SimpleNamespace(environment="production")
    context = cast("Context", SimpleNamespace(settings=settings))
    with pytest.raises(CommandError, match="--as"):
        await subject_of(context, "anna@kommun.example")
    operator = staff_here(context, Role.OPERATOR)
    assert (operator.role, operator.subject != "oskar.drift") == (Role.OPERATOR, True)
