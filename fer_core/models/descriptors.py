"""Hand-made descriptions of a face: what came before features were learnt."""

from typing import Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fer_core.faces.landmarks import EYES, shared_landmarker
from fer_core.types import Floats

HOG_SIDE: Final = 48
"""Pixels of the face at which gradients are counted."""
CELL: Final = 8
HOG_CELLS: Final = HOG_SIDE // CELL
HOG_CHANNELS: Final = 36
"""Four cells of nine directions each, normalised together."""

_margin = CELL // 2
_descriptor = cv2.HOGDescriptor(
    _winSize=(HOG_SIDE + CELL, HOG_SIDE + CELL),
    _blockSize=(2 * CELL, 2 * CELL),
    _blockStride=(CELL, CELL),
    _cellSize=(CELL, CELL),
    _nbins=9,
)


def hog(faces: Tensor) -> Tensor:
    """Histograms of oriented gradients (Dalal and Triggs 2005).

    The face is widened by half a cell, so that the centres of the blocks lie on a regular grid over it.

    Args:
        faces: (N, 1, S, S) grey values 0..255.

    Returns:
        (N, 36, 6, 6) float32 on the device of the faces; no gradient flows back to them.
    """
    size = (HOG_SIDE, HOG_SIDE)
    small = F.interpolate(faces.float(), size, mode="bilinear", antialias=True, align_corners=False)
    counted = [
        _descriptor.compute(
            cv2.copyMakeBorder(face, *(_margin,) * 4, borderType=cv2.BORDER_REPLICATE)
        )
        for face in small.detach()[:, 0].round().to(torch.uint8).cpu().numpy()
    ]
    # OpenCV runs through the blocks column by column.
    blocks = np.reshape(counted, (-1, HOG_CELLS, HOG_CELLS, HOG_CHANNELS))
    return torch.from_numpy(blocks.transpose(0, 3, 2, 1).copy()).to(faces.device)


def find_points(faces: Tensor) -> Floats:
    """(N, 78, 2) landmarks of (N, 1, S, S) aligned faces as fractions of the square."""
    landmarker = shared_landmarker(faces.device.type)
    size = (landmarker.input_size,) * 2
    fitting = F.interpolate(
        faces.float(), size, mode="bilinear", antialias=True, align_corners=False
    )
    points, _ = landmarker(fitting.detach()[:, 0].round().to(torch.uint8).cpu().numpy())
    return np.asarray(points / landmarker.input_size, np.float32)


def describe_points(points: Floats) -> Floats:
    """What landmarks say of a face, whatever its size and place.

    The 68 standard points about their centre, in inter-ocular distances, then the distance and the
    direction of each from the centre.

    Args:
        points: (N, 78, 2).

    Returns:
        (N, 68 * 5) float32.
    """
    left, right = (points[:, eye].mean(axis=1) for eye in EYES)
    between = np.linalg.norm(right - left, axis=1)[:, None, None]
    shape = points[:, :68]
    offsets = (shape - shape.mean(axis=1, keepdims=True)) / np.maximum(between, 1e-6)
    distances = np.linalg.norm(offsets, axis=2, keepdims=True)
    directions = offsets / np.maximum(distances, 1e-6)
    told = np.concatenate([offsets, distances, directions], axis=2)
    return np.asarray(told.reshape(len(points), -1), np.float32)
