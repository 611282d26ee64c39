"""A picture at several sizes, from which crops of any size are cut quickly."""

import cv2
import numpy as np
from cv2.typing import MatLike

from fer_core.types import Floats, Image


class Pyramid:
    """A picture at full, half and quarter size and so on; each is computed when it is first needed.

    Large faces are cut from a smaller one: averaging all their pixels anew took most of a search's time.
    """

    def __init__(self, image: Image) -> None:
        self._levels = [image]

    def level(self, number: int) -> Image:
        """Return the picture scaled by 0.5 to the power of ``number``, or as far as it can be halved."""
        while len(self._levels) <= number and min(self._levels[-1].shape[:2]) > 1:
            last = self._levels[-1]
            height, width = (side // 2 for side in last.shape[:2])
            even = last[: 2 * height, : 2 * width]
            half = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(half, np.uint8))
        return self._levels[min(number, len(self._levels) - 1)]

    def crops(self, boxes: Floats, side: int) -> tuple[Image, Floats]:
        """Cut the squares around boxes.

        Args:
            boxes: (N, 4), N at least 1.
            side: of each crop, in pixels.

        Returns:
            (N, side, side, 3) uint8; what lies outside the picture is black, as in training. And the
            (N, 4) squares, which begin and end at pixel edges of the level that they are cut from.
        """
        longest = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        deepest = int(np.log2(max(1, min(self._levels[0].shape[:2]))))
        levels = np.log2(np.maximum(longest, 1) / (2 * side)).clip(0, deepest).astype(int)
        steps = np.float32(2) ** levels[:, None].astype(np.float32)
        sides = (longest[:, None] / steps).round().clip(1)
        corners = ((boxes[:, :2] + boxes[:, 2:]) / steps / 2 - sides / 2).round()
        squares = np.hstack([corners, corners + sides]).astype(np.float32)
        crops = np.zeros((len(boxes), side, side, 3), np.uint8)
        for crop, level, square in zip(crops, levels.tolist(), squares, strict=True):
            _cut(self.level(level), square.astype(int).tolist(), crop)
        return crops, squares * steps


def _cut(image: Image, square: list[int], crop: Image) -> None:
    """Scale a square of an image to a crop, in place; what lies outside the image stays black."""
    (x0, y0, x1, y1), (height, width) = square, image.shape[:2]
    inside: MatLike = image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inside.size == 0:
        return
    if min(x0, y0) < 0 or x1 > width or y1 > height:
        margins = (max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0))
        inside = cv2.copyMakeBorder(inside, *margins, cv2.BORDER_CONSTANT)
    cv2.resize(inside, crop.shape[:2], dst=crop, interpolation=cv2.INTER_AREA)
