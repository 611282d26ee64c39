"""OpenCV's boosted cascade of Haar features: fast, for frontal faces only, without points.

Viola, Jones: Rapid Object Detection using a Boosted Cascade of Simple Features, CVPR 2001.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from fer_core.faces.base import MIN_FACE
from fer_core.forking import fork_safe_lock
from fer_core.types import Face, Image

CASCADE: Final = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"

PROPORTIONS: Final = np.array(
    [(0.317, 0.393), (0.683, 0.393), (0.5, 0.59), (0.338, 0.791), (0.662, 0.791)], np.float32
)
"""(5, 2) mean positions of the five points in the cascade's box: their median on 800 press photographs, made
symmetric. Single faces deviate from it by 4 % of the box."""

EVEN_SUM: Final = 55.0
"""Sum of the cascade's last stage that gives a score of 0.5: on the same photographs 99 % of the faces lie
above it and half of the false detections below."""
SLOPE: Final = 2.0
"""Slope of the logistic function from this sum to the score."""


class Haar:
    """The cascade ``haarcascade_frontalface_alt2``.

    Args:
        min_face: side of the smallest face to detect, in pixels.
        min_neighbors: overlapping detections that a face needs; more mean fewer false ones.
    """

    def __init__(self, *, min_face: float = MIN_FACE, min_neighbors: int = 4) -> None:
        self.min_face = min_face
        self.min_neighbors = min_neighbors
        self._cascade = cv2.CascadeClassifier(str(CASCADE))
        self._lock = fork_safe_lock()  # the cascade holds the current image

    def detect(self, image: Image) -> list[Face]:
        """Detect upright frontal faces in ``image`` (H, W, 3) RGB uint8."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        side = round(self.min_face)
        with self._lock:
            boxes, _, sums = self._cascade.detectMultiScale3(
                gray,
                minNeighbors=self.min_neighbors,
                minSize=(side, side),
                outputRejectLevels=True,
            )
        return [_face(box, total) for box, total in zip(boxes, sums, strict=True)]


def _face(box: Sequence[int], total: float) -> Face:
    """Convert a box (x, y, width, height) and the sum of the last stage to a face."""
    x, y, width, height = map(float, box)
    points = PROPORTIONS * np.array([width, height], np.float32) + np.array([x, y], np.float32)
    score = 1 / (1 + math.exp(-SLOPE * (total - EVEN_SUM)))
    return Face(box=(x, y, x + width, y + height), score=score, points=points)
