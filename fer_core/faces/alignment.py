"""From a face in a picture to the aligned square and the prior-attention blocks that a network sees."""

from collections.abc import Iterable, Sequence
from typing import Final

import cv2
import numpy as np

from fer_core.faces.eyes import EyeReader
from fer_core.faces.landmarks import EYES, POINTS, Landmarker, five_points, shared_landmarker
from fer_core.geometry import alignment, block, mean_points, quads, similarity, warp
from fer_core.images import to_gray
from fer_core.types import Face, Floats, Image, Regions

PASSES = 3
"""Looks of the landmark network at a bare crop, the first of them from the mean layout."""

EYE_WIDTH: Final = 0.55
"""Of an eye from corner to corner, as a fraction of the crop that is cut around it."""

SMALLEST_EYE: Final = 8.0
"""Pixels from corner to corner below which nobody can tell whether an eye is open."""


def cut_regions(image: Image, face: Face, size: int, *, by_points: bool = True) -> Regions:
    """Align one face of a frame and cut its blocks.

    Args:
        image: the frame, RGB or grey. Passing grey saves a conversion for every face.
        size: side of the aligned square in pixels.
        by_points: align by the five points; otherwise take the detector's box as it is.
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
        crops: N grey or RGB images.
        points: (N, 5, 2) in crop pixels; NaN where no face was found: the crop is then taken to have
            the mean layout, which leaves it as it is.

    Returns:
        (N, size, size) uint8.
    """
    aligned = []
    for crop, five in zip(crops, points, strict=True):
        grey = to_gray(crop)
        if np.isnan(five).any():
            five = mean_points((0, 0, grey.shape[1], grey.shape[0]))
        aligned.append(warp(grey, alignment(five, size), size))
    return np.stack(aligned) if aligned else np.empty((0, size, size), np.uint8)


def find_landmarks(
    images: Sequence[Image], points: Floats, landmarker: Landmarker, *, passes: int = 1
) -> tuple[Floats, Floats]:
    """Dense landmarks and actions of one face in each image.

    Args:
        images: N grey images, uint8.
        points: (N, 5, 2) where the face is, in pixels of its image.
        passes: each one after the first starts from the points that the one before found.

    Returns:
        (N, 78, 2) in pixels of the images, (N, 52) in 0..1.
    """
    size = landmarker.input_size
    for _ in range(passes):
        transforms = [alignment(five, size) for five in points]
        squares = [warp(i, t, size) for i, t in zip(images, transforms, strict=True)]
        found, actions = landmarker(np.stack(squares))
        back = np.stack([cv2.invertAffineTransform(t) for t in transforms])
        dense = np.einsum("npk,njk->npj", found, back[:, :, :2]) + back[:, None, :, 2]
        points = five_points(dense)
    return dense.astype(np.float32), actions


def find_eyes(images: Sequence[Image], landmarks: Floats, reader: EyeReader) -> Floats:
    """How open the eyes of one face in each image are.

    Args:
        images: N grey images, uint8.
        landmarks: (N, 78, 2) in pixels of its image.

    Returns:
        (N, 2) in 0..1, the image's left eye first; NaN for eyes that are too small to tell.
    """
    size = reader.input_size
    reach = EYE_WIDTH * size / 2
    target = np.array([(size / 2 - reach, size / 2), (size / 2 + reach, size / 2)], np.float32)
    corners = np.stack([landmarks[:, (eye.start, eye.start + 3)] for eye in EYES], axis=1)
    crops = [
        warp(image, similarity(corner, target), size)
        for image, pair in zip(images, corners, strict=True)
        for corner in pair
    ]
    openness = reader(np.stack(crops)).reshape(-1, 2)
    widths = np.linalg.norm(corners[:, :, 1] - corners[:, :, 0], axis=2)
    return np.where(widths >= SMALLEST_EYE, openness, np.float32(np.nan))


def bare_points(crops: Sequence[Image] | Image, device: str = "cpu") -> Floats:
    """(N, 5, 2) points of bare face crops in crop pixels, by the landmark network."""
    return five_points(bare_landmarks(crops, device))


def bare_landmarks(crops: Sequence[Image] | Image, device: str = "cpu") -> Floats:
    """(N, 78, 2) landmarks of bare face crops in crop pixels, by the landmark network."""
    if not len(crops):
        return np.empty((0, POINTS, 2), np.float32)
    greys = [to_gray(crop) for crop in crops]
    layout = np.stack([mean_points((0, 0, *grey.shape[::-1])) for grey in greys])
    return find_landmarks(greys, layout, shared_landmarker(device), passes=PASSES)[0]
