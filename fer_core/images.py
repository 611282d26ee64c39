"""Read image files and convert pixel arrays to 8-bit RGB or gray."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageOps, UnidentifiedImageError

from fer_core.errors import UserError
from fer_core.types import Image

MAX_MEGAPIXELS: Final = 50

# Pillow warns from 89 megapixels on, which is beyond the limit here and refused by name.
warnings.filterwarnings("ignore", category=PILImage.DecompressionBombWarning)


class ImageError(UserError):
    """An image that cannot be used; the message tells the user in one sentence what to do."""


def read_image(source: Path | str | bytes | BinaryIO) -> Image:
    """Read a picture for display: rotated upright by its EXIF orientation, transparency over white.

    Args:
        source: a path, the bytes of a file, or an open binary file.

    Returns:
        (H, W, 3) RGB uint8; of an animation the first frame.

    Raises:
        ImageError: the file does not exist, is not an image, is damaged, or has more than
            ``MAX_MEGAPIXELS`` (checked in its header, before anything is decoded).
    """
    name = str(source) if isinstance(source, str | Path) else "the file"
    try:
        with PILImage.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            _check_size(picture, name)
            return _pixels(ImageOps.exif_transpose(picture))
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"there is no file {name}; check the path") from None
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not an image; give a JPEG, PNG or WebP file") from None
    except PILImage.DecompressionBombError:
        raise _too_large(name, "far more") from None
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        if isinstance(error, OSError) and error.strerror:
            raise ImageError(f"{name} cannot be opened ({error.strerror})") from error
        raise ImageError(f"{name} is damaged or ends too early; export or send it again") from error


def to_rgb(array: NDArray[Any]) -> Image:
    """Convert an array of pixels to 8-bit RGB, transparency over white.

    Args:
        array: (H, W), (H, W, 1) gray, (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16 (full scale
            65535), bool, or floats in 0..1.

    Returns:
        (H, W, 3) uint8; ``array`` itself where it is that already.

    Raises:
        UserError: for another shape or dtype, no pixels, or floats outside 0..1.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or array.size == 0:
        raise UserError(f"an image must be (H, W), (H, W, 1), 3 or 4, not {array.shape}")
    pixels = _to_uint8(array)
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:] / np.float32(255)
        return np.rint(255 + (pixels[..., :3] - np.float32(255)) * opacity).astype(np.uint8)
    return pixels


def to_gray(array: NDArray[Any]) -> Image:
    """Convert an array of pixels, as ``to_rgb`` takes it, to (H, W) uint8 by Rec. 601 luma.

    An array of (H, W) uint8 is returned as it is.
    """
    if array.ndim == 2:
        return _to_uint8(array)
    return np.asarray(cv2.cvtColor(to_rgb(array), cv2.COLOR_RGB2GRAY), np.uint8)


def _to_uint8(array: NDArray[Any]) -> Image:
    kind = array.dtype.type
    if kind is np.uint8:
        return array.astype(np.uint8, copy=False)
    if kind is np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if kind is np.uint16:
        return np.rint(array / np.float32(257)).astype(np.uint8)
    if not issubclass(kind, np.floating):
        raise UserError(f"pixels must be uint8, uint16, bool or floats in 0..1, not {array.dtype}")
    if not (array.min() >= 0 and array.max() <= 1):  # also when there is a NaN
        raise UserError("pixels given as floats must lie in 0..1; divide by 255 or use uint8")
    return np.asarray(np.rint(array * 255), np.uint8)


def _check_size(picture: PILImage.Image, name: str) -> None:
    megapixels = picture.width * picture.height / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise _too_large(name, f"{megapixels:.0f} ({picture.width} × {picture.height})")


def _too_large(name: str, size: str) -> ImageError:
    return ImageError(
        f"{name} is larger than {MAX_MEGAPIXELS} megapixels: {size}; scale it down first"
    )


def _pixels(picture: PILImage.Image) -> Image:
    """Decode a picture of any mode to RGB."""
    if picture.mode.startswith("I"):  # Pillow cuts 16 bits off at 255 instead of scaling them
        return to_rgb(np.asarray(picture).clip(0, 65535).astype(np.uint16))
    return to_rgb(np.array(picture.convert("RGBA" if picture.has_transparency_data else "RGB")))
