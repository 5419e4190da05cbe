"""The CSV files that people hand in: read with each line's number, and answered by a report."""

import csv
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from commands.context import CommandError, say

Lines = list[tuple[int, dict[str, str]]]


def read_lines(path: Path, needed: Sequence[str], *, known: Collection[str] | None = None) -> Lines:
    """Read a file's lines, each with its number in the file; values without spaces around them.

    Args:
        path: the file.
        needed: columns that must be there.
        known: all that may be there, where a heading that is misspelt would lose a whole column.

    Raises:
        CommandError: it is not there, is no CSV file, or a column is missing or unknown.
    """
    if not path.is_file():
        raise CommandError(f"Filen {path} finns inte. / There is no file {path}.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(path.name, reader.fieldnames or (), needed, known)
            return [
                (number, {name: (value or "").strip() for name, value in row.items() if name})
                for number, row in enumerate(reader, start=2)
            ]
    except (UnicodeDecodeError, csv.Error):
        raise CommandError(
            f"{path.name} är inte en CSV-fil i UTF-8. Spara den som CSV UTF-8 med komma mellan "
            f"kolumnerna. / {path.name} is not a CSV file in UTF-8. Save it as CSV UTF-8 with "
            "commas between the columns."
        ) from None


def _check_columns(
    file: str, names: Sequence[str], needed: Sequence[str], known: Collection[str] | None
) -> None:
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if known is not None and name not in known]
    wrong = [f"kolumner saknas / columns are missing: {', '.join(missing)}"] if missing else []
    wrong += [f"okända kolumner / unknown columns: {', '.join(unknown)}"] if unknown else []
    if wrong:
        raise CommandError(f"{file}: {'; '.join(wrong)}")


def report_path(path: Path) -> Path:
    """Return where the report of a file is written: beside it."""
    return path.with_suffix(".report.csv")


def write_report(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write the report of a file, a row for each line, and say where it is."""
    report = report_path(path)
    with report.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    say(f"Rapport / report: {report}")
