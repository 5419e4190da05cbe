import base64
import json
import os
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload

from records.keys import FileKeyRing, add_key, make_key_file
from runtime.codec import EncryptingCodec

PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"name": "Astrid Planterad"}')


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A key ring's file with one key, `k1`."""
    path = tmp_path / "keys.json"
    make_key_file(path)
    return path


@pytest.fixture
def codec(key_file: Path) -> EncryptingCodec:
    """A codec with that ring."""
    return EncryptingCodec(FileKeyRing(key_file))


async def test_what_is_encoded_is_decoded(codec: EncryptingCodec) -> None:
    """A payload comes back whole, its own metadata included."""
    assert await codec.decode(await codec.encode([PLAIN, PLAIN])) == [PLAIN, PLAIN]


async def test_nothing_of_it_can_be_read(codec: EncryptingCodec) -> None:
    """Neither the data nor the payload's own metadata are in what is stored."""
    [sealed] = await codec.encode([PLAIN])

    stored = sealed.SerializeToString()
    assert b"Planterad" not in stored
    assert b"json/plain" not in stored
    assert sealed.metadata["encoding"] == b"binary/encrypted"
    assert sealed.metadata["encryption-key-id"] == b"k1"


async def test_the_same_payload_is_never_sealed_the_same(codec: EncryptingCodec) -> None:
    """Each has a nonce of its own, so that equal texts cannot be told."""
    first, second = await codec.encode([PLAIN, PLAIN])

    assert first.data != second.data


async def test_old_keys_stay_readable(codec: EncryptingCodec, key_file: Path) -> None:
    """After a change of keys, new payloads take the new key and old ones are read with theirs."""
    [old] = await codec.encode([PLAIN])
    add_key(key_file, "k2")
    changed = EncryptingCodec(FileKeyRing(key_file))

    [new] = await changed.encode([PLAIN])

    assert new.metadata["encryption-key-id"] == b"k2"
    assert await changed.decode([old, new]) == [PLAIN, PLAIN]


async def test_a_plain_payload_is_passed_through(codec: EncryptingCodec) -> None:
    """A step sent by the official CLI or another SDK, without our codec, is understood."""
    assert await codec.decode([PLAIN, Payload()]) == [PLAIN, Payload()]


async def test_without_its_key_a_payload_stays_encrypted(
    codec: EncryptingCodec, tmp_path: Path
) -> None:
    """It is passed on as it is, so that the reader can refuse it; nothing fails for ever."""
    [sealed] = await codec.encode([PLAIN])
    other = tmp_path / "other.json"
    ring = {"current": "k9", "keys": {"k9": base64.b64encode(os.urandom(32)).decode()}}
    other.write_text(json.dumps(ring), "utf-8")

    assert await EncryptingCodec(FileKeyRing(other)).decode([sealed]) == [sealed]


async def test_a_changed_payload_stays_encrypted(codec: EncryptingCodec) -> None:
    """Whoever changes a byte of it, or says it was another key, gets nothing decrypted."""
    [sealed] = await codec.encode([PLAIN])
    changed = Payload(
        metadata=sealed.metadata, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    )

    assert await codec.decode([changed]) == [changed]
