"""Display matrices of clips."""

import numpy as np
import pytest

from fer_core.types import Image
from fer_core.video.orientation import turn_upright


@pytest.fixture(scope="module")
def stored() -> Image:
    """(2, 3, 3): six pixels, numbered by row."""
    return np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3, 1), 3, axis=2)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((1, 0, 0, 1), [[0, 1, 2], [3, 4, 5]]),
        ((-1, 0, 0, 1), [[2, 1, 0], [5, 4, 3]]),  # hflip
        ((1, 0, 0, -1), [[3, 4, 5], [0, 1, 2]]),  # vflip
        ((-1, 0, 0, -1), [[5, 4, 3], [2, 1, 0]]),  # both
        ((0, 1, -1, 0), [[3, 0], [4, 1], [5, 2]]),  # transpose=clock
        ((0, -1, 1, 0), [[2, 5], [1, 4], [0, 3]]),  # transpose=cclock
        ((0, 1, 1, 0), [[0, 3], [1, 4], [2, 5]]),  # transpose=cclock_flip
        ((0, -1, -1, 0), [[5, 2], [4, 1], [3, 0]]),  # transpose=clock_flip
        ((0, 0, 0, 0), [[0, 1, 2], [3, 4, 5]]),
        (None, [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_pixels_are_turned_as_ffmpeg_does(
    stored: Image, matrix: tuple[int, int, int, int] | None, shown: list[list[int]]
) -> None:
    """The comments name FFmpeg's filter for this matrix."""
    turned = turn_upright(stored, matrix)
    assert turned[..., 0].tolist() == shown
    assert turned.flags.c_contiguous
    if matrix is not None:
        scaled = tuple(65536 * value for value in matrix)
        assert turn_upright(stored, scaled)[..., 0].tolist() == shown  # type: ignore[arg-type]


def test_angles_are_rounded_to_quarter_turns(stored: Image) -> None:
    for degrees, quarter in ((10, 0), (80, 1), (100, 1), (200, 2), (-95, 3)):
        radians = np.radians(degrees)
        cos, sin = round(1e4 * np.cos(radians)), round(1e4 * np.sin(radians))
        turned = turn_upright(stored, (cos, sin, -sin, cos))
        assert turned[..., 0].tolist() == np.rot90(stored[..., 0], -quarter).tolist(), degrees
