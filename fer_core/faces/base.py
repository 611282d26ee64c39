"""The protocol of face detectors, their registry, and ``find_faces`` for images of any size."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.images import to_rgb
from fer_core.types import Face, Floats, Image

MIN_FACE: Final = 48
"""Default side of the smallest face to detect, in pixels: the input size of most networks."""

MAX_SIDE: Final = 1280
"""Longer side of the image that a detector gets, in pixels; larger images are scaled down."""


class Detector(Protocol):
    """A face detector; threads may share it."""

    def detect(self, image: Image) -> list[Face]:
        """Detect the faces in ``image`` (H, W, 3) RGB uint8; their order is arbitrary."""


@runtime_checkable
class FastDetector(Detector, Protocol):
    """A face detector that needs less time where it knows of faces."""

    def detect_beside(self, image: Image, known: Floats, *, times: float = 1.0) -> list[Face]:
        """Detect known faces again, and others beside them.

        Args:
            image: (H, W, 3) RGB uint8.
            known: (N, 4) boxes of faces that were there a moment ago; one that is not seen there is left out.
            times: look for others from so many times the smallest size on.
        """


Factory = Callable[..., Detector]
_factories: dict[str, Factory] = {}


def register_detector(name: str) -> Callable[[Factory], Factory]:
    """Register a factory, which takes ``min_face``, ``device`` and settings, under a name (a decorator)."""

    def register(factory: Factory) -> Factory:
        _factories[name] = factory
        return factory

    return register


def list_detectors() -> tuple[str, ...]:
    """Return the names of the detectors."""
    return tuple(_factories)


def load_detector(
    name: str, *, min_face: float = MIN_FACE, device: str = "cpu", **settings: Any
) -> Detector:
    """Load a detector.

    Args:
        name: one of ``list_detectors()``.
        min_face: side of the smallest face to detect, in pixels.
        device: where its networks run, as torch names it; OpenCV's run on the CPU.
        settings: further keyword arguments of the detector's class.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
        FileNotFoundError: if a file that the detector needs is missing.
        WeightsError: if a weight file is damaged or not the expected one.
    """
    if name not in _factories:
        raise UserError(f"unknown detector {name!r}; choose one of {', '.join(list_detectors())}")
    return _factories[name](min_face=min_face, device=device, **settings)


def find_faces(
    image: NDArray[Any], detector: Detector, known: Floats | None = None, *, times: float = 1.0
) -> list[Face]:
    """Find faces in an image of any size.

    An image whose longer side exceeds ``MAX_SIDE`` is scaled down first, so the smallest face that can be
    found grows accordingly.

    Args:
        image: gray, RGB or RGBA, as ``fer_core.images.to_rgb`` takes it.
        detector: the detector to run.
        known: (N, 4) boxes of faces that were there a moment ago, in pixels of ``image``.
        times: look for faces beside known ones from so many times the smallest size on.

    Returns:
        Faces in pixels of ``image``, boxes clipped to it, largest first; [] if there is none.
    """
    rgb = to_rgb(image)
    height, width = rgb.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    if known is not None and len(known) and isinstance(detector, FastDetector):
        boxes = np.asarray(known / np.tile(ratio, 2), np.float32)
        detected = detector.detect_beside(rgb, boxes, times=times)
    else:
        detected = detector.detect(rgb)
    faces = [_in_frame(face, ratio, width, height) for face in detected]
    return sorted((f for f in faces if min(f.width, f.height) >= 1), key=lambda f: -f.area)


def _in_frame(face: Face, ratio: NDArray[np.float32], width: int, height: int) -> Face:
    """Scale a face by ``ratio`` (2,) to pixels of the frame, and clip its box."""
    corners = (np.reshape(face.box, (2, 2)) * ratio).clip(0, (width, height))
    x0, y0, x1, y1 = corners.ravel().tolist()
    return replace(face, box=(x0, y0, x1, y1), points=face.points * ratio)
