"""Covers: polygons that hide a part of an aligned face, wherever somebody asks what happens then.

Every page, command and benchmark that covers a part takes its cover from here. So "cover the mouth" means
the same area everywhere, and the same probabilities; the margin decides how much it hides.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.faces.parts import part_outlines
from fer_core.labels import PARTS
from fer_core.models.base import GRAY_MEAN
from fer_core.types import Floats, Image

Polygon = tuple[tuple[float, float], ...]
"""Corners (x, y) of a convex polygon, as fractions of the aligned square."""

Cover = tuple[Polygon, ...]
"""What is hidden together."""

COVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "mouth": ("mouth",),
    "eyes and brows": ("eyes", "brows"),
    **{part: (part,) for part in PARTS if part != "mouth"},
}
"""Name of a cover -> the parts of the face that it hides."""

HALVES: Final = ("left half", "right half")
"""Names of the covers that hide one half of the image; the bridge of the nose parts them."""

MARGIN: Final = 0.3
"""Margin of a cover around the outline of its part, in inter-ocular distances, where nobody chose another.

The size decides: with 0, 0.2, 0.3 and 0.5 the default model leaves *happy* 84, 86, 65 and 67 % on the
portrait of the samples while its mouth is covered. From 0.3 on, a cover of the mouth hides the folds of a
smile in the cheeks too, and it is as large as one of the eyes: otherwise the larger one would matter more."""

_SQUARE: Final = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)

MIN_DRAWN: Final = 0.02
"""Smallest side of a box that counts as drawn, as a fraction of the square."""


def part_cover(landmarks: Floats, name: str, margin: float = MARGIN) -> Cover:
    """Return the cover of a part of the face, or of a half of the image.

    Args:
        landmarks: (78, 2) in fractions of the aligned square.
        name: one of ``COVERS`` or ``HALVES``.
        margin: how far the cover reaches beyond the outline of the part, in inter-ocular distances; of no
                effect on halves.

    Returns:
        One or more convex polygons within the square; none where the part lies outside of it.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
    """
    if name in HALVES:
        middle = float(landmarks[27:31, 0].mean())  # the bridge of the nose
        left = name == HALVES[0]
        return (rectangle(0.0, 0.0, middle, 1.0) if left else rectangle(middle, 0.0, 1.0, 1.0),)
    if name not in COVERS:
        raise UserError(f"unknown cover {name!r}; choose one of {', '.join((*COVERS, *HALVES))}")
    outlines = part_outlines(landmarks, margin)
    inside = (
        cv2.intersectConvexConvex(piece, _SQUARE)
        for part in COVERS[name]
        for piece in outlines[part]
    )
    return tuple(
        tuple((float(x), float(y)) for x, y in corners[:, 0])
        for area, corners in inside
        if area > 0
    )


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    """Return the polygon of a box."""
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def drawn_cover(boxes: Sequence[tuple[float, float, float, float]]) -> Cover:
    """Return drawn boxes within the square; those that are thinner than a fiftieth of it are dropped.

    Args:
        boxes: two x and two y coordinates of each, in any order, as fractions of the square.
    """
    clipped = (
        (max(0.0, min(x0, x1)), max(0.0, min(y0, y1)), min(1.0, max(x0, x1)), min(1.0, max(y0, y1)))
        for x0, x1, y0, y1 in boxes
    )
    return tuple(
        rectangle(x0, y0, x1, y1)
        for x0, y0, x1, y1 in clipped
        if x1 - x0 > MIN_DRAWN and y1 - y0 > MIN_DRAWN
    )


def cover_mask(polygons: Cover, size: int) -> NDArray[np.bool_]:
    """Return a (size, size) mask of the cells whose centers lie in one of the convex polygons."""
    mask = np.zeros((size, size), bool)
    centers = (np.arange(size) + 0.5) / size
    for polygon in polygons:
        corners = np.array(polygon)
        edges = np.roll(corners, -1, axis=0) - corners
        # A center lies inside where it is on the same side of all edges.
        across = edges[:, 0, None, None] * (centers[None, :, None] - corners[:, 1, None, None])
        down = edges[:, 1, None, None] * (centers[None, None, :] - corners[:, 0, None, None])
        sides = across - down
        mask |= (sides >= 0).all(axis=0) | (sides <= 0).all(axis=0)
    return mask


def covered(aligned: Image, polygons: Cover) -> Image:
    """Return the (S, S) uint8 face with the mean gray of the training images under the cover."""
    face = aligned.copy()
    face[cover_mask(polygons, len(aligned))] = round(255 * GRAY_MEAN)
    return face


def cover_picture(image: Image, landmarks: Floats, name: str, margin: float = MARGIN) -> Image:
    """Return an (H, W, 3) picture with a part of its face covered, as ``part_cover`` covers an aligned one.

    Args:
        landmarks: (78, 2) in pixels.
        name: one of ``COVERS``.
        margin: as in ``part_cover``.
    """
    picture, gray = image.copy(), 3 * (round(255 * GRAY_MEAN),)
    outlines = part_outlines(landmarks, margin)
    for part in COVERS[name]:
        for piece in outlines[part]:
            cv2.fillConvexPoly(picture, piece.round().astype(np.int32), gray, cv2.LINE_AA)
    return picture


def heat_under(heat: Floats, polygons: Cover, size: int) -> float:
    """Return the share of a map's heat under the cover, 0..1; 0 for a map without heat.

    Args:
        heat: (h, w), not negative; between the centers of its cells it is interpolated, as for display.
        size: side of the grid on which it is counted.
    """
    fine = cv2.resize(heat, (size, size), interpolation=cv2.INTER_LINEAR)
    total = float(fine.sum())
    return float(fine[cover_mask(polygons, size)].sum()) / total if total > 0 else 0.0
