"""Hand-made features of a face: histograms of oriented gradients and landmark geometry."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fer_core.faces.landmark_network import shared_landmark_network
from fer_core.faces.landmarks import EYES
from fer_core.types import Image

HOG_SIDE: Final = 48
"""Side in pixels to which the face is scaled for its gradients."""
CELL: Final = 8
HOG_CELLS: Final = HOG_SIDE // CELL
USES_HOG: Final = "OpenCV computes its histograms of gradients"
"""Why a model with these features does not become an ONNX graph."""
HOG_CHANNELS: Final = 36
"""Four cells of nine directions each, normalized together."""

SHAPE: Final = 68
"""Number of standard landmarks, without the irises."""

DISTANCES: Final = (
    *((37, 41), (38, 40), (43, 47), (44, 46)),  # eyelids
    *((36, 39), (42, 45)),  # eyes from corner to corner
    *((17, 36), (19, 37), (21, 39), (22, 42), (24, 44), (26, 45)),  # brows over the eyes
    *((21, 22), (19, 24), (21, 27), (22, 27)),  # brows from each other and from the nose
    *((31, 35), (31, 39), (35, 42)),  # sides of the nose, from each other and from the eyes
    *((48, 54), (51, 57), (60, 64), (61, 67), (62, 66), (63, 65)),  # mouth, outer and inner
    *((50, 61), (51, 62), (52, 63), (58, 67), (57, 66), (56, 65)),  # thickness of the lips
    *((49, 59), (53, 55)),  # lips beside the corners
    *((36, 48), (39, 48), (31, 48), (33, 48)),  # the left corner from eye and nose
    *((45, 54), (42, 54), (35, 54), (33, 54)),  # the right one
    *((33, 51), (8, 57), (8, 33), (5, 48), (11, 54)),  # mouth from nose and jaw
)
"""Pairs of landmarks whose distances are features: openness of eyes and mouth, widths, raised brows."""

LINES: Final = (
    *((17, 19), (19, 21), (17, 21), (22, 24), (24, 26), (22, 26)),  # brows
    *((36, 37), (38, 39), (39, 40), (41, 36), (36, 39)),  # left eye
    *((42, 43), (44, 45), (45, 46), (47, 42), (42, 45)),  # right eye
    *((48, 50), (50, 51), (51, 52), (52, 54), (48, 51), (51, 54)),  # upper lip
    *((48, 58), (58, 57), (57, 56), (56, 54), (48, 57), (57, 54)),  # lower lip
    *((48, 62), (62, 54), (48, 66), (66, 54)),  # between the lips
)
"""Pairs of landmarks whose directions are features: slant of brows, eyelids and lips."""

POINT_FEATURES: Final = 2 * SHAPE + len(DISTANCES) + 2 * len(LINES)
"""Number of features from the landmarks of a face."""

_margin = CELL // 2

WINDOW: Final = 24
"""Side of the sliding window, in pixels."""
WINDOW_STEP: Final = 6
WINDOW_FEATURES: Final = 25 * 4 * HOG_CHANNELS
"""Number of features of a face from the sliding window: 5x5 windows of 2x2 blocks."""


@cache
def _descriptor(side: int) -> "cv2.HOGDescriptor":
    """Return the histograms of a window of ``side`` pixels; built when needed, since OpenCV 5 lacks them."""
    return cv2.HOGDescriptor(
        _winSize=(side, side),
        _blockSize=(2 * CELL, 2 * CELL),
        _blockStride=(CELL, CELL),
        _cellSize=(CELL, CELL),
        _nbins=9,
    )


def hog(faces: Tensor) -> Tensor:
    """Compute histograms of oriented gradients (Dalal and Triggs 2005).

    The face is padded by half a cell, so that the centers of the blocks lie on a regular grid over it.

    Args:
        faces: (N, 1, S, S) gray values 0..255.

    Returns:
        (N, 36, 6, 6) float32 on the device of the faces; no gradient flows back to them.
    """
    histograms = [
        _descriptor(HOG_SIDE + CELL).compute(
            cv2.copyMakeBorder(face, *(_margin,) * 4, borderType=cv2.BORDER_REPLICATE)
        )
        for face in _small(faces)
    ]
    # OpenCV orders the blocks column by column.
    blocks = np.reshape(histograms, (-1, HOG_CELLS, HOG_CELLS, HOG_CHANNELS))
    return torch.from_numpy(blocks.transpose(0, 3, 2, 1).copy()).to(faces.device)


def sliding_hog(faces: Tensor) -> Tensor:
    """Compute histograms of oriented gradients in a sliding window.

    Cells of neighboring windows overlap by fractions of a cell, so the gradients are located more finely than
    by ``hog``.

    Args:
        faces: (N, 1, S, S) gray values 0..255.

    Returns:
        (N, WINDOW_FEATURES) float32 on the device of the faces.
    """
    step = (WINDOW_STEP, WINDOW_STEP)
    histograms = [_descriptor(WINDOW).compute(face, winStride=step) for face in _small(faces)]
    return torch.from_numpy(np.reshape(histograms, (-1, WINDOW_FEATURES))).to(faces.device)


def _small(faces: Tensor) -> Image:
    """Scale (N, 1, S, S) gray values 0..255 to (N, HOG_SIDE, HOG_SIDE) uint8."""
    size = (HOG_SIDE, HOG_SIDE)
    small = F.interpolate(faces.float(), size, mode="bilinear", antialias=True, align_corners=False)
    return small.detach()[:, 0].round().to(torch.uint8).cpu().numpy()


def find_points(faces: Tensor) -> Tensor:
    """Find the (N, 78, 2) landmarks of (N, 1, S, S) aligned faces, as fractions of the square."""
    network = shared_landmark_network(str(faces.device))
    faces = faces.detach().float()
    if faces.shape[-1] != network.input_size:
        size = (network.input_size,) * 2
        faces = F.interpolate(faces, size, mode="bilinear", antialias=True, align_corners=False)
    # Fractions of a pixel do not survive in bf16.
    with torch.autocast(faces.device.type, enabled=False):
        points: Tensor = network(faces.round())[0]
        return points


def describe_points(points: Tensor) -> Tensor:
    """Compute features from landmarks that do not depend on the face's size and position.

    They are the 68 standard points relative to their mean and the distances of ``DISTANCES``, both in
    inter-ocular distances, and the directions of ``LINES`` as cosine and sine.

    Args:
        points: (N, 78, 2) landmarks in any unit, float32.

    Returns:
        (N, POINT_FEATURES) float32.
    """
    left, right = (points[:, eye].mean(dim=1) for eye in EYES)
    between = (right - left).norm(dim=1)[:, None, None]
    shape = points[:, :SHAPE] / between.clamp_min(1e-6)
    offsets = shape - shape.mean(dim=1, keepdim=True)
    distances = _strokes(shape, DISTANCES).norm(dim=2)
    lines = _strokes(shape, LINES)
    directions = lines / lines.norm(dim=2, keepdim=True).clamp_min(1e-6)
    return torch.cat([part.flatten(1) for part in (offsets, distances, directions)], dim=1)


def _strokes(points: Tensor, pairs: Sequence[tuple[int, int]]) -> Tensor:
    """Return the (N, P, 2) vectors from the first to the second point of each pair."""
    first, second = zip(*pairs, strict=True)
    return points[:, second] - points[:, first]
