"""HOG: a linear SVM in a sliding window over histograms of oriented gradients, trained here.

Dalal, Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from fer_core.errors import UserError
from fer_core.faces.base import MIN_FACE
from fer_core.geometry import box_iou
from fer_core.types import Face, Floats, Image
from fer_core.weights import HOG, WEIGHTS, WeightsError, load_weights

MIN_WINDOW: Final = 16
"""Side of the smallest window, in pixels; smaller faces would need an image scaled up more than fourfold."""

MAX_WINDOW: Final = 256
"""Side of the largest window of a card, in pixels."""
MAX_BINS: Final = 36
"""Most directions of a card."""

STEP: Final = 1.15
"""Factor between the window sides of two levels of the image pyramid."""

DUPLICATE: Final = 0.3
"""Intersection over union above which two boxes hold the same face."""
MERGE_IOU: Final = 0.5
"""Intersection over union from which on a weaker box is averaged into the stronger one."""


class Hog:
    """Detect faces by a sliding window over an image pyramid.

    Keeps only settings and weights, so threads may share one detector.

    Args:
        min_face: side of the smallest face to detect, in pixels, at least 16; the time of ``detect``
            falls with its square.
        threshold: distance from the SVM's decision boundary that a window must reach; the boundary itself
            was selected on PublicTest.
        folder: folder of ``hog.safetensors`` and its card.

    Raises:
        UserError: ``min_face`` is out of range.
        WeightsError: the weights are missing, damaged or do not fit their card.
    """

    def __init__(
        self, *, min_face: float = MIN_FACE, threshold: float = 0.0, folder: Path = WEIGHTS
    ) -> None:
        if not min_face >= MIN_WINDOW:
            raise UserError(f"min_face must be at least {MIN_WINDOW}, not {min_face}")
        self.min_face = min_face
        self.threshold = threshold
        self.card, arrays = load_weights(HOG, folder)
        self.side = self.card.input_size
        try:
            self._descriptor = build_descriptor(**self.card.network)
            floats = {name: array.astype(np.float32) for name, array in arrays.items()}
            self._points = floats["points"].reshape(5, 2)
            self._slope, self._offset = floats["score"]
            self._descriptor.setSVMDetector(np.append(floats["weights"], floats["bias"]))
            if self.side != self._descriptor.winSize[0]:
                raise ValueError("input_size is that of the window")
        except (KeyError, TypeError, ValueError, cv2.error):
            raise WeightsError(
                f"{folder / HOG}.safetensors does not fit its card; restore both files from the repository"
            ) from None

    def detect(self, image: Image) -> list[Face]:
        """Detect upright faces in ``image`` (H, W, 3) RGB uint8, the most certain first. Boxes may reach
        beyond it."""
        boxes, margins = self.search(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8))
        scores = 1 / (1 + np.exp(-self._slope * margins - self._offset))
        faces = []
        for (x0, y0, x1, y1), score in zip(boxes.tolist(), scores.tolist(), strict=True):
            points = self._points * np.float32(x1 - x0) + np.array([x0, y0], np.float32)
            faces.append(Face(box=(x0, y0, x1, y1), score=score, points=points))
        return faces

    def search(self, gray: Image) -> tuple[Floats, Floats]:
        """Find the windows in ``gray`` (H, W) uint8 that hold a face.

        Returns:
            (N, 4) squares in pixels, and (N,) their distances from the decision boundary, the largest first.
        """
        windows = [np.empty((0, 5), np.float32)]
        stride = self._descriptor.blockStride
        padding = (self.side // 4, self.side // 4)
        for side, level in self._levels(gray):
            corners, margins = self._descriptor.detect(
                level, self.threshold, winStride=stride, padding=padding
            )
            if len(corners):
                ratio = np.divide(gray.shape[::-1], level.shape[::-1])
                first = np.reshape(corners, (-1, 2)) * ratio
                rows = [first, first + side, np.reshape(margins, (-1, 1))]
                windows.append(np.hstack(rows).astype(np.float32))
        return _distinct(np.concatenate(windows))

    def _levels(self, gray: Image) -> Iterator[tuple[float, Image]]:
        """Yield the side of the window in the image, and the image scaled so that it is the SVM's window.

        OpenCV's own pyramid (``detectMultiScale``) skips pixels of large faces instead of averaging them.
        """
        height, width = gray.shape
        shorter = min(height, width)
        windows = [self.min_face]
        while windows[-1] * STEP < shorter:
            windows.append(windows[-1] * STEP)
        for window in windows if shorter >= self.min_face else ():
            scale = self.side / window
            size = (max(self.side, round(width * scale)), max(self.side, round(height * scale)))
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            level = cv2.resize(gray, size, interpolation=interpolation)
            yield window, np.asarray(level, np.uint8)


def build_descriptor(*, window: int, block: int, cell: int, bins: int) -> "cv2.HOGDescriptor":
    """Build a descriptor with ``bins`` directions a cell, normalized in blocks; all sides in pixels.

    Raises:
        ValueError: if the sides are not multiples of each other, which would crash OpenCV.
    """
    whole = all(type(number) is int for number in (window, block, cell, bins))
    if not whole or not (0 < cell <= block <= window <= MAX_WINDOW and 0 < bins <= MAX_BINS):
        raise ValueError("cells lie in blocks, and blocks in the window")
    if window % cell or block % cell:
        raise ValueError("block and window are multiples of a cell")
    return cv2.HOGDescriptor((window, window), (block, block), (cell, cell), (cell, cell), bins)


def _distinct(windows: Floats) -> tuple[Floats, Floats]:
    """Keep, of windows (N, 5) on the same face, the one with the widest margin, moved to the mean of those
    that overlap it by ``MERGE_IOU``; the widest margin first."""
    boxes, margins = windows[:, :4], windows[:, 4]
    if not len(windows):
        return boxes, margins
    squares: Any = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    strengths = margins - margins.min() + 0.1
    kept = np.reshape(cv2.dnn.NMSBoxes(squares, strengths, 0, DUPLICATE), -1).astype(int)
    kept = kept[np.argsort(-margins[kept], kind="stable")]
    weights = strengths * (box_iou(boxes[kept], boxes) >= MERGE_IOU)
    return np.asarray(weights @ boxes / weights.sum(axis=1, keepdims=True)), margins[kept]
