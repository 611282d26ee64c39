"""Mosaics: one image that holds many small square tiles, row by row."""

import math
from contextlib import suppress
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.data.location import located
from fer_core.images import ImageError, decode_image, to_gray
from fer_core.images.reading import webp_size
from fer_core.types import Image

MAX_MEGAPIXELS: Final = 64
"""Pixels of the largest mosaic, in 10^6; the largest of the sets here has 52."""
MAX_BYTES: Final = 100_000_000
"""Largest file of a mosaic."""
MIN_SIDE: Final = 8
"""Side of the smallest tile, in pixels."""


def read_tiles(path: Path, numbers: NDArray[np.int64]) -> list[Image]:
    """Read tiles of a mosaic, as views of one array.

    Args:
        path: the mosaic.
        numbers: (N,) numbers of the tiles to read, counted from 0 at the top left. The side S of a tile is
            the largest for which the highest number still fits.

    Returns:
        N gray images (S, S), uint8.

    Raises:
        DataError: if the file is missing or is not an image, or has no such tiles.
    """
    if not len(numbers):
        return []
    mosaic = _read_gray(path)
    height, width = mosaic.shape
    side = _side(height, width, int(numbers.max()) + 1) if numbers.min() >= 0 else None
    if side is None:
        raise DataError(
            f"{path} of {width}x{height} pixels has no tiles {numbers.min():,} to {numbers.max():,}; is the "
            "download whole?"
        )
    columns = width // side
    corners = ((side * (n // columns), side * (n % columns)) for n in numbers.tolist())
    return [mosaic[y : y + side, x : x + side] for y, x in corners]


def _read_gray(path: Path) -> Image:
    """Return a mosaic in gray; one in WebP may be larger than pictures are, and is decoded by OpenCV."""
    try:
        with located(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        content = b""
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    if is_webp and math.prod(webp_size(memoryview(content))) <= MAX_MEGAPIXELS * 1e6:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
        if decoded is not None:
            return np.asarray(decoded, np.uint8)
    elif content and len(content) <= MAX_BYTES and not is_webp:
        with suppress(ImageError):
            return to_gray(decode_image(content).pixels)
    raise DataError(f"{path} is missing, or is not an image of at most {MAX_MEGAPIXELS} megapixels")


def _side(height: int, width: int, tiles: int) -> int | None:
    """Return the largest side with which squares fill the mosaic and ``tiles`` of them fit; None without."""
    return next(
        (
            side
            for side in range(min(height, width), MIN_SIDE - 1, -1)
            if width % side == 0
            and height % side == 0
            and (height // side) * (width // side) >= tiles
        ),
        None,
    )
