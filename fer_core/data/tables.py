"""CSV tables with a header, read line by line."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from fer_core.data.faceset import DataError


def has_columns(path: Path, columns: Sequence[str]) -> bool:
    """Return whether a path is a file whose first line names all of these columns."""
    if not path.is_file():
        return False
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        try:
            return set(_names(next(csv.reader(file), []))) >= set(columns)
        except csv.Error:  # the file is not text
            return False


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a table, without empty ones.

    Args:
        path: the table.
        columns: names of the columns to read.

    Yields:
        Line number, and the fields in the order of ``columns``.

    Raises:
        DataError: if the header lacks one of these columns or a row is too short; the message names the line.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        try:
            names = _names(next(rows, []))
            if not set(names) >= set(columns):
                raise DataError(f"{path}, line 1: expected the columns {', '.join(columns)}")
            positions = [names.index(name) for name in columns]
            for row in rows:
                if not row:
                    continue
                if len(row) <= max(positions):
                    raise DataError(
                        f"{path}, line {rows.line_num}: {len(row)} fields instead of {len(names)}; "
                        "is the download whole?"
                    )
                yield rows.line_num, [row[position] for position in positions]
        except csv.Error as error:
            raise DataError(
                f"{path}, line {rows.line_num}: {error}; is the download whole?"
            ) from None


def _names(header: list[str]) -> list[str]:
    return [name.strip() for name in header]
