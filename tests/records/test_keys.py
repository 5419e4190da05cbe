import base64
import json
import threading
from pathlib import Path

import pytest

from records.keys import FileKeyRing, add_key, make_key_file


def test_a_new_ring_is_for_its_owner_only(tmp_path: Path) -> None:
    """One key of 256 bits in a file that nobody else reads."""
    path = tmp_path / "keys.json"
    make_key_file(path)

    ring = FileKeyRing(path)

    assert ring.current_id == "k1"
    assert len(ring.get("k1")) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_a_ring_is_never_made_by_reading(tmp_path: Path) -> None:
    """A missing ring is an error: keys out of nowhere would hide that the old ones are lost."""
    with pytest.raises(FileNotFoundError):
        FileKeyRing(tmp_path / "keys.json")


def test_a_ring_that_is_there_is_kept(key_file: Path) -> None:
    """Making it again changes nothing."""
    before = key_file.read_bytes()

    make_key_file(key_file)

    assert key_file.read_bytes() == before


def test_two_that_make_a_ring_at_once_make_one(tmp_path: Path) -> None:
    """Whoever comes second uses what the first made, and never reads half a file."""
    path = tmp_path / "keys.json"
    found: list[bytes] = []

    def make_and_read() -> None:
        make_key_file(path)
        found.append(FileKeyRing(path).get("k1"))

    threads = [threading.Thread(target=make_and_read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_rotation_keeps_old_keys(key_file: Path) -> None:
    """The new key is current, the old one stays readable, the file stays its owner's."""
    old = FileKeyRing(key_file).get("k1")

    add_key(key_file, "k2")

    ring = FileKeyRing(key_file)
    assert (ring.current_id, ring.get("k1")) == ("k2", old)
    assert ring.get("k2") != old
    assert key_file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="has a key k2 already"):
        add_key(key_file, "k2")


@pytest.mark.parametrize(
    ("ring", "error"),
    [
        ({"current": "k2", "keys": {}}, KeyError),
        ({"current": "k1", "keys": {"k1": base64.b64encode(b"short").decode()}}, ValueError),
    ],
)
def test_a_ring_that_cannot_serve_is_refused_at_once(
    tmp_path: Path, ring: dict[str, object], error: type[Exception]
) -> None:
    """A current key that is missing or too short shows at the start, not at the first secret."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(ring), "utf-8")

    with pytest.raises(error):
        FileKeyRing(path)


def test_a_running_ring_reads_a_key_that_was_added_since(key_file: Path) -> None:
    """A program started before a rotation reads what one started after it has sealed."""
    running = FileKeyRing(key_file)
    add_key(key_file, "k2")

    assert running.get("k2") == FileKeyRing(key_file).get("k2")


def test_a_ring_says_when_a_key_is_unknown(key_file: Path) -> None:
    """A key that is in no version of the file is an error, not a guess."""
    with pytest.raises(KeyError):
        FileKeyRing(key_file).get("k9")
