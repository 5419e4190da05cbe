from datetime import timedelta, timezone
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.cases import record
from records.errors import JournalConflictError, JournalGapError
from records.journal import JournalLine, journal_of
from records.storable import storable
from records.verification import verify
from tests.records.recording import NOON, ONBOARDING, batch, line


async def _tamper(pool: asyncpg.Pool, change: str) -> None:
    """Do what an attacker with the server's own rights could: switch the triggers off."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(change)


@pytest.mark.parametrize(
    "change",
    [
        "update journal set name = 'x'",
        "delete from journal",
        "truncate journal",
        "truncate journal cascade",
        "delete from chains",
        "truncate chains cascade",
    ],
)
async def test_nothing_written_can_be_changed(pool: asyncpg.Pool, change: str) -> None:
    """The database refuses to alter or remove lines and chains, whoever asks."""
    await record(pool, batch(line(1)))

    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await pool.execute(change)

    assert await pool.fetchval("select count(*) from journal") == 1


@pytest.mark.parametrize(
    "change",
    [
        """update journal set what = '{"text": "Rad 22"}' where sequence = 2""",
        'update journal set actor = actor || \'{"name": "Bo"}\' where sequence = 2',
        "update journal set actor = null where sequence = 2",
        "update journal set at = at + interval '1 microsecond' where sequence = 2",
        "update journal set name = 'other' where sequence = 2",
        "update journal set kind = 'word' where sequence = 2",
        "update journal set stage = 'review' where sequence = 2",
        "update journal set case_number = 'NGP2026-000009' where sequence = 2",
        "update journal set workflow_id = 'onboarding/2' where sequence = 2",
        "update journal set digest = repeat('0', 64) where sequence = 2",
        "delete from journal where sequence = 1",
        "delete from journal where sequence = 2",
        "delete from journal where sequence = 3",
        "delete from journal",
        "update journal set sequence = 9 where sequence = 3",
    ],
)
async def test_every_tampering_is_found(pool: asyncpg.Pool, change: str) -> None:
    """Whatever is altered, moved or taken out behind the triggers' back, `verify` says where."""
    await record(pool, batch(line(1), line(2), line(3), series="NGP2026"))
    assert await verify(pool) == []

    await _tamper(pool, change)

    found = await verify(pool)
    assert found
    assert all("onboarding/" in each for each in found)


async def test_a_line_cannot_be_forged_with_a_digest_of_its_own(pool: asyncpg.Pool) -> None:
    """A line rewritten with a right digest still breaks the line after it."""
    await record(pool, batch(line(1), line(2), line(3)))
    await record(pool, batch(line(1), line(2, what={"text": "falsk"}), chain_id="forgery"))
    forged = "select what, digest from journal where chain_id = 'forgery' and sequence = 2"

    await _tamper(
        pool,
        f"update journal set (what, digest) = ({forged})"  # noqa: S608 - our own text
        f" where chain_id = 'run-of-{ONBOARDING}' and sequence = 2",
    )

    assert f"{ONBOARDING} 3: altered" in await verify(pool)


async def test_a_lost_case_number_is_found(pool: asyncpg.Pool) -> None:
    """A number that was drawn and belongs to no case shows."""
    await record(pool, batch(line(1), series="NGP2026"))

    await _tamper(pool, "update number_series set last = 2")

    assert await verify(pool) == ["NGP2026: 1 numbers given of 2 drawn"]


async def test_a_gap_is_refused(pool: asyncpg.Pool) -> None:
    """A line whose predecessors never came is an alarm, not a hole in the record."""
    await record(pool, batch(line(1)))

    with pytest.raises(JournalGapError, match=f"{ONBOARDING} 3"):
        await record(pool, batch(line(3)))

    assert await verify(pool) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"what": {"text": "annat"}},
        {"actor": None},
        {"at": NOON},
        {"kind": "refused"},
        {"name": "withdraw"},
        {"stage": "review"},
    ],
)
async def test_any_other_line_under_a_used_key_is_a_conflict(
    pool: asyncpg.Pool, changes: dict[str, Any]
) -> None:
    """Each part of a line counts: one that differs anywhere is never passed over in silence."""
    await record(pool, batch(line(1), line(2)))

    with pytest.raises(JournalConflictError):
        await record(pool, batch(line(2, **changes)))


async def test_the_same_instant_in_another_zone_is_the_same_line(pool: asyncpg.Pool) -> None:
    """What counts is the instant."""
    await record(pool, batch(line(1)))

    abroad = line(1).at.astimezone(timezone(timedelta(hours=2)))
    await record(pool, batch(line(1, at=abroad)))

    assert await verify(pool) == []


async def test_a_number_that_comes_later_does_not_unsettle_old_lines(pool: asyncpg.Pool) -> None:
    """Lines written before there was a case number are known again after."""
    await record(pool, batch(line(1)))
    await record(pool, batch(line(1), line(2), series="NGP2026", version=2))

    await record(pool, batch(line(1), line(2), line(3), version=3))

    rows = await journal_of(pool, ONBOARDING)
    assert [row["case_number"] for row in rows] == [None, "NGP2026-000001", "NGP2026-000001"]
    assert await verify(pool) == []


async def test_a_case_is_read_whole_by_its_number(pool: asyncpg.Pool) -> None:
    """The number gives the lines of all parts by time; the workflow id those of one workflow."""
    await record(pool, batch(line(1), line(2), series="NGP2026"))
    early = line(1, at=NOON)
    part = batch(early, workflow_id="dataset/1/a", case_number="NGP2026-000001")
    await record(pool, part)

    whole = await journal_of(pool, "NGP2026-000001")
    one = await journal_of(pool, ONBOARDING)

    assert [row["workflow_id"] for row in whole] == ["dataset/1/a", ONBOARDING, ONBOARDING]
    assert [row["sequence"] for row in one] == [1, 2]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(value=json_values)
def test_a_storable_value_stays_as_it_is(value: Any) -> None:
    """What has been made storable once is not changed again, and nothing in it is unwritable."""
    once = storable(value)

    assert repr(storable(once)) == repr(once)
    assert "\0" not in repr(once)


async def test_whatever_json_is_written_reads_back_the_same(pool: asyncpg.Pool) -> None:
    """The digest computed before writing is right for what Postgres gives back."""
    found: list[dict[str, Any]] = []

    @settings(deadline=None)
    @given(value=st.dictionaries(st.text(), json_values, max_size=4))
    def collect(value: dict[str, Any]) -> None:
        found.append(value)

    collect()
    lines: list[JournalLine] = [line(n, what=what) for n, what in enumerate(found, start=1)]
    await record(pool, batch(*lines))

    assert len(found) >= 50
    assert await verify(pool) == []
