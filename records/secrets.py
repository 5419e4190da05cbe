"""Sealed secrets: an API key from the portal's answer until its person has fetched it, once.

An offer is known by its credential, the chain of runs that made it, and its generation. The
token that fetches it is derived from the ring and the offer's id, so that a repeated mail carries
the same token, whichever key is current by then; only its hash is stored.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, ConfigDict

from records import envelope
from records.errors import (
    AlreadyFetchedError,
    NotYoursError,
    OfferError,
    OfferExpiredError,
    OfferOverError,
    TooManyTriesError,
    UnknownTokenError,
)
from records.keys import KeyRing
from records.sql import query

MOST_WRONG_TRIES = 10


class Claimed(BaseModel):
    """A key that has just been fetched, and which credential is to be told."""

    model_config = ConfigDict(frozen=True)

    offer_id: str
    ref: str
    payload: dict[str, str]


def _offer_id(ref: str, chain: int, generation: int) -> str:
    return hashlib.sha256(f"{ref}#{chain}#{generation}".encode()).hexdigest()[:32]


def _bound_to(ref: str, offer_id: str) -> str:
    return f"{ref}|{offer_id}"


def _token(ring_key: bytes, offer_id: str) -> str:
    key = HKDF(SHA256(), 32, salt=None, info=b"offer-token").derive(ring_key)
    mac = hmac.new(key, offer_id.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def seal_and_offer(
    pool: asyncpg.Pool,
    keys: KeyRing,
    *,
    ref: str,
    generation: int,
    payload: dict[str, str],
    offered_to: str,
    expires_at: datetime,
) -> str:
    """Seal a key and offer it to one person; the offers before it are destroyed.

    Returns the offer's id. The same generation again replaces what was sealed before, under the
    same token.

    Raises:
        OfferOverError: it was fetched, withdrawn or followed by a newer one; nothing is kept.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("lock_ref"), ref)
        chain = await connection.fetchval(query("chain_of_ref"), ref)
        offer_id = _offer_id(ref, chain, generation)
        plain = json.dumps(payload).encode()
        sealed = envelope.seal(keys, plain, bound_to=_bound_to(ref, offer_id))
        token_hash = _hash(_token(keys.get(sealed.key_id), offer_id))
        offer = (offer_id, ref, chain, generation, offered_to, expires_at, token_hash)
        if await connection.fetchval(query("write_offer"), *offer, *sealed) is None:
            raise OfferOverError(f"{ref} {generation}")
        await connection.execute(query("withdraw_older_offers"), ref, chain, generation)
    return offer_id


async def token_of(pool: asyncpg.Pool, keys: KeyRing, offer_id: str) -> str:
    """Return the token of an offer, for the mail to its person.

    Raises:
        UnknownTokenError: there is no such offer.
    """
    key_id = await pool.fetchval(query("offer_key"), offer_id)
    if key_id is None:
        raise UnknownTokenError(offer_id)
    return _token(keys.get(key_id), offer_id)


async def claim(
    pool: asyncpg.Pool, keys: KeyRing, *, token: str, subject: str, now: datetime
) -> Claimed:
    """Return a key and destroy it, in one transaction.

    Raises:
        UnknownTokenError, NotYoursError, TooManyTriesError, AlreadyFetchedError,
        OfferExpiredError: why not.
        UnreadableSecretError: it does not open; it is kept.
    """
    async with pool.acquire() as connection:
        async with connection.transaction():
            row = await connection.fetchrow(query("offer_by_token"), _hash(token))
            refused = _why_not(row, subject, now)
            if row is not None and refused is None:
                payload = _open(keys, row)
                await connection.execute(query("mark_fetched"), row["offer_id"], now)
                return Claimed(offer_id=row["offer_id"], ref=row["ref"], payload=payload)
            if row is not None and isinstance(refused, NotYoursError):
                await connection.execute(query("count_wrong_try"), row["offer_id"])
        raise refused or UnknownTokenError


def _why_not(row: asyncpg.Record | None, subject: str, now: datetime) -> OfferError | None:
    if row is None:
        return UnknownTokenError()
    if row["wrong_tries"] >= MOST_WRONG_TRIES:
        return TooManyTriesError()
    if row["offered_to"] != subject:
        return NotYoursError()
    if row["fetched_at"] is not None:
        return AlreadyFetchedError(row["fetched_at"].isoformat())
    if row["sealed"] is None or now >= row["expires_at"]:
        return OfferExpiredError()
    return None


def _open(keys: KeyRing, row: asyncpg.Record) -> dict[str, str]:
    sealed = envelope.Envelope(row["key_id"], row["wrapped_key"], row["sealed"])
    plain = envelope.unseal(keys, sealed, bound_to=_bound_to(row["ref"], row["offer_id"]))
    payload: dict[str, str] = json.loads(plain)
    return payload


async def cancel_offer(pool: asyncpg.Pool, offer_id: str) -> bool:
    """Destroy what an offer holds; True when it had been fetched before."""
    return await pool.fetchval(query("withdraw_offer"), offer_id) is not None


async def destroy(pool: asyncpg.Pool, ref: str) -> None:
    """Destroy every sealed secret of a credential."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("lock_ref"), ref)
        await connection.execute(query("withdraw_offers"), ref)


async def rewrap(pool: asyncpg.Pool, keys: KeyRing) -> int:
    """Wrap every secret's key by the ring's current key; returns how many were not yet.

    The tokens of open offers still come from the ring key under which they were offered: keep
    an old key in the ring until its last offer has run out.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(query("offers_under_other_keys"), keys.current_id)
        for row in rows:
            bound_to = _bound_to(row["ref"], row["offer_id"])
            wrapped = envelope.rewrap(keys, row["key_id"], row["wrapped_key"], bound_to=bound_to)
            changed = (row["offer_id"], keys.current_id, wrapped)
            await connection.execute(query("rewrap_offer"), *changed)
    return len(rows)


async def untold(pool: asyncpg.Pool) -> list[tuple[str, str]]:
    """Return `(offer id, credential)` of fetched keys that the credential may not know of."""
    rows: list[Any] = await pool.fetch(query("untold_offers"))
    return [(row["offer_id"], row["ref"]) for row in rows]


async def mark_told(pool: asyncpg.Pool, offer_id: str, now: datetime) -> None:
    """Note that the credential knows."""
    await pool.execute(query("mark_told"), offer_id, now)
