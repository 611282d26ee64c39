"""YuNet, a small convolutional detector run by OpenCV; its ONNX file is not included.

Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20, 2023.
"""

import os
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from fer_core.errors import UserError
from fer_core.faces.base import MIN_FACE
from fer_core.forking import fork_safe_lock
from fer_core.types import Face, Floats, Image

WEIGHTS_VARIABLE: Final = "EXPRESSION_LENS_YUNET"

INPUT_SIDE: Final = 640
"""Longer side of the network's input, in pixels; it was trained on faces of 10 to 300 pixels."""

MIN_SIDE: Final = 64
"""Side to which narrow images are padded, in pixels: for 32 pixels or less, OpenCV 4.14 reports faces from
uninitialized memory."""


class YuNet:
    """OpenCV's ``FaceDetectorYN``.

    Args:
        weights: path of a ``face_detection_yunet_*.onnx``; default: the environment variable
            ``EXPRESSION_LENS_YUNET``.
        min_face: side of the smallest face to report, in pixels.
        threshold: score in 0..1 that a face must reach.

    Raises:
        FileNotFoundError: if no path is given, or the file does not exist.
        UserError: if OpenCV cannot read the file as a network.
    """

    def __init__(
        self,
        *,
        weights: str | Path | None = None,
        min_face: float = MIN_FACE,
        threshold: float = 0.7,
    ) -> None:
        self.min_face = min_face
        self._network = _load(weights or os.environ.get(WEIGHTS_VARIABLE), threshold)
        self._lock = fork_safe_lock()  # the network holds the size of its input

    def detect(self, image: Image) -> list[Face]:
        """Detect faces in ``image`` (H, W, 3) RGB uint8."""
        height, width = image.shape[:2]
        scale = min(1.0, INPUT_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        bgr = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
        below, right = max(0, MIN_SIDE - size[1]), max(0, MIN_SIDE - size[0])
        bgr = cv2.copyMakeBorder(bgr, 0, below, 0, right, cv2.BORDER_CONSTANT)
        with self._lock:
            self._network.setInputSize((bgr.shape[1], bgr.shape[0]))
            _, rows = self._network.detect(bgr)
        ratio = np.array([width / size[0], height / size[1]], np.float32)
        faces = [_face(row, ratio) for row in ([] if rows is None else rows)]
        return [face for face in faces if max(face.width, face.height) >= self.min_face]


def _load(weights: str | Path | None, threshold: float) -> cv2.FaceDetectorYN:
    remedy = (
        "download face_detection_yunet_2023mar.onnx from OpenCV's model zoo "
        f"and set {WEIGHTS_VARIABLE} to its path"
    )
    if not weights:
        raise FileNotFoundError(f"the yunet detector comes without its network; {remedy}")
    if not Path(weights).is_file():
        raise FileNotFoundError(f"the yunet detector finds no file {weights}; {remedy}")
    try:
        return cv2.FaceDetectorYN.create(
            str(weights), "", (INPUT_SIDE, INPUT_SIDE), score_threshold=threshold
        )
    except cv2.error as error:
        raise UserError(f"{weights} is not a YuNet network; {remedy}") from error


def _face(row: Floats, ratio: Floats) -> Face:
    """Convert a row (15,) of x, y, width, height, five points and the score to a face."""
    corner, size = row[:2] * ratio, row[2:4] * ratio
    x0, y0, x1, y1 = np.concatenate([corner, corner + size]).tolist()
    points = row[4:14].reshape(5, 2) * ratio
    return Face(box=(x0, y0, x1, y1), score=float(row[14]), points=points)
