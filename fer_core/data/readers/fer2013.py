"""Reader of Kaggle's FER2013 tables (Goodfellow et al. 2013).

``fer2013.csv`` and ``icml_face_data.csv`` hold all faces with their splits; ``train.csv`` has the training
faces alone, without the column ``Usage``.
"""

from pathlib import Path
from typing import Final

import numpy as np

from fer_core.data.faceset import SPLITS, UNSPLIT, DataError, FaceSet
from fer_core.data.readers.folders import SPLIT_NAMES
from fer_core.data.tables import (
    WHOLE,
    has_columns,
    header_of,
    plain_name,
    read_rows,
    whole_number_in,
)
from fer_core.errors import in_short
from fer_core.labels import EXPRESSIONS, class_number
from fer_core.types import Image

SOURCE: Final = "FER2013 (Goodfellow et al. 2013), research use"
SIDE: Final = 48
LABELS: Final = "emotion"
PIXELS: Final = "pixels"
USAGE: Final = "Usage"
"""Names of the columns; the last one may be missing."""

USAGES: Final = {name.lower(): name for name in SPLITS}
"""Usages in lower case -> splits."""


def is_fer2013(path: Path) -> bool:
    """Return whether a file is a table with a column of pixels."""
    return has_columns(path, (PIXELS,))


def read_fer2013(path: Path) -> FaceSet:
    """Read a table line by line.

    Without a column ``Usage``, a table that is named after a split (``train.csv``) is that split, and others
    are without splits.

    Raises:
        DataError: if the labels are missing, or a class number, usage or pixel count is wrong; the message
            names the line.
    """
    names = [plain_name(name) for name in header_of(path)]
    if LABELS not in names:
        raise DataError(
            f"{path}, line 1: there is no column {LABELS}, so its faces have no labels, as in Kaggle's "
            "test.csv; give icml_face_data.csv, fer2013.csv or train.csv"
        )
    columns = [LABELS, PIXELS, *([USAGE] if plain_name(USAGE) in names else [])]
    split = SPLIT_NAMES.get(plain_name(path.stem), UNSPLIT)
    images, labels, splits = [], [], []
    for line, (emotion, pixels, *usage) in read_rows(path, columns):
        location = f"{path}, line {line}"
        labels.append(_label(emotion, location))
        images.append(_image(pixels, location))
        splits.append(_usage(usage[0], location) if usage else split)
    if not images:
        raise DataError(f"{path} has a header but no faces")
    return FaceSet(
        images, np.array(labels, np.int64), np.array(splits), sources={path.name: SOURCE}
    )


def _label(field: str, location: str) -> int:
    """Return the class of a number or a name."""
    named = class_number(field)
    label = whole_number_in(field, location) if named is None else named
    if not 0 <= label < len(EXPRESSIONS):
        raise DataError(f"{location}: class {label} is not one of 0 to {len(EXPRESSIONS) - 1}")
    return label


def _usage(field: str, location: str) -> str:
    if field.lower() not in USAGES:
        raise DataError(
            f"{location}: usage {in_short(repr(field))} is not one of {', '.join(SPLITS)}"
        )
    return USAGES[field.lower()]


def _image(field: str, location: str) -> Image:
    """Return the (48, 48) pixels of a field."""
    try:
        values = np.fromstring(field, np.int64, sep=" ")
    except ValueError as error:
        raise DataError(f"{location}: {in_short(error)}; {WHOLE}") from None
    if values.size != SIDE * SIDE:
        raise DataError(f"{location}: {values.size} pixels instead of {SIDE * SIDE}; {WHOLE}")
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{location}: pixels beyond 0 to 255; {WHOLE}")
    return values.astype(np.uint8).reshape(SIDE, SIDE)
