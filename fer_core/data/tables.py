"""Tables of comma-separated values with a header, line by line."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from fer_core.data.faceset import DataError


def has_columns(path: Path, columns: Sequence[str]) -> bool:
    """Whether a path is a file whose first line names all of these columns."""
    if not path.is_file():
        return False
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        try:
            return set(_names(next(csv.reader(file), []))) >= set(columns)
        except csv.Error:  # no text at all
            return False


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields, in the order of ``columns``, of one row after the other.

    Raises:
        DataError: for a header without these columns and for a row that ends too early, with its line.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        try:
            names = _names(next(rows, []))
            if not set(names) >= set(columns):
                raise DataError(f"{path}, line 1: expected the columns {', '.join(columns)}")
            places = [names.index(name) for name in columns]
            for row in rows:
                if not row:
                    continue
                if len(row) <= max(places):
                    raise DataError(
                        f"{path}, line {rows.line_num}: {len(row)} fields instead of {len(names)}; "
                        "is the download whole?"
                    )
                yield rows.line_num, [row[place] for place in places]
        except csv.Error as error:
            raise DataError(
                f"{path}, line {rows.line_num}: {error}; is the download whole?"
            ) from None


def _names(header: list[str]) -> list[str]:
    return [name.strip() for name in header]
