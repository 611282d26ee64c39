"""A folder with one folder of images a class, the layout in which most face sets are passed on.

Kaggle's FER2013 images (``train``, ``test``) are such a set, MMAFEDB (``train``, ``valid``, ``test``) is, and
so is any other, IEFDB among them, whose folders bear the names of the classes.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.faceset import FaceSet
from fer_core.labels import EXPRESSIONS

ALIASES: Final = {
    **{"anger": "angry", "disgusted": "disgust", "fearful": "fear", "afraid": "fear"},
    **{"happiness": "happy", "joy": "happy", "sadness": "sad", "surprised": "surprise"},
}
"""Other names of the classes, in lower case."""

SPLIT_NAMES: Final = {
    **dict.fromkeys(("train", "training"), "Training"),
    **dict.fromkeys(("valid", "validation", "val", "publictest"), "PublicTest"),
    **dict.fromkeys(("test", "testing", "privatetest"), "PrivateTest"),
}
"""Names of folders, in lower case -> FER2013's splits."""

SOURCE: Final = "{} (a folder of images by class), under its publisher's terms"

SIDE: Final = 256
"""Pixels of the longer side that are kept: such folders may hold pictures with the face still to be found."""


def class_number(name: str) -> int | None:
    """Number of the class that a folder is named after, None if it is named after none."""
    name = ALIASES.get(name.lower(), name.lower())
    return EXPRESSIONS.index(name) if name in EXPRESSIONS else None


def is_folders(path: Path) -> bool:
    """Whether any folder below a path is named after a class."""
    return next(_class_folders(path), None) is not None


def read_folders(path: Path) -> FaceSet:
    """Read ``path/<class>/*.png`` and the like; folders of other names are left out.

    A folder on the way that is named after a split (``train``, ``valid``, ``test``) gives it. All other faces
    count as PrivateTest, so that a folder can be measured and is never trained on by accident.

    Raises:
        DataError: for an unreadable image, or where no folder of a class holds an image.
    """
    crops = (
        Crop(file, label, _split(folder.relative_to(path)))
        for folder, label in _class_folders(path)
        for file in image_files(folder)
    )
    return read_crops(path, crops, SOURCE.format(path.resolve().name), side=SIDE)


def _class_folders(path: Path) -> Iterator[tuple[Path, int]]:
    for parent, names, _ in os.walk(path):
        names.sort()
        for name in names:
            label = class_number(name)
            if label is not None:
                yield Path(parent, name), label


def _split(folder: Path) -> str:
    named = [SPLIT_NAMES[part] for part in map(str.lower, folder.parts) if part in SPLIT_NAMES]
    return named[-1] if named else "PrivateTest"
