"""CSV tables, read line by line: whatever wrote them, and whatever they are, in bounded memory."""

import codecs
import csv
import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, TextIO

from fer_core.data.faceset import DataError
from fer_core.data.location import located
from fer_core.errors import in_short

MAX_ROW: Final = 500_000
"""Most characters of a row. Those of FER2013 have 9,200; a file without line ends is one row."""

DELIMITERS: Final = ",;\t|"
"""Characters between fields; the most frequent one in the header is that of the table."""

SEPARATOR: Final = re.compile(f"sep=([{DELIMITERS}])", re.IGNORECASE)
"""First line by which some spreadsheets name the character."""

WHOLE: Final = "is the download whole?"


def plain_name(name: str) -> str:
    """Return the letters and digits of a name in lower case: `` Image_Name`` and ``imagename`` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def header_of(path: Path) -> list[str]:
    """Return the names in the first line of a file, without blanks around them; [] without a table."""
    try:
        if not located(path).is_file():
            return []
        _, names = next(read_records(path), (0, []))
    except (DataError, OSError):  # not text, or it may not be read
        return []
    return [name.strip() for name in names]


def has_columns(path: Path, columns: Sequence[str]) -> bool:
    """Return whether a path is a file whose first line names all of these columns."""
    return {plain_name(name) for name in header_of(path)} >= {plain_name(name) for name in columns}


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a table, without empty ones.

    Args:
        path: the table.
        columns: names of the columns to read, in upper or lower case.

    Yields:
        Line number, and the fields in the order of ``columns``, without blanks around them.

    Raises:
        DataError: if the header lacks one of these columns, or a row is too short or too long; the message
            names the line.
    """
    rows = read_records(path)
    _, header = next(rows, (1, []))
    names = [plain_name(name) for name in header]
    wanted = [plain_name(name) for name in columns]
    if missing := [name for name in columns if plain_name(name) not in names]:
        raise DataError(
            f"{path}, line 1: expected the columns {', '.join(columns)}, but there is no {missing[0]}"
        )
    positions = [names.index(name) for name in wanted]
    for line, row in rows:
        if len(row) <= max(positions):
            raise DataError(
                f"{path}, line {line}: {len(row)} fields instead of {len(names)}; {WHOLE}"
            )
        yield line, [row[position].strip() for position in positions]


def read_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the lines of a table without a header, or with the header as its first row.

    Yields:
        Number of the last line of each row that is not empty, and its fields.

    Raises:
        DataError: if a row is too long or is not one of a table; the message names the line.
    """
    lines = _Lines(path)
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    if named := SEPARATOR.fullmatch(first.strip("\r\n ")):
        first, delimiter = "", named[1]
    rows = csv.reader(chain([first], lines), delimiter=delimiter)
    try:
        for row in rows:
            lines.room = MAX_ROW
            if any(field.strip() for field in row):
                yield rows.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {in_short(error)}; {WHOLE}") from None


def read_lines(path: Path) -> Iterator[str]:
    """Read the lines of a text.

    Raises:
        DataError: if a line is too long.
    """
    lines = _Lines(path)
    for line in lines:
        lines.room = MAX_ROW
        yield line


def number_in(field: str, location: str) -> float:
    """Return the finite number in a field.

    Raises:
        DataError: if there is none; the message begins with ``location``.
    """
    try:
        number = float(field)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{location}: {in_short(repr(field))} is not a number; {WHOLE}")
    return number


def whole_number_in(field: str, location: str) -> int:
    """Return the whole number in a field; 3.0, as pandas writes some, is one.

    Raises:
        DataError: if there is none; the message begins with ``location``.
    """
    number = number_in(field, location)
    if number != int(number) or abs(number) > 2**53:
        raise DataError(f"{location}: {in_short(repr(field))} is not a whole number; {WHOLE}")
    return int(number)


class _Lines:
    """The lines of a text, each read up to a limit.

    Attributes:
        room: characters that may still be read; whoever has the end of a row sets it anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.room = MAX_ROW
        self._number = 0
        self._lines = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def __next__(self) -> str:
        return next(self._lines)

    def _read(self) -> Iterator[str]:
        with _open(self.path) as file:
            try:
                while line := file.readline(self.room + 1):
                    self._number += 1
                    self.room -= len(line)
                    if self.room < 0:
                        raise DataError(
                            f"{self.path}, line {self._number}: a row of more than {MAX_ROW:,} characters; "
                            "give a table with an end to each line"
                        )
                    yield line
            except UnicodeError as error:
                raise DataError(f"{self.path} is not text: {in_short(error)}; {WHOLE}") from None


def _open(path: Path) -> TextIO:
    """Open a text in UTF-8, or in UTF-16 as some spreadsheets write it."""
    try:
        with located(path).open("rb") as file:
            head = file.read(2)
        is_wide = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        encoding = "utf-16" if is_wide else "utf-8-sig"
        return path.open(newline="", encoding=encoding, errors="replace")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the path") from None
