"""The payload codec: everything that Temporal stores is encrypted, from the first day."""

import os
from collections.abc import Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted"
NONCE_BYTES = 12


class Keys(Protocol):
    """Keys by id; `current_id` names the one to encrypt with."""

    @property
    def current_id(self) -> str:
        """Id of the key to encrypt with."""
        ...

    def get(self, key_id: str) -> bytes:
        """Return a 256-bit key."""
        ...


class EncryptingCodec(PayloadCodec):
    """AES-256-GCM with the key's id in the metadata, so that old keys stay readable.

    What is not encrypted is passed through: a plain step from another SDK is understood. So is
    what cannot be decrypted (its key is not in the ring, or it is not what was encrypted): whoever
    reads it finds that it is still encrypted. A forged step is then refused like any other that
    cannot be read, instead of failing the workflow's task for ever.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted."""
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        key_id = self._keys.current_id
        nonce = os.urandom(NONCE_BYTES)
        cipher = AESGCM(self._keys.get(key_id))
        sealed = cipher.encrypt(nonce, payload.SerializeToString(), key_id.encode())
        metadata = {"encoding": ENCODING, "encryption-key-id": key_id.encode()}
        return Payload(metadata=metadata, data=nonce + sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get("encryption-key-id", b"")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            cipher = AESGCM(self._keys.get(key_id.decode()))
            return Payload.FromString(cipher.decrypt(nonce, sealed, key_id))
        except (KeyError, ValueError, InvalidTag, DecodeError):
            return payload
