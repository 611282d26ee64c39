"""Images of a dataset as sets keep them: grey, and no larger than the networks can use."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from fer_core.data.faceset import DataError, FaceSet
from fer_core.images import ImageError, read_image, to_gray
from fer_core.types import Image

SIDE: Final = 96
"""Pixels of the longer side that are kept: twice what the networks see, and a fifth of the memory of 224."""

SUFFIXES: Final = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


class Crop(NamedTuple):
    """One face of a dataset, not yet read."""

    file: Path
    label: int
    """Class number in the order of ``EXPRESSIONS``."""
    split: str
    """One of ``SPLITS``."""
    place: str = ""
    """File and line that name it, for messages."""


def image_files(folder: Path) -> list[Path]:
    """The images right in a folder, by name; hidden files, which macOS adds to archives, are none."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )


def read_face(file: Path, *, box: Box | None = None, side: int = SIDE, place: str = "") -> Image:
    """Read an image as (H, W) uint8 grey, scaled down where it is larger than ``side``.

    Args:
        box: what to keep of it, cut at the image's edges.
        side: the longer side at most, in pixels.
        place: file and line that name the image, for the message.

    Raises:
        DataError: it is missing, unreadable, or nothing of it lies in the box.
    """
    prefix = f"{place}: " if place else ""
    try:
        image = to_gray(read_image(file))
    except ImageError as error:
        raise DataError(f"{prefix}{error}") from None
    if box is not None:
        height, width = image.shape
        x0, y0, x1, y1 = (round(value) for value in box)
        image = image[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
        if not (image.size and x1 > 0 and y1 > 0):
            raise DataError(
                f"{prefix}the box {x0}, {y0}, {x1}, {y1} holds nothing of {file}, which is "
                f"{width}x{height}; is the download whole?"
            )
    scale = side / max(image.shape)
    if scale >= 1:
        return image.copy() if box is not None else image  # a view would keep the whole picture
    height, width = (max(1, round(scale * length)) for length in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def read_crops(path: Path, crops: Iterable[Crop], source: str, *, side: int = SIDE) -> FaceSet:
    """Read the faces of a dataset.

    Args:
        path: the dataset.
        source: what it is, its paper and its terms.
        side: longer side of the images at most, in pixels.

    Raises:
        DataError: for an image that is missing or unreadable, or if there is none.
    """
    images, labels, splits = [], [], []
    for crop in crops:
        images.append(read_face(crop.file, side=side, place=crop.place))
        labels.append(crop.label)
        splits.append(crop.split)
    if not images:
        raise DataError(f"{path} has the folders of a dataset but no faces; is the download whole?")
    return FaceSet(
        images,
        np.array(labels, np.int64),
        np.array(splits),
        sources={path.resolve().name: source},
    )
