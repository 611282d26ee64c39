"""Alignment of a face to the square input of a network, and the prior-attention blocks in it.

Blocks are cut in aligned coordinates, on the grid of the networks' last feature map, so that a block's
map can be put back at its position without resampling.
"""

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fer_core.labels import REGIONS
from fer_core.types import Floats, Image

BLOCKS: Final = {
    "face": (0, 6, 0, 6),
    "upper": (0, 3, 0, 6),
    "lower": (3, 6, 1, 5),
}
"""Region -> first row, end row, first column, end column, in sixths of the aligned square."""

MEAN_POINTS: Final = np.array(
    [(0.321, 0.377), (0.679, 0.377), (0.500, 0.590), (0.351, 0.777), (0.649, 0.777)], np.float32
)
"""(5, 2) target positions of the five points of a face, as fractions of the aligned square: the mean
layout of FER2013's training faces, made mirror-symmetric."""


def block(region: str, size: int) -> tuple[slice, slice]:
    """Return the rows and columns of a region in a square array of ``size``, a multiple of six."""
    top, bottom, left, right = (edge * size // 6 for edge in BLOCKS[region])
    return slice(top, bottom), slice(left, right)


def grid_side(region: str, rows: int) -> int:
    """Return the side of the square array in which a region has ``rows`` rows: the inverse of ``block``."""
    top, bottom, _, _ = BLOCKS[region]
    return rows * 6 // (bottom - top)


def similarity(source: Floats, target: Floats) -> Floats:
    """Compute the least-squares rotation, uniform scale and shift from source to target points.

    Written in complex numbers, where such a map is ``a * z + b`` (Umeyama 1991 without reflection).

    Args:
        source: points to map, (N, 2).
        target: where they should lie, (N, 2).

    Returns:
        (2, 3) float32. Coinciding source points give a pure shift.
    """
    z = source[:, 0] + 1j * source[:, 1].astype(np.float64)
    w = target[:, 0] + 1j * target[:, 1].astype(np.float64)
    centered = z - z.mean()
    spread = np.vdot(centered, centered).real
    a = np.vdot(centered, w) / spread if spread > 0 else 1.0 + 0j
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]], np.float32)


def alignment(points: Floats, size: int) -> Floats:
    """Return the (2, 3) similarity from a face's five points to their mean layout in a square of ``size``."""
    return similarity(points, MEAN_POINTS * size)


def upright_square(points: Floats) -> Floats:
    """Return the (4,) upright square x0, y0, x1, y1 into which the mean layout puts the (5, 2) points of a
    face, even if the face is rotated."""
    inverse = cv2.invertAffineTransform(alignment(points, 1))
    center = inverse @ (0.5, 0.5, 1)
    half_side = np.hypot(inverse[0, 0], inverse[1, 0]) / 2
    return np.concatenate([center - half_side, center + half_side]).astype(np.float32)


def warp(image: Image, transform: Floats, size: int) -> Image:
    """Cut a square of ``size`` pixels out of a gray image by a similarity.

    Faces larger than the square are sampled finely and averaged, since skipping pixels would give
    them a grain that the training faces do not have. Beyond the border the edge is repeated.
    """
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    fine = int(np.clip(np.ceil(0.8 / scale), 1, 8)) if scale > 0 else 1
    square = cv2.warpAffine(
        image,
        from_centers(transform * fine),
        (size * fine, size * fine),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        square = cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(square, np.uint8)


def from_centers(transform: Floats) -> Floats:
    """Return the same (2, 3) map for OpenCV, which counts from the center of pixel 0."""
    shifted = transform.copy()
    shifted[:, 2] += transform[:, :2].sum(axis=1) / 2 - 0.5
    return shifted


def quads(transform: Floats, size: int) -> dict[str, Floats]:
    """Return region -> (4, 2) corners in frame pixels, clockwise from the aligned top left."""
    back = cv2.invertAffineTransform(transform)
    corners = {}
    for region in REGIONS:
        top, bottom, left, right = (edge * size / 6 for edge in BLOCKS[region])
        square = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
        corners[region] = np.asarray(square @ back[:, :2].T + back[:, 2], np.float32)
    return corners


def mean_points(box: tuple[float, float, float, float]) -> Floats:
    """Return the (5, 2) mean layout in the square around a box's center with the box's longer side."""
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0)
    corner = np.array([(x0 + x1 - side) / 2, (y0 + y1 - side) / 2], np.float32)
    return np.asarray(MEAN_POINTS * side + corner, np.float32)


def move_box(
    box: tuple[float, float, float, float], transform: Floats, shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """Move an upright box with a face: its center and its size follow a (2, 3) similarity.

    Args:
        shape: (H, W, ...) of the frame, to which the result is clipped.
    """
    x0, y0, x1, y1 = box
    height, width = shape[:2]
    scale = float(np.hypot(transform[0, 0], transform[1, 0])) / 2
    x, y = (transform @ ((x0 + x1) / 2, (y0 + y1) / 2, 1)).tolist()
    half, tall = scale * (x1 - x0), scale * (y1 - y0)
    left, right = (min(max(edge, 0.0), float(width)) for edge in (x - half, x + half))
    top, bottom = (min(max(edge, 0.0), float(height)) for edge in (y - tall, y + tall))
    return left, top, right, bottom


def box_iou(boxes: ArrayLike, others: ArrayLike) -> NDArray[Any]:
    """Compute the intersection over union of every pair of boxes.

    Args:
        boxes: (N, 4) x0, y0, x1, y1; a list without boxes is fine too.
        others: (M, 4).

    Returns:
        (N, M) in 0..1, in the precision of the boxes; 0 for boxes that share no area.
    """
    first, second = np.reshape(boxes, (-1, 1, 4)), np.reshape(others, (1, -1, 4))
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = [(each[..., 2:] - each[..., :2]).prod(axis=2) for each in (first, second)]
    union = areas[0] + areas[1] - shared
    return np.asarray(shared / np.where(shared > 0, union, 1))


def reading_order(boxes: Sequence[tuple[float, float, float, float]]) -> list[int]:
    """Return the positions of boxes from top to bottom, and from left to right within a row.

    A box is of a row if at least half of it, or of the first box of that row, lies at the same height.

    Args:
        boxes: x0, y0, x1, y1.
    """
    rows: list[list[int]] = []
    for number in sorted(range(len(boxes)), key=lambda each: boxes[each][1] + boxes[each][3]):
        _, top, _, bottom = boxes[number]
        _, first_top, _, first_bottom = boxes[rows[-1][0]] if rows else (0, 0, 0, 0)
        shared = min(bottom, first_bottom) - max(top, first_top)
        if rows and shared >= 0.5 * min(bottom - top, first_bottom - first_top):
            rows[-1].append(number)
        else:
            rows.append([number])
    return [number for row in rows for number in sorted(row, key=lambda each: boxes[each][0])]


def square_crop(
    image: Image, box: tuple[float, float, float, float], size: int, *, margin: float = 1.5
) -> Image:
    """Return the square around the center of a bounding box, scaled to ``size`` pixels.

    Args:
        image: (H, W, 3) RGB or (H, W) gray, uint8.
        box: x0, y0, x1, y1 in pixels of the image.
        size: side of the result, in pixels.
        margin: side of the square in longer sides of the box.

    Returns:
        (size, size, 3) or (size, size); black where the square reaches beyond the image.
    """
    x0, y0, x1, y1 = box
    side = margin * max(x1 - x0, y1 - y0)
    scale = size / side
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    transform = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    crop = cv2.warpAffine(image, from_centers(transform), (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, np.uint8)


def smooth_curve(points: Floats, *, closed: bool) -> Floats:
    """Return a smooth line of about 8 K points through (K, 2) points (Catmull and Rom 1974)."""
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    padded = np.concatenate([ends[0], points, ends[1]])
    a, b, c, d = (padded[k : len(padded) - 3 + k, None] for k in range(4))
    t = np.linspace(0, 1, 8, endpoint=False, dtype=np.float32)[:, None]
    between = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    curve = between.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])
