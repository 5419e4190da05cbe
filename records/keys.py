"""Keys that encrypt: one ring serves the sealed secrets and the payload codec."""

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

KEY_BYTES = 32


class KeyRing(Protocol):
    """Keys by id; new things are sealed with the current one, old ones stay readable."""

    @property
    def current_id(self) -> str:
        """Id of the key to seal with."""
        ...

    def get(self, key_id: str) -> bytes:
        """Return a 256-bit key.

        Raises:
            KeyError: the ring lacks it.
        """
        ...


class FileKeyRing:
    """A ring in a JSON file for its owner only: `{"current": id, "keys": {id: base64}}`.

    An id that it does not know makes it read the file again: somebody else may seal with a new
    key before this program has been started again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read()

    def _read(self) -> None:
        path = self._path
        held = json.loads(path.read_text("utf-8"))
        self._current = str(held["current"])
        self._keys = {name: base64.b64decode(key) for name, key in held["keys"].items()}
        if any(len(key) != KEY_BYTES for key in self._keys.values()):
            raise ValueError(f"a key in {path.name} is not {KEY_BYTES} bytes long")
        self._keys[self._current]

    @property
    def current_id(self) -> str:
        """Id of the key to seal with."""
        return self._current

    def get(self, key_id: str) -> bytes:
        """Return a key by its id.

        Raises:
            KeyError: the ring lacks it, also as the file is now.
        """
        if key_id not in self._keys:
            self._read()
        return self._keys[key_id]


def make_key_file(path: Path, *, key_id: str = "k1") -> None:
    """Make a ring with one new key, unless the file is there; two at once make one."""
    if path.exists():
        return
    ring = {"current": key_id, "keys": {key_id: _new_key()}}
    with _written_aside(path, ring) as aside, suppress(FileExistsError):
        os.link(aside, path)


def add_key(path: Path, key_id: str) -> None:
    """Add a new key to a ring and make it the current one; running programs can read with it.

    Raises:
        ValueError: the ring has a key of that id.
    """
    ring = json.loads(path.read_text("utf-8"))
    if key_id in ring["keys"]:
        raise ValueError(f"{path.name} has a key {key_id} already")
    ring = {"current": key_id, "keys": ring["keys"] | {key_id: _new_key()}}
    with _written_aside(path, ring) as aside:
        aside.replace(path)


def _new_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


@contextmanager
def _written_aside(path: Path, ring: dict[str, Any]) -> Iterator[Path]:
    """Write a ring whole beside its place, so that nobody ever reads half of one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    aside = Path(name)  # made for its owner only
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(ring, file)
            file.flush()
            os.fsync(file.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)
