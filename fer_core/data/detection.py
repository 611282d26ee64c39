"""Faces in whole pictures: found by a detector, and cut as FER2013 frames its faces."""

from typing import Final

import cv2
import numpy as np

from fer_core.faces.base import Detector, find_faces
from fer_core.geometry import upright_square, warp
from fer_core.images import to_gray
from fer_core.types import Face, Image

SEARCH_SIDE: Final = 640
"""Longest side of the picture in which faces are searched, in pixels. At 256, large pictures lost small
faces: 74 % were found instead of 93 %."""
MIN_FACE: Final = 20
"""Side of the smallest face that is searched for, in pixels of that picture: a picture may be a crop already,
which holds one face that nearly fills it."""
MIN_SIDE: Final = 48
"""Side of the smallest crop, in pixels: that of FER2013. Smaller faces are enlarged."""
MAX_SIDE: Final = 256
"""Default side of the largest crop, in pixels. Larger faces are scaled down."""


class FaceCropper:
    """Cuts one face out of each picture.

    The crop is the upright square into which the mean layout puts the five points of the face, so the faces
    of any set are framed and centered like those of FER2013.

    Args:
        detector: the detector, which should find faces of ``MIN_FACE`` pixels.
        keep: of several faces the ``largest``, or the ``best``, of which the detector is surest.
        max_side: side of the largest crop, in pixels.
    """

    def __init__(
        self, detector: Detector, *, keep: str = "largest", max_side: int = MAX_SIDE
    ) -> None:
        self.detector = detector
        self.keep = keep
        self.max_side = max_side

    def __call__(self, image: Image) -> Image | None:
        """Cut the face out of a picture.

        Args:
            image: (H, W, 3) RGB, uint8.

        Returns:
            (S, S) gray, ``MIN_SIDE`` <= S <= ``max_side``; None if there is no face.
        """
        scale = min(1.0, SEARCH_SIDE / max(image.shape[:2]))
        size = [max(1, round(scale * length)) for length in image.shape[1::-1]]
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        faces = find_faces(np.asarray(small, np.uint8), self.detector)
        if not faces:
            return None
        points = self._chosen(faces).points * np.divide(image.shape[1::-1], size, dtype=np.float32)
        x0, y0, x1, _ = upright_square(points)
        side = int(np.clip(round(float(x1 - x0)), MIN_SIDE, self.max_side))
        zoom = side / (x1 - x0)
        transform = np.array([[zoom, 0, -zoom * x0], [0, zoom, -zoom * y0]], np.float32)
        return warp(to_gray(image), transform, side)

    def _chosen(self, faces: list[Face]) -> Face:
        """Return the face to keep of several, the largest of which is the first."""
        return faces[0] if self.keep == "largest" else max(faces, key=lambda face: face.score)
