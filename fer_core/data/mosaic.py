"""Many small pictures in one: square tiles, row by row."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.data.faceset import DataError
from fer_core.types import Image


def read_tiles(path: Path, numbers: NDArray[np.int64]) -> list[Image]:
    """Tiles of a mosaic, as views.

    Args:
        numbers: of the tiles that are wanted, counted from 0 at the top left. The side of a tile is the
            largest that leaves room for the highest of them.

    Returns:
        As many (S, S) uint8 grey images.

    Raises:
        DataError: there is no such file, or it is no picture.
    """
    mosaic = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mosaic is None:
        raise DataError(f"{path} is missing or no picture")
    height, width = mosaic.shape[:2]
    side = _side(height, width, int(numbers.max()) + 1)
    columns = width // side
    corners = ((side * (n // columns), side * (n % columns)) for n in numbers.tolist())
    return [np.asarray(mosaic[y : y + side, x : x + side], np.uint8) for y, x in corners]


def _side(height: int, width: int, tiles: int) -> int:
    """Of the squares that fill a mosaic row by row: the largest that leaves room for all."""
    return next(
        side
        for side in range(min(height, width), 0, -1)
        if width % side == 0 and height % side == 0 and (height // side) * (width // side) >= tiles
    )
