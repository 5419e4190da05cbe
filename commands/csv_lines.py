"""Reading the CSV files that people hand in: every line with its number, and what is missing."""

import csv
from collections.abc import Sequence
from pathlib import Path

from commands.context import CommandError


def read_lines(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read a file's lines, each with its number in the file; values without spaces around them.

    Raises:
        CommandError: it is not there, or a column is missing.
    """
    if not path.is_file():
        raise CommandError(f"Filen {path} finns inte. / There is no file {path}.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise CommandError(
                f"{path.name}: kolumner saknas / columns are missing: {', '.join(missing)}"
            )
        return [
            (number, {name: (value or "").strip() for name, value in row.items() if name})
            for number, row in enumerate(reader, start=2)
        ]
