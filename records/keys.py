"""Keys that encrypt: one ring serves the sealed secrets and the payload codec."""

import base64
import json
import os
from pathlib import Path
from typing import Protocol

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
    """A ring in a JSON file for its owner only: `{"current": id, "keys": {id: base64}}`."""

    def __init__(self, path: Path) -> None:
        held = json.loads(path.read_text("utf-8"))
        self._current = str(held["current"])
        self._keys = {name: base64.b64decode(key) for name, key in held["keys"].items()}
        if any(len(key) != KEY_BYTES for key in self._keys.values()):
            raise ValueError(f"a key in {path.name} is not {KEY_BYTES} bytes long")
        self.get(self._current)

    @property
    def current_id(self) -> str:
        """Id of the key to seal with."""
        return self._current

    def get(self, key_id: str) -> bytes:
        """Return a key by its id."""
        return self._keys[key_id]


def make_key_file(path: Path, *, key_id: str = "k1") -> None:
    """Make a ring with one new key, unless the file is there."""
    if path.exists():
        return
    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"current": key_id, "keys": {key_id: key}}, file)
