"""Image files of datasets, read in gray and no larger than the networks can use."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from fer_core.data.detection import FaceCropper
from fer_core.data.faceset import DataError, FaceSet
from fer_core.data.location import located
from fer_core.data.omissions import Omissions
from fer_core.images import SUFFIXES, ImageError, decode_image, to_gray
from fer_core.types import Image

SIDE: Final = 96
"""Longest side of a stored image, in pixels: twice the networks' input size, and a fifth of the memory that
224 pixels take."""

Box = tuple[float, float, float, float]
"""Bounding box x0, y0, x1, y1, in pixels."""


class Crop(NamedTuple):
    """An image file of a dataset with its label, not read yet."""

    file: Path
    label: int
    """Class number in the order of ``EXPRESSIONS``."""
    split: str
    """Name of the split, one of ``SPLITS``, or ``UNSPLIT``."""
    location: str = ""
    """File and line that list the image, for error messages."""
    person: str = ""
    """Name of the person or drawn character; "" where the set names none."""


def image_files(folder: Path) -> list[Path]:
    """Return the images directly in a folder, sorted by name.

    Hidden files are left out: macOS adds some to archives.
    """
    return sorted(
        file
        for file in located(folder).iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )


def read_face(
    file: Path,
    *,
    box: Box | None = None,
    side: int = SIDE,
    location: str = "",
    notes: list[str] | None = None,
) -> Image:
    """Read an image in gray, and scale it down if it is larger than ``side``.

    Args:
        file: the image.
        box: part of the image to keep, clipped at its edges; None keeps all.
        side: longest side of the result, in pixels.
        location: file and line that list the image, for error messages.
        notes: gets a sentence for what is not as in the file.

    Returns:
        (H, W) gray, uint8.

    Raises:
        DataError: if the image is missing or unreadable, or lies outside the box.
    """
    prefix = f"{location}: " if location else ""
    image = to_gray(read_picture(file, location, notes))
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


def read_picture(file: Path, location: str = "", notes: list[str] | None = None) -> Image:
    """Read an image in color, (H, W, 3) RGB.

    Args:
        file: the image.
        location: file and line that list the image, for error messages.
        notes: gets a sentence for what is not as in the file.

    Raises:
        DataError: if the image is missing or unreadable.
    """
    if located(file).exists() and not file.is_file():  # a pipe, say, would be waited for
        raise DataError(f"{file} is not a file; put a picture in its place")
    try:
        decoded = decode_image(file)
    except ImageError as error:
        raise DataError(f"{location}: {error}" if location else str(error)) from None
    if notes is not None:
        notes += [f"{file.name}: {note}" for note in decoded.notes]
    return decoded.pixels


def with_notes(name: str, notes: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence about the pictures of a set that were read with a note; () where there are none."""
    return (
        (f"{name}: pictures read with a note: {len(notes):,}, such as {notes[0]}",) if notes else ()
    )


def read_crops(
    path: Path,
    crops: Iterable[Crop],
    source: str,
    *,
    side: int = SIDE,
    cropper: FaceCropper | None = None,
    omissions: Omissions | None = None,
) -> FaceSet:
    """Read the images of a dataset.

    Args:
        path: file or folder of the dataset.
        crops: the images to read.
        source: name of the dataset, its paper and its terms.
        side: longest side of an image, in pixels.
        cropper: find the face in each image, and leave out those without one; None takes images as they are.
        omissions: what is left out already; ``crops`` may add to it while it is read.

    Returns:
        The faces with their labels and splits; notes say what was left out, and how many images are damaged.

    Raises:
        DataError: if an image is missing or unreadable, or if there are no images or no faces.
    """
    images, read, misses = [], [], 0
    omissions = Omissions() if omissions is None else omissions
    notes: list[str] = []
    for crop in crops:
        if cropper is None:
            image = read_face(crop.file, side=side, location=crop.location, notes=notes)
        elif (face := cropper(read_picture(crop.file, crop.location, notes))) is not None:
            image = face
        else:
            misses += 1
            continue
        images.append(image)
        read.append(crop)
    if misses and not images:
        raise DataError(f"no face was found in any of the {misses:,} pictures of {path}")
    name, people = path.resolve().name, [crop.person for crop in read]
    if not images:
        reason = "".join(f" ({note})" for note in omissions.notes(name))
        raise DataError(
            f"{path} has the folders of a dataset but no faces; is the download whole?{reason}"
        )
    return FaceSet(
        images,
        np.array([crop.label for crop in read], np.int64),
        np.array([crop.split for crop in read]),
        sources={name: source},
        names=np.array([os.path.relpath(crop.file, path) for crop in read]),
        people=np.array(people) if any(people) else None,
        notes=(
            *with_notes(name, notes),
            *(_without_face(name, misses, len(images)) if cropper else ()),
            *omissions.notes(name),
        ),
    )


def _without_face(name: str, misses: int, faces: int) -> tuple[str, ...]:
    """Return a sentence about the pictures of a set in which no face was found."""
    return (
        f"{name}: no face found in {misses:,} of {misses + faces:,} pictures, which are left out",
    )


def picture_files(folder: Path) -> list[Path]:
    """Return the image files below a folder, sorted, without hidden ones.

    Raises:
        DataError: if it is not a folder or holds no image.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give a folder of pictures")
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    ]
    if not files:
        raise DataError(f"{folder} holds no pictures; is the download whole?")
    return files
