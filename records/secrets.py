"""Sealed secrets: an API key from the portal's answer until its person has fetched it, once.

Envelope encryption: a fresh AES-256-GCM key for each secret, itself wrapped by a key of the ring.
The additional data bind ciphertext and wrapped key to their offer. The token that fetches it is
derived from the ring and the offer's id, so that a repeated mail carries the same token; only
its hash is stored.
"""

import base64
import hashlib
import hmac
import json
import os
from datetime import datetime
from typing import Any

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict

from records.errors import (
    AlreadyFetchedError,
    NotYoursError,
    OfferExpiredError,
    UnknownTokenError,
)
from records.keys import KeyRing
from records.sql import query

NONCE_BYTES = 12
MOST_WRONG_TRIES = 10


class Claimed(BaseModel):
    """A key that has just been fetched, and which credential is to be told."""

    model_config = ConfigDict(frozen=True)

    offer_id: str
    ref: str
    payload: dict[str, str]


def _encrypt(key: bytes, plain: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _decrypt(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return AESGCM(key).decrypt(nonce, body, bound_to.encode())


def _offer_id(ref: str, generation: int) -> str:
    return hashlib.sha256(f"{ref}#{generation}".encode()).hexdigest()[:32]


def _token(key: bytes, offer_id: str) -> str:
    mac = hmac.new(key, f"offer-token:{offer_id}".encode(), hashlib.sha256)
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
    """Seal a key and offer it to one person; the offers of older generations are destroyed.

    Returns the offer's id. The same generation again replaces what was sealed before.
    """
    offer_id = _offer_id(ref, generation)
    data_key = AESGCM.generate_key(256)
    ring_key = keys.get(keys.current_id)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("destroy_older_offers"), ref, generation)
        await connection.execute(
            query("write_offer"),
            offer_id,
            ref,
            generation,
            offered_to,
            expires_at,
            _hash(_token(ring_key, offer_id)),
            keys.current_id,
            _encrypt(ring_key, data_key, offer_id),
            _encrypt(data_key, json.dumps(payload).encode(), offer_id),
        )
    return offer_id


async def token_of(pool: asyncpg.Pool, keys: KeyRing, offer_id: str) -> str:
    """Return the token of an offer, for the mail to its person."""
    row = await pool.fetchrow(query("offer_key"), offer_id)
    if row is None:
        raise UnknownTokenError(offer_id)
    return _token(keys.get(row["key_id"]), offer_id)


async def claim(
    pool: asyncpg.Pool, keys: KeyRing, *, token: str, subject: str, now: datetime
) -> Claimed:
    """Return a key and destroy it, in one transaction.

    Raises:
        UnknownTokenError, NotYoursError, AlreadyFetchedError, OfferExpiredError: why not.
    """
    async with pool.acquire() as connection:
        async with connection.transaction():
            row = await connection.fetchrow(query("offer_by_token"), _hash(token))
            refused = _why_not(row, subject, now)
            if refused is None:
                assert row is not None
                payload = _open(keys, row)
                await connection.execute(query("mark_fetched"), row["offer_id"], now)
                return Claimed(offer_id=row["offer_id"], ref=row["ref"], payload=payload)
        if row is not None and isinstance(refused, NotYoursError):
            await connection.execute(query("count_wrong_try"), row["offer_id"])
        raise refused


def _why_not(row: asyncpg.Record | None, subject: str, now: datetime) -> Exception | None:
    if row is None:
        return UnknownTokenError()
    if row["offered_to"] != subject or row["wrong_tries"] >= MOST_WRONG_TRIES:
        return NotYoursError()
    if row["fetched_at"] is not None:
        return AlreadyFetchedError(row["fetched_at"].isoformat())
    if row["sealed"] is None or now >= row["expires_at"]:
        return OfferExpiredError()
    return None


def _open(keys: KeyRing, row: asyncpg.Record) -> dict[str, str]:
    data_key = _decrypt(keys.get(row["key_id"]), row["wrapped_key"], row["offer_id"])
    payload: dict[str, str] = json.loads(_decrypt(data_key, row["sealed"], row["offer_id"]))
    return payload


async def cancel_offer(pool: asyncpg.Pool, offer_id: str) -> bool:
    """Destroy what an offer holds; True when it had been fetched before."""
    return await pool.fetchval(query("cancel_offer"), offer_id) is not None


async def destroy(pool: asyncpg.Pool, ref: str) -> None:
    """Destroy every sealed secret of a credential."""
    await pool.execute(query("destroy_offers"), ref)


async def untold(pool: asyncpg.Pool) -> list[tuple[str, str]]:
    """Return `(offer id, credential)` of fetched keys that the credential may not know of."""
    rows: list[Any] = await pool.fetch(query("untold_offers"))
    return [(row["offer_id"], row["ref"]) for row in rows]


async def mark_told(pool: asyncpg.Pool, offer_id: str, now: datetime) -> None:
    """Note that the credential knows."""
    await pool.execute(query("mark_told"), offer_id, now)
