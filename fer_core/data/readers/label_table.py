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
from fer_core.data.location import located
from fer_core.data.omissions import Omissions
from fer_core.data.readers.folders import SIDE, SPLIT_NAMES
from fer_core.data.tables import header_of, plain_name, read_records, read_rows
from fer_core.errors import in_short
from fer_core.images import SUFFIXES
from fer_core.labels import EXPRESSIONS, class_number

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

    Returns:
        The faces; notes count and name the rows that are left out.

    Raises:
        DataError: if an expression or a split is unknown, or a picture is missing, ambiguous or unreadable;
            the message names the line.
    """
    omissions = Omissions()
    crops = (crop for table in _tables(path) for crop in _crops(table, omissions))
    source = SOURCE.format(path.resolve().name)
    return read_crops(path, crops, source, side=side, cropper=cropper, omissions=omissions)


def missing_column(table: Path) -> str:
    """Return what a file lacks to be a table of labels, as a clause; "" for a folder or no table at all."""
    names = header_of(table)
    if not names or table.suffix.lower() != ".csv":
        return ""
    has_files = any(plain_name(name) in FILE_COLUMNS for name in names)
    missing = "expressions, such as label" if has_files else "file names, such as image"
    return f"it has the columns {in_short(', '.join(names))}, but none of {missing}"


def _tables(path: Path) -> list[Path]:
    files = sorted(located(path).glob("*.[cC][sS][vV]")) if path.is_dir() else [path]
    return [file for file in files if _columns(file) is not None]


def _columns(table: Path) -> tuple[str, str, str | None] | None:
    """Return the columns of file names, expressions and splits; None for a file that is not such a table."""
    if table.suffix.lower() != ".csv":
        return None
    header = header_of(table)

    def column(names: frozenset[str]) -> str | None:
        return next((name for name in header if plain_name(name) in names), None)

    file_name, label = column(FILE_COLUMNS), column(LABEL_COLUMNS)
    return None if file_name is None or label is None else (file_name, label, column(SPLIT_COLUMNS))


def _crops(table: Path, omissions: Omissions) -> Iterator[Crop]:
    columns = _columns(table)
    assert columns is not None
    files = _Files(table.parent)
    split = SPLIT_NAMES.get(plain_name(table.stem), UNSPLIT)
    for line, fields in read_rows(table, [column for column in columns if column is not None]):
        location = f"{table}, line {line}"
        label = _label(fields[1], location)
        if label is None:
            omissions[f"rows of {fields[1].lower()}" if fields[1] else "rows without a class"] += 1
            continue
        if len(fields) > 2:
            split = _split(fields[2], location)
        yield Crop(files.find(fields[0], location), label, split, location)


def _label(field: str, location: str) -> int | None:
    """Return the class number; None for a row that is left out."""
    label = class_number(field)
    if label is None and plain_name(field) not in LEFT_OUT:
        raise DataError(
            f"{location}: expression {in_short(repr(field))} is not one of {', '.join(EXPRESSIONS)} or a "
            "usual synonym; write the names of the classes"
        )
    return label


def _split(field: str, location: str) -> str:
    split = SPLIT_NAMES.get(plain_name(field))
    if split is None:
        raise DataError(
            f"{location}: split {in_short(repr(field))} is not one of {', '.join(SPLIT_NAMES)}"
        )
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
    with target.open("w", newline="", encoding="utf-8") as copy:
        rows, writer = read_records(table), csv.writer(copy, lineterminator="\n")
        _, header = next(rows)
        writer.writerow(header)
        position = [name.strip() for name in header].index(columns[0])
        for line, row in rows:
            location = f"{table}, line {line}"
            if len(row) > position and files.find(row[position].strip(), location) in kept:
                writer.writerow(row)


class _Files:
    """The image files below a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.by_name: dict[str, list[Path]] | None = None

    def find(self, name: str, location: str) -> Path:
        """Return the file of a picture, by its path below the folder or by its name alone."""
        name = name.replace("\\", "/")
        if self._is_file(self.folder / name, location):
            return self.folder / name
        if self.by_name is None:
            self.by_name = self._index()
        files = self.by_name.get(Path(name).name, [])
        if not files:
            raise DataError(
                f"{location}: there is no picture {in_short(repr(name))} below {self.folder}; is the "
                "download whole?"
            )
        if len(files) > 1:
            raise DataError(
                f"{location}: there are {len(files)} pictures {in_short(repr(name))} below {self.folder}; "
                "write the path of each into the table"
            )
        return files[0]

    @staticmethod
    def _is_file(file: Path, location: str) -> bool:
        """Return whether there is such a file, where it may be looked for."""
        try:
            return located(file).is_file()
        except DataError as error:
            raise DataError(f"{location}: {error}") from None
        except (OSError, ValueError):  # no path at all, or too long for one
            return False

    def _index(self) -> dict[str, list[Path]]:
        files: dict[str, list[Path]] = {}
        for parent, _, names in os.walk(self.folder):
            for name in sorted(names):
                if Path(name).suffix.lower() in SUFFIXES:
                    files.setdefault(name, []).append(Path(parent, name))
        return files
