"""Reader of Kaggle's FER2013 tables (Goodfellow et al. 2013): ``fer2013.csv`` and ``icml_face_data.csv``."""

from pathlib import Path

import numpy as np

from fer_core.data.faceset import SPLITS, DataError, FaceSet
from fer_core.data.tables import has_columns, read_rows
from fer_core.labels import EXPRESSIONS

SOURCE = "FER2013 (Goodfellow et al. 2013), research use"
SIDE = 48
COLUMNS = ("emotion", "pixels", "Usage")


def is_fer2013(path: Path) -> bool:
    """Return whether a file has the header of a FER2013 table."""
    return has_columns(path, COLUMNS)


def read_fer2013(path: Path) -> FaceSet:
    """Read a table line by line.

    Raises:
        DataError: if a header, class number, usage or pixel count is wrong; the message names the line.
    """
    images, labels, splits = [], [], []
    for line, (emotion, pixels, usage) in read_rows(path, COLUMNS):
        try:
            label, values = int(emotion), np.fromstring(pixels, np.int32, sep=" ")
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}; is the download whole?") from None
        split = usage.strip()
        if not 0 <= label < len(EXPRESSIONS):
            raise DataError(f"{path}, line {line}: class {label} is not one of 0 to 6")
        if split not in SPLITS:
            raise DataError(
                f"{path}, line {line}: usage {split!r} is not one of {', '.join(SPLITS)}"
            )
        if values.size != SIDE * SIDE:
            raise DataError(
                f"{path}, line {line}: {values.size} pixels instead of {SIDE * SIDE}; "
                "is the download whole?"
            )
        if values.min() < 0 or values.max() > 255:
            raise DataError(f"{path}, line {line}: pixels beyond 0 to 255; is the download whole?")
        images.append(values.astype(np.uint8).reshape(SIDE, SIDE))
        labels.append(label)
        splits.append(split)
    if not images:
        raise DataError(f"{path} has a header but no faces")
    return FaceSet(
        images, np.array(labels, np.int64), np.array(splits), sources={path.name: SOURCE}
    )
