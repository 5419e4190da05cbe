import asyncio

import asyncpg

from records.sole_traders import number_of


async def test_a_trader_has_one_number(pool: asyncpg.Pool) -> None:
    """However the address is written and however many ask at once; another has another."""
    written = ("tove.egen@ombud.example", "Tove.Egen@ombud.example", " tove.egen@ombud.example ")
    found = await asyncio.gather(*(number_of(pool, each) for each in written))

    assert set(found) == {found[0]}
    assert await number_of(pool, "ida.kartor@ombud.example") != found[0]
    assert await number_of(pool, written[0]) == found[0]


async def test_no_address_is_kept(pool: asyncpg.Pool) -> None:
    """The table has digests and numbers alone."""
    await number_of(pool, "tove.egen@ombud.example")
    (row,) = await pool.fetch("select * from sole_traders")

    assert set(row.keys()) == {"contact_sha256", "number"}
    assert "tove" not in row["contact_sha256"]
