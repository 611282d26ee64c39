"""Mosaics: one image that holds many small square tiles, row by row."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.types import Image


def read_tiles(path: Path, numbers: NDArray[np.int64]) -> list[Image]:
    """Read tiles of a mosaic, as views of one array.

    Args:
        path: the mosaic.
        numbers: (N,) numbers of the tiles to read, counted from 0 at the top left. The side S of a tile is
            the largest for which the highest number still fits.

    Returns:
        N gray images (S, S), uint8.

    Raises:
        DataError: if the file is missing or is not an image.
    """
    mosaic = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mosaic is None:
        raise DataError(f"{path} is missing or is not an image")
    height, width = mosaic.shape[:2]
    side = _side(height, width, int(numbers.max()) + 1)
    columns = width // side
    corners = ((side * (n // columns), side * (n % columns)) for n in numbers.tolist())
    return [np.asarray(mosaic[y : y + side, x : x + side], np.uint8) for y, x in corners]


def _side(height: int, width: int, tiles: int) -> int:
    """Return the largest side with which squares fill the mosaic and ``tiles`` of them fit."""
    return next(
        side
        for side in range(min(height, width), 0, -1)
        if width % side == 0 and height % side == 0 and (height // side) * (width // side) >= tiles
    )
