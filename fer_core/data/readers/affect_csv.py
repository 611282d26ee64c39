"""AffectNet's older release (Mollahosseini et al. 2017): ``training.csv`` and ``validation.csv``, and below
their folder the photographs that they name, each with the box of its face."""

import math
from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.crops import Box, read_face
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.readers.affectnet import CLASSES, SOURCE, ratings
from fer_core.data.splits import training_or_public
from fer_core.data.tables import has_columns, read_rows
from fer_core.labels import EXPRESSIONS

COLUMNS: Final = (
    "subDirectory_filePath",
    *("face_x", "face_y", "face_width", "face_height"),
    *("expression", "valence", "arousal"),
)
NUMBERS: Final = 11
"""Expressions are 0 to 10: the eight classes, none, uncertain, no face."""


def is_affect_csv(path: Path) -> bool:
    """Whether a path is such a table, or a folder with one."""
    return bool(_tables(path))


def read_affect_csv(path: Path) -> FaceSet:
    """Read a table, or all of a folder, line by line, and cut each face out of its photograph.

    ``validation.csv`` becomes PrivateTest, every tenth line of any other table PublicTest. Left out are
    contempt, which FER2013 lacks, and what has no class: none, uncertain, no face.

    Raises:
        DataError: for a wrong header or row, an unknown class, a photograph that is missing or unreadable, or
            a box beside it, with its line.
    """
    images, labels, splits, affect = [], [], [], []
    for table in _tables(path):
        testing = table.stem.lower().startswith("val")
        for number, (line, fields) in enumerate(read_rows(table, COLUMNS)):
            place = f"{table}, line {line}"
            label = _label(fields[5], place)
            if label is None:
                continue
            x, y, width, height, *rated = (_number(fields[i], place) for i in (1, 2, 3, 4, 6, 7))
            box: Box = (x, y, x + width, y + height)
            images.append(read_face(table.parent / fields[0], box=box, place=place))
            labels.append(label)
            splits.append("PrivateTest" if testing else training_or_public(number))
            affect.append(rated)
    if not images:
        raise DataError(f"{path} has AffectNet's header but no faces; is the download whole?")
    return FaceSet(
        images,
        np.array(labels, np.int64),
        np.array(splits),
        affect=ratings(affect),
        sources={path.resolve().name: SOURCE},
    )


def _tables(path: Path) -> list[Path]:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if has_columns(file, COLUMNS)]


def _label(field: str, place: str) -> int | None:
    """Number of the class, None for what is left out."""
    number = _number(field, place)
    if number not in range(NUMBERS):
        raise DataError(f"{place}: expression {field} is not one of 0 to {NUMBERS - 1}")
    name = CLASSES[int(number)] if number < len(CLASSES) else ""
    return EXPRESSIONS.index(name) if name in EXPRESSIONS else None


def _number(field: str, place: str) -> float:
    try:
        number = float(field)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"{place}: {field!r} is no number; is the download whole?")
    return number
