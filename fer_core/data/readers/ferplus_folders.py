"""Reader of FER+'s own layout (Barsoum et al. 2016): FER2013's images in a folder for each split.

``FER2013Train``, ``FER2013Valid`` and ``FER2013Test`` each hold ``label.csv`` and the images that it lists. A
line has no header: name of the image, the box of the face as ``"(0, 0, 48, 48)"``, and ten counts of votes.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.crops import Crop, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.readers.ferplus import CSV_COLUMNS, majority
from fer_core.data.readers.folders import class_number
from fer_core.labels import FERPLUS_EXPRESSIONS

SOURCE: Final = "FER2013 (Goodfellow et al. 2013), research use, labeled by FER+"

FOLDERS: Final = {
    "FER2013Train": "Training",
    "FER2013Valid": "PublicTest",
    "FER2013Test": "PrivateTest",
}
"""Folder -> split."""

LIST: Final = "label.csv"


def is_ferplus_folders(path: Path) -> bool:
    """Return whether a folder holds FER+'s folders."""
    return any((path / folder / LIST).is_file() for folder in FOLDERS)


def read_ferplus_folders(path: Path) -> FaceSet:
    """Read the images with their votes; the class with the most votes is the label.

    Left out are images whose majority is contempt, which FER2013 lacks, unknown, or not a face.

    Raises:
        DataError: if a line is not of the expected form, or an image is missing or unreadable; the message
            names the line.
    """
    rows = list(_rows(path))
    faces = read_crops(path, (crop for crop, _ in rows), SOURCE)
    return faces.with_votes(np.array([votes for _, votes in rows], np.float32))


def _rows(path: Path) -> Iterator[tuple[Crop, list[float]]]:
    """Yield each image with its ten votes."""
    for folder, split in FOLDERS.items():
        table = path / folder / LIST
        if not table.is_file():
            continue
        with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            for line, fields in enumerate(csv.reader(file), start=1):
                location = f"{table}, line {line}"
                if not fields:
                    continue
                votes = _votes(fields[2:], location)
                label = _label(votes)
                if label is not None:
                    yield Crop(table.parent / fields[0], label, split, location), votes


def _votes(fields: list[str], location: str) -> list[float]:
    try:
        votes = [float(field) for field in fields]
    except ValueError as error:
        raise DataError(f"{location}: {error}; is the download whole?") from None
    if len(votes) != len(CSV_COLUMNS):
        raise DataError(
            f'{location}: expected a line like fer0000000.png,"(0, 0, 48, 48)" and '
            f"{len(CSV_COLUMNS)} votes"
        )
    return votes


def _label(votes: list[float]) -> int | None:
    """Return the class number in the order of ``EXPRESSIONS``; None for an image that is left out."""
    (winner,) = majority(np.array([votes], np.float32)).tolist()
    return class_number(FERPLUS_EXPRESSIONS[winner]) if winner >= 0 else None
