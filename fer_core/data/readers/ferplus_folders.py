"""Reader of FER+'s own layout (Barsoum et al. 2016): FER2013's images in a folder for each split.

``FER2013Train``, ``FER2013Valid`` and ``FER2013Test`` each hold ``label.csv`` and the images that it lists. A
line has no header: name of the image, the box of the face as ``"(0, 0, 48, 48)"``, and ten counts of votes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.crops import Crop, read_crops
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.readers.ferplus import CSV_COLUMNS, vote_counts
from fer_core.data.tables import read_records
from fer_core.labels import FERPLUS_EXPRESSIONS, class_number

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

    Left out and counted are images whose majority is contempt, which FER2013 lacks, unknown, or not a face.

    Raises:
        DataError: if a line is not of the expected form, or an image is missing or unreadable; the message
            names the line.
    """
    omissions = Omissions()
    rows = list(_rows(path, omissions))
    faces = read_crops(path, (crop for crop, _ in rows), SOURCE, omissions=omissions)
    return faces.with_votes(np.array([votes for _, votes in rows], np.float32))


def _rows(path: Path, omissions: Omissions) -> Iterator[tuple[Crop, list[float]]]:
    """Yield each image with its ten votes."""
    for folder, split in FOLDERS.items():
        table = path / folder / LIST
        if not table.is_file():
            continue
        for line, fields in read_records(table):
            location = f"{table}, line {line}"
            if len(fields) != 2 + len(CSV_COLUMNS):
                raise DataError(
                    f'{location}: expected a line like fer0000000.png,"(0, 0, 48, 48)" and '
                    f"{len(CSV_COLUMNS)} votes"
                )
            votes = vote_counts(fields[2:], location)
            answer = _answer(votes)
            label = class_number(answer)
            if label is None:
                omissions[answer] += 1
            else:
                yield Crop(table.parent / fields[0].strip(), label, split, location), votes


def _answer(votes: list[float]) -> str:
    """Return the answer with the most votes, or that there is none."""
    kept = [vote if vote > 1 else 0 for vote in votes]
    answers = (*FERPLUS_EXPRESSIONS, "unknown", "not a face")
    return answers[kept.index(max(kept))] if max(kept) else "without a majority"
