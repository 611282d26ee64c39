"""The picture while it is painted: shapes in units of half the face's width, soft shadows, masks."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.cartoon.anatomy import Pose, project
from fer_core.cartoon.characters import Character, Color
from fer_core.types import Floats, Image

SHIFT: Final = 3
"""Fractional bits of OpenCV's coordinates."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What surrounds a drawn face."""

    background: Color = (198, 208, 214)
    light: float = 0.0
    """Where the light comes from: -1 from the image's left, 1 from its right."""
    contrast: float = 1.0
    """Strength of the shading."""
    scale: float = 0.29
    """Half the width of the face, as a share of the picture."""
    center: tuple[float, float] = (0.5, 0.5)
    """Middle of the face, as shares of the picture."""


class Canvas:
    """A square picture of one character in one pose."""

    def __init__(self, character: Character, pose: Pose, scene: Scene, side: int) -> None:
        self.character, self.pose, self.scene, self.side = character, pose, scene, side
        self.unit = side * scene.scale
        ramp = np.linspace(1.06, 0.88, side)[:, None, None] * np.array(scene.background)
        column = np.clip(ramp, 0, 255).astype(np.uint8)
        self.pixels: NDArray[np.uint8] = np.asarray(cv2.resize(column, (side, side)), np.uint8)

    def to_pixels(self, points: Floats) -> Floats:
        """Return points in pixels of the canvas."""
        x, y = self.scene.center
        return np.asarray(points * self.unit + (x * self.side, y * self.side), np.float32)

    def on_face(self, *points: tuple[float, float]) -> Floats:
        """Return points of a face that looks straight ahead, turned like this one."""
        flat = np.array(points, np.float32)
        flat[:, 1] *= self.character.length
        return project(flat, self.pose)

    def fixed(self, points: Floats) -> NDArray[np.int32]:
        """Return OpenCV's fixed-point coordinates."""
        return np.round((self.to_pixels(points) - 0.5) * 2**SHIFT).astype(np.int32)

    def fill(self, points: Floats, color: Color) -> None:
        """Fill a closed shape."""
        cv2.fillPoly(self.pixels, [self.fixed(points)], color, cv2.LINE_AA, SHIFT)

    def line(self, points: Floats, width: float, color: Color, *, closed: bool = False) -> None:
        """Draw a line with a width in units."""
        thickness = max(1, round(width * self.unit))
        cv2.polylines(
            self.pixels, [self.fixed(points)], closed, color, thickness, cv2.LINE_AA, SHIFT
        )

    def disc(self, center: Floats, radius: float, color: Color) -> None:
        """Fill a circle around a point of the picture."""
        at = self.fixed(center[None])[0].tolist()
        size = max(1, round(radius * self.unit * 2**SHIFT))
        cv2.circle(self.pixels, at, size, color, cv2.FILLED, cv2.LINE_AA, SHIFT)

    def shade(
        self, center: tuple[float, float], radii: tuple[float, float], strength: float, color: Color
    ) -> None:
        """Blend a soft spot into the skin: 1 for full color in its middle."""
        (x, y) = self.to_pixels(self.on_face(center))[0]
        across, down = (max(radius * self.unit, 1.0) for radius in radii)
        x0, x1 = max(int(x - 1.8 * across), 0), min(int(x + 1.8 * across), self.side)
        y0, y1 = max(int(y - 1.8 * down), 0), min(int(y + 1.8 * down), self.side)
        if x0 >= x1 or y0 >= y1:
            return
        columns = np.exp(-0.5 * ((np.arange(x0, x1, dtype=np.float32) - x) / (0.6 * across)) ** 2)
        rows = np.exp(-0.5 * ((np.arange(y0, y1, dtype=np.float32) - y) / (0.6 * down)) ** 2)
        share = np.float32(min(strength * self.scene.contrast, 1.0))
        weight = np.outer(share * rows, columns).astype(np.float32)
        part = self.pixels[y0:y1, x0:x1]
        spot = np.empty_like(part)
        spot[:] = color
        part[:] = cv2.blendLinear(spot, part, weight, 1 - weight)

    def mask(self, *shapes: Floats) -> NDArray[np.uint8]:
        """Return 255 within closed shapes, 0 elsewhere."""
        mask = np.zeros((self.side, self.side), np.uint8)
        for shape in shapes:
            cv2.fillPoly(mask, [self.fixed(shape)], 255, cv2.LINE_AA, SHIFT)
        return mask

    def keep_within(self, mask: NDArray[np.uint8], before: Image) -> None:
        """Undo what was painted outside of a mask, 0..255."""
        x, y, across, down = cv2.boundingRect(mask)
        part = np.s_[y : y + down, x : x + across]
        weight = mask[part].astype(np.float32) / np.float32(255)
        inside = cv2.blendLinear(self.pixels[part], before[part], weight, 1 - weight)
        self.pixels[:] = before
        self.pixels[part] = inside

    def ellipse(self, x: float, y: float, across: float, up: float, down: float) -> Floats:
        """Return an outline around a point of the face, with other radii above and below."""
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        heights = np.where(np.sin(angles) < 0, up, down)
        points = np.stack([x + across * np.cos(angles), y + heights * np.sin(angles)], 1)
        tilt = np.radians(self.pose.tilt)
        rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        shift = 0.12 * np.sin(np.radians(self.pose.turn))
        return np.asarray((points - (shift, 0)) @ rotation.T, np.float32)

    def spot(self, center: Floats, across: float, down: float) -> Floats:
        """Return a small ellipse in the picture."""
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        return np.asarray(
            center + np.stack([across * np.cos(angles), down * np.sin(angles)], 1), np.float32
        )

    def crease(self, points: list[tuple[float, float]], strength: float) -> None:
        """Draw a soft fold of the skin."""
        for start, end in pairwise(np.array(points)):
            spots = math.ceil(float(np.linalg.norm(end - start)) / 0.08)
            for x, y in np.linspace(start, end, spots, endpoint=False):
                self.shade((x, y), (0.07, 0.05), 0.4 * min(strength, 1.0), self.tone(0.5))

    def tone(self, factor: float, toward: Color | None = None) -> Color:
        """Return the skin, darker below 1 and lighter above."""
        skin = np.array(self.character.skin, np.float32)
        if toward is not None:
            skin = 0.5 * skin + 0.5 * np.array(toward, np.float32)
        red, green, blue = np.clip(skin * factor, 0, 255).astype(int).tolist()
        return red, green, blue


def mixed(first: Color, second: Color, share: float) -> Color:
    """Return a color between two: the first at 0, the second at 1."""
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue
