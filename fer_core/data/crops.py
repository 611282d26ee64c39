"""Image files of datasets, read in gray and no larger than the networks can use."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from fer_core.data.faceset import DataError, FaceSet
from fer_core.images import ImageError, read_image, to_gray
from fer_core.types import Image

SIDE: Final = 96
"""Longest side of a stored image, in pixels: twice the networks' input size, and a fifth of the memory that
224 pixels take."""

SUFFIXES: Final = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
"""Suffixes of image files, in lower case."""

Box = tuple[float, float, float, float]
"""Bounding box x0, y0, x1, y1, in pixels."""


class Crop(NamedTuple):
    """An image file of a dataset with its label, not read yet."""

    file: Path
    label: int
    """Class number in the order of ``EXPRESSIONS``."""
    split: str
    """Name of the split, one of ``SPLITS``."""
    location: str = ""
    """File and line that list the image, for error messages."""


def image_files(folder: Path) -> list[Path]:
    """Return the images directly in a folder, sorted by name.

    Hidden files are left out: macOS adds some to archives.
    """
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )


def read_face(file: Path, *, box: Box | None = None, side: int = SIDE, location: str = "") -> Image:
    """Read an image in gray, and scale it down if it is larger than ``side``.

    Args:
        file: the image.
        box: part of the image to keep, clipped at its edges; None keeps all.
        side: longest side of the result, in pixels.
        location: file and line that list the image, for error messages.

    Returns:
        (H, W) gray, uint8.

    Raises:
        DataError: if the image is missing or unreadable, or lies outside the box.
    """
    prefix = f"{location}: " if location else ""
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
        return (
            image.copy() if box is not None else image
        )  # a view would keep the whole image in memory
    height, width = (max(1, round(scale * length)) for length in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def read_crops(path: Path, crops: Iterable[Crop], source: str, *, side: int = SIDE) -> FaceSet:
    """Read the images of a dataset.

    Args:
        path: file or folder of the dataset.
        crops: the images to read.
        source: name of the dataset, its paper and its terms.
        side: longest side of an image, in pixels.

    Returns:
        The faces with their labels and splits.

    Raises:
        DataError: if an image is missing or unreadable, or if there are no images.
    """
    images, labels, splits = [], [], []
    for crop in crops:
        images.append(read_face(crop.file, side=side, location=crop.location))
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
