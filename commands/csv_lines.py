"""Reading the CSV files that people hand in: every line with its number, and what is missing."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from commands.context import CommandError


def read_lines(
    path: Path, needed: Sequence[str], *, known: Collection[str] | None = None
) -> list[tuple[int, dict[str, str]]]:
    """Read a file's lines, each with its number in the file; values without spaces around them.

    Args:
        path: the file.
        needed: columns that must be there.
        known: all that may be there, where a heading that is misspelt would lose a whole column.

    Raises:
        CommandError: it is not there, or a column is missing or unknown.
    """
    if not path.is_file():
        raise CommandError(f"Filen {path} finns inte. / There is no file {path}.")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or ()
        missing = [name for name in needed if name not in names]
        unknown = [name for name in names if known is not None and name not in known]
        wrong = [f"kolumner saknas / columns are missing: {', '.join(missing)}"] if missing else []
        wrong += [f"okända kolumner / unknown columns: {', '.join(unknown)}"] if unknown else []
        if wrong:
            raise CommandError(f"{path.name}: {'; '.join(wrong)}")
        return [
            (number, {name: (value or "").strip() for name, value in row.items() if name})
            for number, row in enumerate(reader, start=2)
        ]
