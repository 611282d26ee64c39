"""Enlarge small frames before text is drawn: in 320x240 pixels a 6 reads as an ö."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from fer_core.types import Face, Floats, FrameResult, Image, Reading

LEGIBLE_SIDE: Final = 640
"""Longer side of a picture in which small text can be read, in pixels. A browser under load sends half of
that."""


def legible_scale(image: Image) -> float:
    """Return the factor that makes a picture large enough for text; 1 for one that is."""
    return max(1.0, LEGIBLE_SIDE / float(max(image.shape[:2])))


def enlarge(image: Image) -> Image:
    """Return the picture, enlarged where it is too small for text."""
    scale = legible_scale(image)
    if scale == 1:
        return image
    height, width = image.shape[:2]
    size = (round(scale * width), round(scale * height))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def scale_readings(result: FrameResult, scale: float) -> FrameResult:
    """Return a result whose readings are those of a frame enlarged by ``scale``; maps stay as they are."""
    if scale == 1:
        return result
    return replace(result, readings=tuple(_scaled(each, scale) for each in result.readings))


def _scaled(reading: Reading, scale: float) -> Reading:
    face, regions = reading.face, reading.regions
    transform = regions.transform.copy()
    transform[:, :2] /= scale
    quads: Mapping[str, Floats] = {name: scale * quad for name, quad in regions.quads.items()}
    return replace(
        reading,
        face=_scaled_face(face, scale),
        regions=replace(regions, transform=transform, quads=quads),
    )


def _scaled_face(face: Face, scale: float) -> Face:
    x0, y0, x1, y1 = face.box
    return replace(
        face,
        box=(scale * x0, scale * y0, scale * x1, scale * y1),
        points=scale * face.points,
        landmarks=None if face.landmarks is None else scale * face.landmarks,
    )
