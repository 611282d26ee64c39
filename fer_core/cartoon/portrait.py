"""Move the face on a photograph: its landmarks go where the facial actions take them, the picture follows."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from fer_core.cartoon.actions import FaceActions
from fer_core.cartoon.anatomy import Pose, landmarks
from fer_core.cartoon.characters import Character
from fer_core.cartoon.drawing import Drawing
from fer_core.errors import UserError
from fer_core.types import Floats, Image

GRID: Final = 48
"""Points along each side of the picture at which the warp is computed; between them it is interpolated."""
SHARE: Final = 0.75
"""Share of a drawn face's move that a photograph makes: beyond that, skin looks like rubber."""
HIDDEN: Final = ("jaw_open", "upper_lip_up", "blink_left", "blink_right")
"""Actions that would show what is not on the photograph: teeth, the inside of the mouth, lids."""
LIPS: Final = (
    ((49, 50), 61, 67, (58, 59)),
    ((51,), 62, 66, (57,)),
    ((52, 53), 63, 65, (55, 56)),
)
"""Landmarks of the mouth that lie above each other: outer edge, inner edges, outer edge."""
EXTENT: Final = 1.6
"""How far moves reach around the face, in halves of the width and height of its landmarks."""
NEUTRAL: Final = Character("a face at rest")


def move_face(image: Image, points: Floats, actions: FaceActions) -> Drawing:
    """Warp a photograph of a face at rest as facial actions would move it.

    Each landmark moves as it does on a drawn face of the same size and tilt, and the picture around it by a
    thin-plate spline (Bookstein 1989) that ends in a ring around the face. Nothing is painted, so teeth,
    wrinkles and the inside of the mouth do not appear: actions in ``HIDDEN`` are left out.

    Args:
        image: (H, W, 3) RGB, uint8.
        points: (78, 2) landmarks of the face at rest in pixels.

    Raises:
        UserError: for another number of landmarks.
    """
    from scipy.interpolate import RBFInterpolator  # which takes long to load

    if points.shape != (78, 2):
        raise UserError(f"a face has 78 landmarks, not an array of {points.shape}")
    moves = _moves(points, actions)
    if not moves.any():
        return Drawing(image.copy(), points)
    height, width = image.shape[:2]
    low, high = points.min(axis=0), points.max(axis=0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = (low + high) / 2 + EXTENT * (high - low) / 2 * np.stack(
        [np.cos(angles), np.sin(angles)], 1
    )
    spline = RBFInterpolator(
        np.concatenate([points + moves, ring]),
        np.concatenate([-moves, np.zeros_like(ring)]),
        kernel="thin_plate_spline",
        smoothing=1.0,
    )
    columns, rows = np.meshgrid(np.linspace(0, width, GRID), np.linspace(0, height, GRID))
    places = np.stack([columns.ravel(), rows.ravel()], 1)
    distances = np.linalg.norm((2 * places - low - high) / (high - low), axis=1)
    within = distances[:, None] < EXTENT
    coarse = np.asarray(spline(places) * within, np.float32).reshape(GRID, GRID, 2)
    shift = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + shift[..., 0], y + shift[..., 1]
    moved = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Drawing(np.asarray(moved, np.uint8), points + moves)


def _moves(points: Floats, actions: FaceActions) -> Floats:
    """Return how far each landmark of a photograph moves, (78, 2) in pixels."""
    shown = replace(actions, **dict.fromkeys(HIDDEN, 0.0))
    drawn = [landmarks(NEUTRAL, now, Pose()) for now in (FaceActions(), shown)]
    moves = SHARE * (drawn[1] - drawn[0])
    for above, upper, lower, below in LIPS:
        opened = (moves[lower] - moves[upper]) / 2
        moves[[*above, upper]] += opened
        moves[[lower, *below]] -= opened
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    across = (right - left) / np.linalg.norm(
        drawn[0][42:48].mean(axis=0) - drawn[0][36:42].mean(axis=0)
    )
    down = np.array((-across[1], across[0]))
    return np.asarray(moves[:, :1] * across + moves[:, 1:] * down, np.float32)
