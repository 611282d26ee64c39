"""Reader of folders with one folder of images for each class, the most common layout.

Examples are Kaggle's FER2013 images (``train``, ``test``), MMAFEDB (``train``, ``valid``, ``test``), and any
other set whose folders are named after the classes.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import UNSPLIT, FaceSet
from fer_core.labels import EXPRESSIONS

ALIASES: Final = {
    **{"anger": "angry", "disgusted": "disgust", "fearful": "fear", "afraid": "fear"},
    **{"happiness": "happy", "joy": "happy", "sadness": "sad", "surprised": "surprise"},
}
"""Other names of the classes, in lower case -> names in ``EXPRESSIONS``."""

SPLIT_NAMES: Final = {
    **dict.fromkeys(("train", "training"), "Training"),
    **dict.fromkeys(("valid", "validation", "val", "publictest"), "PublicTest"),
    **dict.fromkeys(("test", "testing", "privatetest"), "PrivateTest"),
}
"""Names of folders, in lower case -> FER2013's splits."""

SOURCE: Final = "{} (a folder of images by class), under its publisher's terms"

SIDE: Final = 256
"""Longest side of a stored image, in pixels: such folders may hold images in which the face is not cropped
yet."""


def class_number(name: str) -> int | None:
    """Return the number of the class that a folder is named after; None if there is no such class."""
    name = ALIASES.get(name.lower(), name.lower())
    return EXPRESSIONS.index(name) if name in EXPRESSIONS else None


def is_folders(path: Path) -> bool:
    """Return whether any folder below a path is named after a class."""
    return next(_class_folders(path), None) is not None


def read_folders(path: Path, side: int = SIDE, cropper: FaceCropper | None = None) -> FaceSet:
    """Read ``path/<class>/*.png`` and similar; folders with other names are left out.

    If a parent folder is named after a split (``train``, ``valid``, ``test``), its faces are in that split.
    All other faces are in PrivateTest where some parent folder is, and otherwise the whole set is without
    splits: ``read_faces`` puts it into PrivateTest, ``read_training_faces`` splits it by rule.

    Args:
        path: the folder.
        side: longest side of a stored image, in pixels.
        cropper: find the face in each image, and leave out those without one.

    Raises:
        DataError: if an image is unreadable, or no folder of a class holds an image.
    """
    crops = (
        Crop(file, label, _split(folder.relative_to(path)))
        for folder, label in _class_folders(path)
        for file in image_files(folder)
    )
    return read_crops(path, crops, SOURCE.format(path.resolve().name), side=side, cropper=cropper)


def _class_folders(path: Path) -> Iterator[tuple[Path, int]]:
    for parent, names, _ in os.walk(path):
        names.sort()
        for name in names:
            label = class_number(name)
            if label is not None:
                yield Path(parent, name), label


def _split(folder: Path) -> str:
    splits = [SPLIT_NAMES[part] for part in map(str.lower, folder.parts) if part in SPLIT_NAMES]
    return splits[-1] if splits else UNSPLIT
