"""Attribution shares: how the heat of a map is spread over the prior-attention blocks, and over the parts of
the face."""

from typing import Final

import cv2
import numpy as np

from fer_core.faces.parts import part_outlines
from fer_core.geometry import block
from fer_core.labels import PARTS
from fer_core.types import Floats

FLAT: Final = 1e-6
"""Fraction of its maximum below which the variation of heat counts as none."""

LITTLE: Final = 0.1
"""Share of the positive heat in all heat below which its places say nothing: on the smile of the samples the
default model's map of *sad* is for it by 3.5 %, and a sentence about where
these few lie would hide that the face speaks against it."""

FINE: Final = 96
"""Side of the grid on which parts are separated."""


def positive_part(raw: Floats) -> Floats:
    """Return the (h, w) heat that speaks for the class; zero everywhere if a cell is NaN or infinite."""
    return np.maximum(raw, 0) if np.isfinite(raw).all() else np.zeros_like(raw)


def is_flat(raw: Floats) -> bool:
    """Return whether a map has no positive heat, the same heat everywhere, or NaN or infinite cells."""
    heat = positive_part(raw)
    return bool(np.ptp(heat) <= FLAT * heat.max())


def positive_share(raw: Floats) -> float:
    """Return how much of the heat of a map, for and against the class, is for it, 0..1; 0 without heat."""
    heat = positive_part(raw)
    total = float(np.abs(raw).sum())
    return float(heat.sum()) / total if heat.any() else 0.0


def region_share(raw: Floats) -> dict[str, float]:
    """Return how much of the positive heat lies in the upper block, in the lower block and elsewhere.

    Args:
        raw: (h, h) on the common grid of the networks' feature maps.

    Returns:
        upper / lower / elsewhere -> 0..1, summing to 1; zeros if there is no heat.
    """
    heat = positive_part(raw).astype(np.float64)
    upper, lower = (heat[block(region, len(heat))].sum() for region in ("upper", "lower"))
    total = heat.sum()
    shares = {"upper": upper, "lower": lower, "elsewhere": max(total - upper - lower, 0.0)}
    return {name: float(share / total) if total else 0.0 for name, share in shares.items()}


def part_share(raw: Floats, landmarks: Floats) -> dict[str, float]:
    """Return how much of the positive heat lies on each part of the face, and on the rest of the square.

    Args:
        raw: (h, w) in aligned coordinates; between the centers of its cells the heat is interpolated, as
            for display.
        landmarks: (78, 2) in fractions of the aligned square.

    Returns:
        Each of ``PARTS``, and "rest" for hair, background and what lies between the parts -> 0..1, summing
        to 1; zeros if there is no heat.
    """
    fine = cv2.resize(positive_part(raw), (FINE, FINE), interpolation=cv2.INTER_LINEAR)
    owner = np.full((FINE, FINE), len(PARTS), np.uint8)
    # OpenCV counts pixel centers from 0.
    outlines = part_outlines(landmarks * FINE - 0.5)
    for part, pieces in outlines.items():
        for piece in pieces:
            cv2.fillConvexPoly(owner, piece.round().astype(np.int32), PARTS.index(part))
    sums = np.bincount(owner.ravel(), fine.ravel(), len(PARTS) + 1)
    total = sums.sum()
    shares = sums / total if total > 0 else sums
    return dict(zip((*PARTS, "rest"), map(float, shares), strict=True))


def attention_shares(
    attention: Floats, landmarks: Floats
) -> tuple[dict[str, float], dict[str, float]]:
    """Return how a network's own attention is spread over the parts of a face, and over the blocks.

    Args:
        attention: (h, h) or (heads, h, h), of which the mean counts.
        landmarks: (78, 2) in fractions of the aligned square.

    Returns:
        As ``part_share`` and as ``region_share``.
    """
    weights = attention.mean(axis=0) if attention.ndim == 3 else attention
    return part_share(weights, landmarks), region_share(weights)
