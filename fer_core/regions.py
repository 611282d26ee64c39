"""From a face to the aligned square a network sees, and the prior-attention blocks in it.

Blocks are cut in aligned coordinates, on the grid of the networks' last feature map, so that a block's
map can be laid back to its place without resampling.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import cv2
import numpy as np

from fer_core.faces.eyes import EyeReader
from fer_core.faces.landmarks import EYES, Landmarker, five_points
from fer_core.images import to_gray
from fer_core.labels import REGIONS
from fer_core.types import Face, Floats, Image, Regions

BLOCKS: Final = {
    "face": (0, 6, 0, 6),
    "upper": (0, 3, 0, 6),
    "lower": (3, 6, 1, 5),
}
"""Region -> first row, end row, first column, end column, in sixths of the aligned square."""

MEAN_POINTS: Final = np.array(
    [(0.321, 0.377), (0.679, 0.377), (0.500, 0.590), (0.351, 0.777), (0.649, 0.777)], np.float32
)
"""(5, 2) where the five points of a face come to lie, as fractions of the aligned square: the mean
layout of FER2013's training faces, made mirror-symmetric."""


EYE_WIDTH: Final = 0.55
"""Of an eye from corner to corner, as a fraction of the crop that is cut around it."""

SMALLEST_EYE: Final = 8.0
"""Pixels from corner to corner below which nobody can tell whether an eye is open."""


def block(region: str, size: int) -> tuple[slice, slice]:
    """Rows and columns of a region in a square array of ``size``, a multiple of six."""
    top, bottom, left, right = (edge * size // 6 for edge in BLOCKS[region])
    return slice(top, bottom), slice(left, right)


def grid_side(region: str, rows: int) -> int:
    """Side of the square array in which a region has so many rows: the inverse of ``block``."""
    top, bottom, _, _ = BLOCKS[region]
    return rows * 6 // (bottom - top)


def similarity(source: Floats, target: Floats) -> Floats:
    """Least-squares rotation, uniform scale and shift that takes points to points.

    Written in complex numbers, where such a map is ``a * z + b`` (Umeyama 1991 without reflection).

    Args:
        source, target: (N, 2).

    Returns:
        (2, 3) float32. Coinciding source points give a pure shift.
    """
    z = source[:, 0] + 1j * source[:, 1].astype(np.float64)
    w = target[:, 0] + 1j * target[:, 1].astype(np.float64)
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    a = np.vdot(centred, w) / spread if spread > 0 else 1.0 + 0j
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]], np.float32)


def alignment(points: Floats, size: int) -> Floats:
    """(2, 3) similarity from the five points of a face to their mean layout in a square of ``size``."""
    return similarity(points, MEAN_POINTS * size)


def warp(image: Image, transform: Floats, size: int) -> Image:
    """The square of ``size`` pixels that a similarity cuts out of a grey image.

    Faces larger than the square are sampled finely and averaged, since skipping pixels would give
    them a grain that the training faces do not have. Beyond the border the edge is repeated.
    """
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    fine = int(np.clip(np.ceil(0.8 / scale), 1, 8)) if scale > 0 else 1
    square = cv2.warpAffine(
        image,
        from_centres(transform * fine),
        (size * fine, size * fine),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(square, np.uint8)


def from_centres(transform: Floats) -> Floats:
    """The same (2, 3) map for OpenCV, which counts from the centre of pixel 0 on either side."""
    shifted = transform.copy()
    shifted[:, 2] += transform[:, :2].sum(axis=1) / 2 - 0.5
    return shifted


def cut(image: Image, face: Face, size: int, *, by_points: bool = True) -> Regions:
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


def quads(transform: Floats, size: int) -> dict[str, Floats]:
    """Region -> (4, 2) corners on the frame, clockwise from the aligned top left."""
    back = cv2.invertAffineTransform(transform)
    corners = {}
    for region in REGIONS:
        top, bottom, left, right = (edge * size / 6 for edge in BLOCKS[region])
        square = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
        corners[region] = np.asarray(square @ back[:, :2].T + back[:, 2], np.float32)
    return corners


def mean_points(box: tuple[float, float, float, float]) -> Floats:
    """(5, 2) the mean layout in the square around a box's centre with the box's longer side."""
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0)
    corner = np.array([(x0 + x1 - side) / 2, (y0 + y1 - side) / 2], np.float32)
    return np.asarray(MEAN_POINTS * side + corner, np.float32)


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
