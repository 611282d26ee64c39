"""Small pictures of an aligned face under a map."""

from collections.abc import Mapping

import cv2
import numpy as np

from fer_core.draw.heat import COOL, WARM, blend_attention, blend_heat
from fer_core.types import Floats, Image


def heat_tiles(crop: Image, maps: Mapping[str, Floats], *, size: int = 168) -> dict[str, Image]:
    """Draw small pictures of several maps on one shared scale, so that they can be compared.

    Warm places speak for the class, cool ones against it; full color is the strongest place of all maps. In
    maps as fine as the face one pixel in a hundred may be stronger: otherwise a few would leave the rest
    dark.

    Args:
        crop: (S, S) gray aligned face.
        maps: class -> (h, w) raw map in aligned coordinates.
        size: side of each picture in pixels.

    Returns:
        class -> (size, size, 3) RGB uint8.
    """
    finite = {name: np.nan_to_num(raw, posinf=0, neginf=0) for name, raw in maps.items()}
    strongest = max((_strength(raw) for raw in finite.values()), default=0.0)
    face = cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC)
    tiles = {}
    for name, raw in finite.items():
        tile = np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), np.uint8)
        if strongest > 0:
            scaled = np.clip(raw / strongest, -1, 1)
            smooth = cv2.resize(scaled, (size, size), interpolation=cv2.INTER_CUBIC)
            blend_heat(tile, np.maximum(smooth, 0), 0.75, WARM)
            blend_heat(tile, np.maximum(-smooth, 0), 0.75, COOL)
        tiles[name] = tile
    return tiles


def attention_tiles(crop: Image, attention: Floats, *, size: int = 168) -> list[Image]:
    """Draw small pictures of a network's own attention: green places count more than the average one.

    Args:
        crop: (S, S) gray aligned face.
        attention: (h, w) or (heads, h, w).
        size: side of each picture in pixels.

    Returns:
        One (size, size, 3) RGB uint8 for each head.
    """
    face = cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC)
    corners = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    tiles = []
    for head in attention if attention.ndim == 3 else attention[None]:
        tile = np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), np.uint8)
        blend_attention(tile, head, corners, 0.75)
        tiles.append(tile)
    return tiles


def heat_scale(width: int = 240, height: int = 12) -> Image:
    """Draw the colors of maps as (height, width, 4) RGBA, from against a class over neutral to for it."""
    strength = np.linspace(-1, 1, width)
    levels = np.round(255 * np.abs(strength)).astype(np.uint8)
    shades = np.where(strength[:, None] < 0, COOL[levels, 0], WARM[levels, 0])
    row = np.concatenate([shades, levels[:, None]], axis=1).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row, (height, width, 4)))


def _strength(raw: Floats) -> float:
    return float(np.quantile(np.abs(raw), 0.99 if len(raw) >= 24 else 1))
