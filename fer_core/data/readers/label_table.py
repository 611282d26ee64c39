"""Reader of pictures with a table of their labels, such as IEFDB's: a CSV with a column of file names and one
of expressions."""

import csv
import os
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, read_crops
from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import UNSPLIT, DataError, FaceSet
from fer_core.data.readers.folders import SIDE, SPLIT_NAMES, class_number
from fer_core.data.tables import read_rows
from fer_core.images import SUFFIXES
from fer_core.labels import EXPRESSIONS

FILE_COLUMNS: Final = frozenset(
    (
        *("file", "filename", "filepath", "path", "pth", "name"),
        *("image", "imagename", "imagepath", "imagefile", "img", "picture", "photo"),
    )
)
"""Names of the column of file names, in lower case, without blanks and underscores."""

LABEL_COLUMNS: Final = frozenset(("expression", "emotion", "label", "class", "facialexpression"))
"""Names of the column of expressions."""

SPLIT_COLUMNS: Final = frozenset(("split", "usage", "subset", "partition"))
"""Names of a column of splits, which may be missing."""

LEFT_OUT: Final = frozenset(("contempt", "none", "other", "uncertain", "unknown", "noface", ""))
"""Expressions whose rows are left out, in lower case and without blanks."""

SOURCE: Final = "{} (pictures with a table of labels), under its publisher's terms"


def is_label_table(path: Path) -> bool:
    """Return whether a path is such a table, or a folder with one."""
    return bool(_tables(path))


def read_label_table(path: Path, side: int = SIDE, cropper: FaceCropper | None = None) -> FaceSet:
    """Read the pictures that a table lists, or all tables of a folder.

    A file name is looked up beside the table, and then in all folders below it. A table named after a split
    (``train.csv``) or a column of splits says which split a picture is in; all others are without a split,
    as in ``read_folders``.

    Args:
        path: the table, or the folder that holds it.
        side: longest side of a stored image, in pixels.
        cropper: find the face in each image, and leave out those without one.

    Raises:
        DataError: if an expression or a split is unknown, or a picture is missing, ambiguous or unreadable;
            the message names the line.
    """
    crops = (crop for table in _tables(path) for crop in _crops(table))
    return read_crops(path, crops, SOURCE.format(path.resolve().name), side=side, cropper=cropper)


def _tables(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if _columns(file) is not None]


def _columns(table: Path) -> tuple[str, str, str | None] | None:
    """Return the columns of file names, expressions and splits; None for a file that is not such a table."""
    if not table.is_file() or table.suffix.lower() != ".csv":
        return None
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        try:
            header = [name.strip() for name in next(csv.reader(file), [])]
        except csv.Error:  # the file is not text
            return None

    def column(names: frozenset[str]) -> str | None:
        return next((name for name in header if _plain(name) in names), None)

    file_name, label = column(FILE_COLUMNS), column(LABEL_COLUMNS)
    return None if file_name is None or label is None else (file_name, label, column(SPLIT_COLUMNS))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _crops(table: Path) -> Iterator[Crop]:
    columns = _columns(table)
    assert columns is not None
    files = _Files(table.parent)
    split = SPLIT_NAMES.get(table.stem.lower(), UNSPLIT)
    for line, fields in read_rows(table, [column for column in columns if column is not None]):
        location = f"{table}, line {line}"
        label = _label(fields[1], location)
        if label is None:
            continue
        if len(fields) > 2:
            split = _split(fields[2], location)
        yield Crop(files.find(fields[0].strip(), location), label, split, location)


def _label(field: str, location: str) -> int | None:
    """Return the class number; None for a row that is left out."""
    label = class_number(field.strip())
    if label is None and _plain(field) not in LEFT_OUT:
        raise DataError(
            f"{location}: expression {field!r} is not one of {', '.join(EXPRESSIONS)} or a usual "
            "synonym; write the names of the classes"
        )
    return label


def _split(field: str, location: str) -> str:
    split = SPLIT_NAMES.get(field.strip().lower())
    if split is None:
        raise DataError(f"{location}: split {field!r} is not one of {', '.join(SPLIT_NAMES)}")
    return split


def copy_table(table: Path, target: Path, kept: Set[Path]) -> None:
    """Copy a table of labels without the rows of pictures that were left out.

    Args:
        table: the table.
        target: where to write it.
        kept: the picture files whose rows are kept.

    Raises:
        DataError: if a picture is missing or ambiguous; the message names the line.
    """
    columns = _columns(table)
    assert columns is not None
    files = _Files(table.parent)
    with (
        table.open(newline="", encoding="utf-8-sig", errors="replace") as source,
        target.open("w", newline="", encoding="utf-8") as copy,
    ):
        rows, writer = csv.reader(source), csv.writer(copy, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        position = [name.strip() for name in header].index(columns[0])
        for row in rows:
            location = f"{table}, line {rows.line_num}"
            if len(row) > position and files.find(row[position].strip(), location) in kept:
                writer.writerow(row)


class _Files:
    """The image files below a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, location: str) -> Path:
        """Return the file of a picture, by its path below the folder or by its name alone."""
        file = self.folder / name
        if file.is_file():
            return file
        if self.by_name is None:
            self.by_name = self._index()
        files = self.by_name.get(Path(name).name, [])
        if not files:
            raise DataError(
                f"{location}: there is no picture {name!r} below {self.folder}; is the download whole?"
            )
        if len(files) > 1:
            raise DataError(
                f"{location}: there are {len(files)} pictures {name!r} below {self.folder}; write the "
                "path of each into the table"
            )
        return files[0]

    def _index(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for parent, _, names in os.walk(self.folder):
            for name in sorted(names):
                if Path(name).suffix.lower() in SUFFIXES:
                    files.setdefault(name, []).append(Path(parent, name))
        return files
