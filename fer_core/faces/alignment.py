"""Alignment: from a face in a picture to the aligned square and its prior-attention blocks."""

from collections.abc import Iterable, Sequence
from typing import Final

import cv2
import numpy as np

from fer_core.faces.eyes import EyeReader
from fer_core.faces.landmarks import (
    EYES,
    POINTS,
    DenseLandmarks,
    Landmarker,
    five_points,
    shared_landmarker,
)
from fer_core.geometry import alignment, block, mean_points, quads, similarity, warp
from fer_core.images import to_gray
from fer_core.labels import ACTIONS
from fer_core.types import Face, Floats, Image, Regions

PASSES = 3
"""Passes of the landmark network over a bare crop; the first starts from the mean layout."""

EYE_WIDTH: Final = 0.55
"""Distance of an eye's corners, as a fraction of the side of its crop."""

MIN_EYE_WIDTH: Final = 8.0
"""Distance of an eye's corners, in pixels, below which its openness cannot be seen."""


def cut_regions(image: Image, face: Face, size: int, *, by_points: bool = True) -> Regions:
    """Align one face of a frame and cut its blocks.

    Args:
        image: the frame, RGB or gray. A gray frame saves the conversion for each face.
        face: a face in it.
        size: side of the aligned square in pixels.
        by_points: align by the five points; otherwise use the detector's box as it is.
    """
    transform = alignment(face.points if by_points else mean_points(face.box), size)
    aligned = warp(to_gray(image), transform, size)
    return Regions(
        face=aligned,
        upper=aligned[block("upper", size)],
        lower=aligned[block("lower", size)],
        transform=transform,
        quads=quads(transform, size),
    )


def align_crops(crops: Iterable[Image], points: Floats, size: int) -> Image:
    """Align bare face crops by their points.

    Args:
        crops: N gray or RGB images.
        points: (N, 5, 2) in crop pixels; NaN where no face was found: the crop is then assumed to have
            the mean layout, which leaves it unchanged.
        size: side of the aligned square, in pixels.

    Returns:
        (N, size, size) uint8.
    """
    aligned = []
    for crop, five in zip(crops, points, strict=True):
        gray = to_gray(crop)
        if np.isnan(five).any():
            five = mean_points((0, 0, gray.shape[1], gray.shape[0]))
        aligned.append(warp(gray, alignment(five, size), size))
    return np.stack(aligned) if aligned else np.empty((0, size, size), np.uint8)


def find_landmarks(
    images: Sequence[Image], points: Floats, landmarker: Landmarker, *, passes: int = 1
) -> DenseLandmarks:
    """Find the dense landmarks and the facial actions of one face in each image.

    Args:
        images: N gray images, uint8.
        points: (N, 5, 2) five points of each face, in pixels of its image.
        landmarker: the landmark network.
        passes: number of passes; each one starts from the points of the one before.

    Returns:
        Points in pixels of the images.
    """
    size = landmarker.input_size
    for _ in range(passes):
        transforms = [alignment(five, size) for five in points]
        squares = [warp(i, t, size) for i, t in zip(images, transforms, strict=True)]
        found = landmarker(np.stack(squares))
        inverse = np.stack([cv2.invertAffineTransform(t) for t in transforms])
        dense = found.points @ inverse[:, :, :2].swapaxes(1, 2) + inverse[:, None, :, 2]
        points = five_points(dense)
    return found._replace(points=dense.astype(np.float32))


def find_eyes(images: Sequence[Image], landmarks: Floats, reader: EyeReader) -> Floats:
    """Estimate how open the eyes of one face in each image are.

    Args:
        images: N gray images, uint8.
        landmarks: (N, 78, 2) in pixels of the image.
        reader: the eye network.

    Returns:
        (N, 2) in 0..1, the image's left eye first; NaN for eyes narrower than ``MIN_EYE_WIDTH``.
    """
    size = reader.input_size
    half_width = EYE_WIDTH * size / 2
    target = np.array(
        [(size / 2 - half_width, size / 2), (size / 2 + half_width, size / 2)], np.float32
    )
    corners = np.stack([landmarks[:, (eye.start, eye.start + 3)] for eye in EYES], axis=1)
    crops = [
        warp(image, similarity(corner, target), size)
        for image, pair in zip(images, corners, strict=True)
        for corner in pair
    ]
    openness = reader(np.stack(crops)).reshape(-1, 2)
    widths = np.linalg.norm(corners[:, :, 1] - corners[:, :, 0], axis=2)
    return np.where(widths >= MIN_EYE_WIDTH, openness, np.float32(np.nan))


def bare_points(crops: Sequence[Image] | Image, device: str = "cpu") -> Floats:
    """Find the (N, 5, 2) points of bare face crops by the landmark network, in crop pixels."""
    return five_points(bare_landmarks(crops, device))


def bare_landmarks(crops: Sequence[Image] | Image, device: str = "cpu") -> Floats:
    """Find the (N, 78, 2) landmarks of bare face crops by the landmark network, in crop pixels."""
    return find_bare_landmarks(crops, device).points


def find_bare_landmarks(crops: Sequence[Image] | Image, device: str = "cpu") -> DenseLandmarks:
    """Find the landmarks and the facial actions of bare face crops by the landmark network.

    Returns:
        Points in crop pixels.
    """
    if not len(crops):
        shapes = ((0, POINTS, 2), (0, len(ACTIONS)), (0,))
        return DenseLandmarks(*(np.empty(shape, np.float32) for shape in shapes))
    grays = [to_gray(crop) for crop in crops]
    layout = np.stack([mean_points((0, 0, *gray.shape[::-1])) for gray in grays])
    return find_landmarks(grays, layout, shared_landmarker(device), passes=PASSES)
