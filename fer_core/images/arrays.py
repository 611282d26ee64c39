"""Arrays of pixels, and what can pass for one, as 8-bit RGB or gray."""

import os
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from fer_core.errors import UserError
from fer_core.images.formats import RefusedError
from fer_core.images.pixels import over_white, picture_to_rgb, strips, to_uint8
from fer_core.types import Image


def to_rgb(array: Any) -> Image:
    """Convert an array of pixels to 8-bit RGB, transparency over white.

    Args:
        array: (H, W), (H, W, 1) gray, (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16 (full scale
            65535), bool, or floats in 0..1. A tensor on the CPU is taken like an array, and a picture of
            Pillow by its mode.

    Returns:
        (H, W, 3) uint8; ``array`` itself where it is that already.

    Raises:
        UserError: for another shape or dtype, no pixels, floats outside 0..1, or something that is not an
            array, such as the path of a file.
    """
    pixels = _pixels(array)
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return pixels
    height, width = pixels.shape[:2]
    image = np.empty((height, width, 3), np.uint8)
    for rows in strips(height, width):
        strip = _to_uint8(pixels[rows])
        image[rows] = over_white(strip) if strip.shape[2] == 4 else strip
    return image


def to_gray(array: Any) -> Image:
    """Convert an array of pixels, as ``to_rgb`` takes it, to (H, W) uint8 by Rec. 601 luma.

    An array of (H, W) uint8 is returned as it is.
    """
    if isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype == np.uint8:
        return array
    pixels = _pixels(array)
    if pixels.shape[2] == 1:
        return _to_uint8(pixels)[..., 0]
    return np.asarray(cv2.cvtColor(to_rgb(pixels), cv2.COLOR_RGB2GRAY), np.uint8)


def as_sequence(images: Any) -> Sequence[Any]:
    """Return images as a sequence: one array of (H, W), (H, W, 3) or the like is one image, not H of them."""
    if isinstance(images, str | bytes | os.PathLike | PILImage.Image):
        return [images]
    shape = getattr(images, "shape", None)
    is_one = shape is not None and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)))
    return [images] if is_one else images


def _pixels(array: Any) -> NDArray[Any]:
    """Return (H, W, 1), (H, W, 3) or (H, W, 4) numbers of any kind."""
    pixels = array if isinstance(array, np.ndarray) else _as_array(array)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or pixels.size == 0:
        raise UserError(f"an image must be (H, W), (H, W, 1), 3 or 4, not {np.shape(array)}")
    return pixels


def _as_array(value: Any) -> NDArray[Any]:
    if isinstance(value, str | bytes | bytearray | os.PathLike) or hasattr(value, "read"):
        raise UserError(
            "an image must be an array of pixels, not a file; read it with fer_core.images.read_image"
        )
    try:
        if isinstance(value, PILImage.Image):
            value.load()
            return picture_to_rgb(value)
        return np.asarray(value)
    except RefusedError as refused:
        raise UserError(f"the picture {refused}") from None
    except Exception as error:  # whatever Pillow, torch or another library raises
        name = type(value).__name__
        raise UserError(
            f"an image must be an array of pixels, not this {name} ({error})"
        ) from error


def _to_uint8(array: NDArray[Any]) -> Image:
    kind = array.dtype.type
    if kind is np.uint8:
        return array.astype(np.uint8, copy=False)
    if kind is np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if kind is np.uint16:
        return to_uint8(array, 65535)
    if not issubclass(kind, np.floating):
        raise UserError(f"pixels must be uint8, uint16, bool or floats in 0..1, not {array.dtype}")
    try:
        return to_uint8(array, 1)
    except RefusedError:
        raise UserError(
            "pixels given as floats must lie in 0..1; divide by 255 or use uint8"
        ) from None
