"""One protocol for every face detector, a registry of them, and the one way faces are found."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import UserError
from fer_core.images import to_rgb
from fer_core.types import Face, Image

MIN_FACE: Final = 48
"""Side in pixels of the smallest face that is looked for unless a caller asks otherwise; a smaller
one says little to networks whose input is as large as this."""

MAX_SIDE: Final = 1280
"""Longer side in pixels at which faces are looked for; larger images are scaled down to it."""


class Detector(Protocol):
    """Finds faces; safe to share among threads."""

    def detect(self, image: Image) -> list[Face]:
        """The faces in ``image`` (H, W, 3) RGB uint8, in any order."""


Factory = Callable[..., Detector]
_factories: dict[str, Factory] = {}


def register_detector(name: str) -> Callable[[Factory], Factory]:
    """Make a factory that takes ``min_face``, ``device`` and its own settings loadable by name."""

    def register(factory: Factory) -> Factory:
        _factories[name] = factory
        return factory

    return register


def list_detectors() -> tuple[str, ...]:
    """Names that ``load_detector`` knows."""
    return tuple(_factories)


def load_detector(
    name: str, *, min_face: float = MIN_FACE, device: str = "cpu", **settings: Any
) -> Detector:
    """Load a detector.

    Args:
        min_face: side in pixels of the smallest face to find.
        device: where its networks run, as torch names it; those of OpenCV stay on the CPU.
        settings: keyword arguments of the detector's own class.

    Raises:
        UserError: for an unknown name; the message lists the valid ones.
        FileNotFoundError: a file that the detector needs is missing.
        WeightsError: one is damaged or another than expected.
    """
    if name not in _factories:
        raise UserError(f"unknown detector {name!r}; choose one of {', '.join(list_detectors())}")
    return _factories[name](min_face=min_face, device=device, **settings)


def find_faces(image: NDArray[Any], detector: Detector) -> list[Face]:
    """Find faces in an image of any size.

    An image whose longer side exceeds ``MAX_SIDE`` is scaled down first, so there the smallest face
    that is found grows accordingly.

    Args:
        image: grey, RGB or RGBA, as ``fer_core.images.to_rgb`` takes it.

    Returns:
        Faces in pixels of ``image``, boxes clipped to it, largest first; [] where there is none.
    """
    rgb = to_rgb(image)
    height, width = rgb.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if scale < 1:
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([width / size[0], height / size[1]], np.float32)
    faces = [_in_frame(face, ratio, width, height) for face in detector.detect(rgb)]
    return sorted((f for f in faces if min(f.width, f.height) >= 1), key=lambda f: -f.area)


def _in_frame(face: Face, ratio: NDArray[np.float32], width: int, height: int) -> Face:
    """The face in pixels of the frame, ``ratio`` (2,) times those it was found in."""
    corners = (np.reshape(face.box, (2, 2)) * ratio).clip(0, (width, height))
    x0, y0, x1, y1 = corners.ravel().tolist()
    return replace(face, box=(x0, y0, x1, y1), points=face.points * ratio)
