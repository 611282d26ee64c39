"""Reader of folders with one folder of images for each class, the most common layout.

Examples are Kaggle's FER2013 images (``train``, ``test``), MMAFEDB (``train``, ``valid``, ``test``), and any
other set whose folders are named after the classes.
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from fer_core.data.crops import Crop, image_files, read_crops
from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import UNSPLIT, FaceSet
from fer_core.data.omissions import Omissions
from fer_core.data.tables import plain_name
from fer_core.labels import class_number

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


def is_folders(path: Path) -> bool:
    """Return whether any folder below a path is named after a class."""
    return any(label is not None for _, label in _folders(path))


def read_folders(path: Path, side: int = SIDE, cropper: FaceCropper | None = None) -> FaceSet:
    """Read ``path/<class>/*.png`` and similar; folders with other names and other files are left out.

    If a parent folder is named after a split (``train``, ``valid``, ``test``), its faces are in that split.
    All other faces are in PrivateTest where some parent folder is, and otherwise the whole set is without
    splits: ``read_faces`` puts it into PrivateTest, ``read_training_faces`` splits it by rule.

    Args:
        path: the folder.
        side: longest side of a stored image, in pixels.
        cropper: find the face in each image, and leave out those without one.

    Returns:
        The faces; notes count and name what is left out.

    Raises:
        DataError: if an image is unreadable, or no folder of a class holds an image.
    """
    omissions = Omissions()
    source = SOURCE.format(path.resolve().name)
    return read_crops(
        path, _crops(path, omissions), source, side=side, cropper=cropper, omissions=omissions
    )


def other_folders(path: Path, most: int = 8) -> list[str]:
    """Return the names of folders with pictures, the first ones, where none is named after a class."""
    names = (folder.name for folder, _ in _folders(path) if folder != path and image_files(folder))
    return list(islice(dict.fromkeys(names), most))


def _crops(path: Path, omissions: Omissions) -> Iterator[Crop]:
    for folder, label in _folders(path):
        files = image_files(folder)
        if label is None:
            omissions.add_folder(folder.name, len(files) if folder != path else 0)
            continue
        omissions.add_files(folder.iterdir())
        for file in files:
            yield Crop(file, label, _split(folder.relative_to(path)))


def _folders(path: Path) -> Iterator[tuple[Path, int | None]]:
    """Yield each folder of a set, without hidden ones, and its class; None for one that is not of a class."""
    yield path, None
    for parent, names, _ in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in names:
            yield Path(parent, name), class_number(name)


def _split(folder: Path) -> str:
    splits = [SPLIT_NAMES[n] for n in map(plain_name, folder.parts) if n in SPLIT_NAMES]
    return splits[-1] if splits else UNSPLIT
