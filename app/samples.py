"""Sample pictures: Eileen Collins, NASA astronaut (public domain, shipped with scikit-image), as she
is and with parts of her face covered."""

from collections.abc import Callable
from functools import partial
from typing import Final

import cv2
import numpy as np
from skimage.data import astronaut

from fer_core.types import Image

GREY: Final = (128, 128, 128)


def portrait() -> Image:
    """Head and shoulders, (810, 1080, 3)."""
    return np.asarray(
        cv2.resize(astronaut()[0:270, 48:408], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    )


def covered(x0: int, y0: int, x1: int, y1: int) -> Image:
    """The portrait with a grey patch on it."""
    return cv2.rectangle(portrait(), (x0, y0), (x1, y1), GREY, cv2.FILLED)


def tilted(degrees: float) -> Image:
    """The portrait turned around its middle."""
    image = portrait()
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT))


SAMPLES: Final[dict[str, Callable[[], Image]]] = {
    "Smile": portrait,
    "Mouth covered": partial(covered, 440, 372, 640, 486),
    "Eyes covered": partial(covered, 410, 240, 680, 350),
    "Tilted": partial(tilted, 30),
}
