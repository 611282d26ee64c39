"""Sample pictures: Eileen Collins, NASA astronaut (public domain, shipped with scikit-image), as she
is and with parts of her face covered."""

from collections.abc import Callable
from functools import partial
from typing import Final

import cv2
import numpy as np
from skimage.data import astronaut

from fer_core.types import Image

GRAY: Final = (128, 128, 128)


def portrait() -> Image:
    """Return the portrait, head and shoulders, (810, 1080, 3)."""
    head = np.asarray(astronaut(), np.uint8)[0:270, 48:408]  # type: ignore[no-untyped-call]
    return np.asarray(cv2.resize(head, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8)


def covered(x0: int, y0: int, x1: int, y1: int) -> Image:
    """Return the portrait with a gray patch on it."""
    return np.asarray(cv2.rectangle(portrait(), (x0, y0), (x1, y1), GRAY, cv2.FILLED), np.uint8)


def tilted(degrees: float) -> Image:
    """Return the portrait turned around its center."""
    image = portrait()
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8)


SAMPLES: Final[dict[str, Callable[[], Image]]] = {
    "Smile": portrait,
    "Mouth covered": partial(covered, 440, 372, 640, 486),
    "Eyes covered": partial(covered, 410, 240, 680, 350),
    "Tilted": partial(tilted, 30),
}
