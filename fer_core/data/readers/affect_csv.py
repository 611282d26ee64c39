"""Reader of AffectNet's older release (Mollahosseini et al. 2017).

``training.csv`` and ``validation.csv`` list photographs below their folder, each with the bounding box of its
face.
"""

from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.crops import Box, read_face, with_notes
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.readers.affectnet import CLASSES, SOURCE, ratings
from fer_core.data.splits import training_or_public
from fer_core.data.tables import has_columns, number_in, read_rows, whole_number_in
from fer_core.labels import class_number

COLUMNS: Final = (
    "subDirectory_filePath",
    *("face_x", "face_y", "face_width", "face_height"),
    *("expression", "valence", "arousal"),
)
NAMES: Final = (*CLASSES, "none", "uncertain", "no face")
"""Names of the values of ``expression``, 0 to 10."""


def is_affect_csv(path: Path) -> bool:
    """Return whether a path is such a table, or a folder with one."""
    return bool(_tables(path))


def read_affect_csv(path: Path) -> FaceSet:
    """Read one table, or all tables of a folder, and crop each face from its photograph.

    ``validation.csv`` becomes PrivateTest, and every tenth line of any other table PublicTest. Two kinds of
    rows are left out and counted: contempt, which FER2013 lacks, and rows without a class
    (none, uncertain, no face).

    Raises:
        DataError: if a header or row is wrong, a class is unknown, a photograph is missing or unreadable, or
            a box lies outside it; the message names the line.
    """
    images, labels, splits, affect = [], [], [], []
    notes: list[str] = []
    omissions = Omissions()
    for table in _tables(path):
        is_validation = table.stem.lower().startswith("val")
        for number, (line, fields) in enumerate(read_rows(table, COLUMNS)):
            location = f"{table}, line {line}"
            name = NAMES[_label(fields[5], location)]
            label = class_number(name)
            if label is None:
                omissions[name] += 1
                continue
            x, y, width, height, *rating = (
                number_in(fields[i], location) for i in (1, 2, 3, 4, 6, 7)
            )
            box: Box = (x, y, x + width, y + height)
            file = table.parent / fields[0].replace("\\", "/")
            images.append(read_face(file, box=box, location=location, notes=notes))
            labels.append(label)
            splits.append("PrivateTest" if is_validation else training_or_public(number))
            affect.append(rating)
    if not images:
        raise DataError(f"{path} has AffectNet's header but no faces; is the download whole?")
    return FaceSet(
        images,
        np.array(labels, np.int64),
        np.array(splits),
        affect=ratings(affect),
        sources={path.resolve().name: SOURCE},
        notes=(
            *with_notes(path.resolve().name, notes),
            *omissions.notes(path.resolve().name),
        ),
    )


def _tables(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if has_columns(file, COLUMNS)]


def _label(field: str, location: str) -> int:
    """Return the index in ``NAMES``."""
    number = whole_number_in(field, location)
    if number not in range(len(NAMES)):
        raise DataError(f"{location}: expression {number} is not one of 0 to {len(NAMES) - 1}")
    return number
