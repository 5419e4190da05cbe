import asyncio
import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from records import secrets
from records.cases import record
from records.errors import (
    AlreadyFetchedError,
    NotYoursError,
    OfferExpiredError,
    OfferOverError,
    TooManyTriesError,
    UnknownTokenError,
    UnreadableSecretError,
)
from records.keys import FileKeyRing, add_key
from runtime.postgres import EmbeddedPostgres
from tests.records.recording import NOON, batch, line

REF = "credential/212000-1363/byggnad/212000-1363/production"
SECRET = "hemligheten-d41d8cd98f00b204"
ANNA, BO = "account-anna", "account-bo"


async def _offer(pool: asyncpg.Pool, keys: FileKeyRing, **changes: Any) -> str:
    whole: dict[str, Any] = {
        "ref": REF,
        "generation": 1,
        "payload": {"consumer_key": "abc", "consumer_secret": SECRET},
        "offered_to": ANNA,
        "expires_at": NOON + timedelta(days=7),
    }
    return await secrets.seal_and_offer(pool, keys, **(whole | changes))


async def _claim(pool: asyncpg.Pool, keys: FileKeyRing, token: str, **changes: Any) -> str:
    whole: dict[str, Any] = {"token": token, "subject": ANNA, "now": NOON}
    claimed = await secrets.claim(pool, keys, **(whole | changes))
    return claimed.payload["consumer_secret"]


async def _bytes_left(pool: asyncpg.Pool) -> int:
    left: int = await pool.fetchval(
        "select count(*) from offers where sealed is not null or wrapped_key is not null"
    )
    return left


async def test_twenty_at_once_fetch_a_key_once(pool: asyncpg.Pool, keys: FileKeyRing) -> None:
    """One of them gets it; the others are told when it was fetched; nothing of it is left."""
    token = await secrets.token_of(pool, keys, await _offer(pool, keys))

    found = await asyncio.gather(
        *(_claim(pool, keys, token) for _ in range(20)), return_exceptions=True
    )

    late = [each for each in found if isinstance(each, AlreadyFetchedError)]
    assert [each for each in found if each == SECRET] == [SECRET]
    assert len(late) == 19
    assert NOON.isoformat() in str(late[0])
    assert await _bytes_left(pool) == 0


async def test_no_part_of_a_secret_lies_in_the_database(
    pool: asyncpg.Pool, keys: FileKeyRing, records_postgres: EmbeddedPostgres
) -> None:
    """A dump of everything, files of the server included, holds neither secret nor token."""
    token = await secrets.token_of(pool, keys, await _offer(pool, keys))
    name = await pool.fetchval("select current_database()")
    oid = await pool.fetchval("select oid from pg_database where datname = $1", name)
    await pool.execute("checkpoint")

    dump = await asyncio.to_thread(_dump, records_postgres, name)
    data = records_postgres._data
    folders = [data / "base" / str(oid), data / "pg_wal", data / "global"]
    files = await asyncio.to_thread(_all_bytes, folders)

    for held in (dump, files):
        assert REF.encode() in held
        for planted in (SECRET, token):
            assert planted.encode() not in held
            assert planted.encode().hex().encode() not in held


def _dump(server: EmbeddedPostgres, name: str) -> bytes:
    command = [str(server._bin / "pg_dump"), "--inserts", server.dsn(name)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _all_bytes(folders: list[Path]) -> bytes:
    files = (path for folder in folders for path in folder.rglob("*"))
    return b"".join(path.read_bytes() for path in files if path.is_file())


async def test_each_refusal_says_why_and_keeps_the_key(
    pool: asyncpg.Pool, keys: FileKeyRing
) -> None:
    """Unknown code, another person, out of time: told apart, and the right person still can."""
    token = await secrets.token_of(pool, keys, await _offer(pool, keys))

    with pytest.raises(UnknownTokenError):
        await _claim(pool, keys, token[:-1])
    with pytest.raises(NotYoursError):
        await _claim(pool, keys, token, subject=BO)
    with pytest.raises(OfferExpiredError):
        await _claim(pool, keys, token, now=NOON + timedelta(days=7))

    assert await _claim(pool, keys, token, now=NOON + timedelta(days=7, seconds=-1)) == SECRET


async def test_another_persons_tries_are_counted_and_capped(
    pool: asyncpg.Pool, keys: FileKeyRing
) -> None:
    """After ten tries with a code that leaked, nobody fetches by it; a new offer works."""
    token = await secrets.token_of(pool, keys, await _offer(pool, keys))

    for _ in range(secrets.MOST_WRONG_TRIES):
        with pytest.raises(NotYoursError):
            await _claim(pool, keys, token, subject=BO)
    for subject in (BO, ANNA):
        with pytest.raises(TooManyTriesError):
            await _claim(pool, keys, token, subject=subject)

    anew = await secrets.token_of(pool, keys, await _offer(pool, keys, generation=2))
    assert await _claim(pool, keys, anew) == SECRET


async def test_a_repeated_offer_has_the_same_token(
    pool: asyncpg.Pool, keys: FileKeyRing, key_file: Path
) -> None:
    """A lost answer changes no code, even with a new ring key; the new secret is fetched."""
    offer_id = await _offer(pool, keys)
    token = await secrets.token_of(pool, keys, offer_id)
    add_key(key_file, "k2")
    newer = FileKeyRing(key_file)

    again = await _offer(pool, newer, payload={"consumer_secret": "ny"})

    assert again == offer_id
    assert await secrets.token_of(pool, newer, again) == token
    assert await _claim(pool, newer, token) == "ny"


async def test_a_newer_offer_destroys_the_older(pool: asyncpg.Pool, keys: FileKeyRing) -> None:
    """Only the newest generation can be fetched, and a late older one is not kept."""
    old = await secrets.token_of(pool, keys, await _offer(pool, keys))
    new = await secrets.token_of(pool, keys, await _offer(pool, keys, generation=2))

    with pytest.raises(OfferExpiredError):
        await _claim(pool, keys, old)
    with pytest.raises(OfferOverError):
        await _offer(pool, keys)

    assert await _bytes_left(pool) == 1
    assert await _claim(pool, keys, new) == SECRET
    with pytest.raises(OfferOverError):
        await _offer(pool, keys, generation=0)  # one that was never kept


async def test_what_is_over_stays_over(pool: asyncpg.Pool, keys: FileKeyRing) -> None:
    """An attempt that comes late revives no offer that was cancelled, destroyed or fetched."""
    for generation, end in enumerate(("cancelled", "destroyed", "fetched"), start=1):
        offer_id = await _offer(pool, keys, generation=generation)
        token = await secrets.token_of(pool, keys, offer_id)
        if end == "cancelled":
            assert not await secrets.cancel_offer(pool, offer_id)
        elif end == "destroyed":
            await secrets.destroy(pool, REF)
        else:
            await _claim(pool, keys, token)

        with pytest.raises(OfferOverError):
            await _offer(pool, keys, generation=generation)
        assert await _bytes_left(pool) == 0


async def test_cancelling_says_whether_it_came_too_late(
    pool: asyncpg.Pool, keys: FileKeyRing
) -> None:
    """Cancel and fetch at once: either the key is out and cancel says so, or it never gets out."""
    for generation in range(1, 11):
        offer_id = await _offer(pool, keys, generation=generation)
        token = await secrets.token_of(pool, keys, offer_id)

        fetched, too_late = await asyncio.gather(
            _claim(pool, keys, token),
            secrets.cancel_offer(pool, offer_id),
            return_exceptions=True,
        )

        assert too_late is (fetched == SECRET)
        assert await secrets.cancel_offer(pool, offer_id) is too_late
        assert await _bytes_left(pool) == 0


async def test_a_credential_that_begins_anew_offers_anew(
    pool: asyncpg.Pool, keys: FileKeyRing
) -> None:
    """The next workflow under the same id counts generations from one and meets no old offer."""
    await record(pool, batch(line(1), workflow_id=REF, chain_id="first"))
    old = await _offer(pool, keys)
    await secrets.destroy(pool, REF)
    await record(pool, batch(line(1), workflow_id=REF, chain_id="second"))

    new = await _offer(pool, keys)

    assert new != old
    assert await _claim(pool, keys, await secrets.token_of(pool, keys, new)) == SECRET


async def test_rewrapping_moves_every_secret_to_the_current_key(
    pool: asyncpg.Pool, keys: FileKeyRing, key_file: Path
) -> None:
    """After it the old key opens no stored secret; mailed codes still work."""
    tokens = []
    for n in range(3):
        offer_id = await _offer(pool, keys, ref=f"{REF}/{n}")
        tokens.append(await secrets.token_of(pool, keys, offer_id))
    without = key_file.with_name("without-k2.json")
    shutil.copy(key_file, without)
    add_key(key_file, "k2")
    newer = FileKeyRing(key_file)

    assert await secrets.rewrap(pool, newer) == 3
    assert await secrets.rewrap(pool, newer) == 0

    assert await pool.fetchval("select array_agg(distinct key_id) from offers") == ["k2"]
    with pytest.raises(UnreadableSecretError, match="no key k2"):
        await _claim(pool, FileKeyRing(without), tokens[0])
    for token in tokens:
        assert await _claim(pool, newer, token) == SECRET


@pytest.mark.parametrize(
    "change",
    [
        "update offers set sealed = overlay(sealed placing '\\x00'::bytea from 20)",
        "update offers set wrapped_key = set_byte(wrapped_key, 20, 7)",
        """update offers a set sealed = b.sealed, wrapped_key = b.wrapped_key from offers b
        where a.offer_id <> b.offer_id""",
        "update offers set ref = 'credential/other'",
        "update offers set key_id = 'gone'",
    ],
)
async def test_an_altered_secret_does_not_open(
    pool: asyncpg.Pool, keys: FileKeyRing, change: str
) -> None:
    """Ciphertext is bound to its credential and offer; what does not open is kept, not lost."""
    token = await secrets.token_of(pool, keys, await _offer(pool, keys))
    await _offer(pool, keys, ref="credential/elsewhere")

    await pool.execute(change)

    with pytest.raises(UnreadableSecretError):
        await _claim(pool, keys, token)
    assert await pool.fetchval("select count(*) from offers where fetched_at is not null") == 0


async def test_what_was_fetched_is_told_later(pool: asyncpg.Pool, keys: FileKeyRing) -> None:
    """A fetched key stays on the list until its credential has been told, once."""
    offer_id = await _offer(pool, keys)
    assert await secrets.untold(pool) == []
    await _claim(pool, keys, await secrets.token_of(pool, keys, offer_id))

    assert await secrets.untold(pool) == [(offer_id, REF)]
    await secrets.mark_told(pool, offer_id, NOON)
    await secrets.mark_told(pool, offer_id, NOON + timedelta(days=1))

    assert await secrets.untold(pool) == []
    assert await pool.fetchval("select told_at from offers") == NOON


async def test_a_token_cannot_be_guessed_from_what_is_stored(
    pool: asyncpg.Pool, keys: FileKeyRing
) -> None:
    """256 bits, different for each offer, and not without the ring."""
    tokens = {
        await secrets.token_of(pool, keys, await _offer(pool, keys, generation=n))
        for n in range(1, 6)
    }

    rows = await pool.fetch("select to_jsonb(offers) as offer from offers")
    stored = json.dumps([row["offer"] for row in rows])
    assert {len(token) for token in tokens} == {43}
    assert len(tokens) == 5
    assert not any(token in stored for token in tokens)
    with pytest.raises(UnknownTokenError):
        await secrets.token_of(pool, keys, "0" * 32)
