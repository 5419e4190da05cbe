"""Envelope encryption: a fresh AES-256-GCM key for each secret, itself wrapped by a ring key.

Both are bound to what they belong to (the additional data), so that neither can be moved to
another offer; the wrapped key is bound to its ring key too.
"""

import os
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from records.errors import UnreadableSecretError
from records.keys import KeyRing

NONCE_BYTES = 12


class Envelope(NamedTuple):
    """A sealed secret: which ring key wraps its own key, that key, and the ciphertext."""

    key_id: str
    wrapped_key: bytes
    sealed: bytes


def seal(keys: KeyRing, plain: bytes, *, bound_to: str) -> Envelope:
    """Seal a secret under the ring's current key."""
    data_key = AESGCM.generate_key(256)
    return Envelope(
        key_id=keys.current_id,
        wrapped_key=_wrap(keys, data_key, bound_to),
        sealed=_encrypt(data_key, plain, bound_to),
    )


def unseal(keys: KeyRing, envelope: Envelope, *, bound_to: str) -> bytes:
    """Return what was sealed.

    Raises:
        UnreadableSecretError: the ring lacks the key, or something was altered.
    """
    data_key = _unwrap(keys, envelope.key_id, envelope.wrapped_key, bound_to)
    return _decrypt(data_key, envelope.sealed, bound_to)


def rewrap(keys: KeyRing, key_id: str, wrapped_key: bytes, *, bound_to: str) -> bytes:
    """Return the wrapped key under the ring's current key; the ciphertext stays.

    Raises:
        UnreadableSecretError: the ring lacks the key, or something was altered.
    """
    return _wrap(keys, _unwrap(keys, key_id, wrapped_key, bound_to), bound_to)


def _wrap(keys: KeyRing, data_key: bytes, bound_to: str) -> bytes:
    return _encrypt(keys.get(keys.current_id), data_key, f"{keys.current_id}|{bound_to}")


def _unwrap(keys: KeyRing, key_id: str, wrapped_key: bytes, bound_to: str) -> bytes:
    try:
        ring_key = keys.get(key_id)
    except KeyError:
        raise UnreadableSecretError(f"no key {key_id}") from None
    return _decrypt(ring_key, wrapped_key, f"{key_id}|{bound_to}")


def _encrypt(key: bytes, plain: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _decrypt(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, body, bound_to.encode())
    except InvalidTag:
        raise UnreadableSecretError(bound_to) from None
