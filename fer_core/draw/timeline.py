"""The timeline of a clip as a picture to keep."""

import cv2
import numpy as np

from fer_core.draw import EXPRESSION_COLORS, percent, rgb
from fer_core.draw.text import INK, put_text, text_size
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

GAP = 0.5
"""Time without the face after which a line is broken, in seconds."""


def timeline_picture(times: Floats, probabilities: Floats, title: str) -> Image:
    """Draw the seven probabilities over time as a picture for a report, on white.

    Args:
        times: (T,) seconds, rising.
        probabilities: (T, 7) in the order of ``EXPRESSIONS``.

    Returns:
        (900, 1600, 3) RGB uint8.
    """
    image = np.full((900, 1600, 3), 255, np.uint8)
    left, top, right, bottom = 110, 150, 1560, 830
    end = max(float(times[-1]), 1e-3)
    put_text(image, title, left, 24, 34, INK)
    for share in (0.0, 0.5, 1.0):
        y = round(bottom - share * (bottom - top))
        cv2.line(image, (left, y), (right, y), (220, 224, 222), 2)
        text = percent(share)
        put_text(image, text, left - 16 - text_size(text, 24)[0], y - 15, 24, INK)
    for part in range(5):
        text = f"{end * part / 4:.1f} s"
        x = left + (right - left) * part / 4 - text_size(text, 24)[0] / 2
        put_text(image, text, min(x, 1590 - text_size(text, 24)[0]), bottom + 18, 24, INK)
    times, values = with_gaps(times, probabilities)
    scale = np.array([(right - left) / end, top - bottom])
    x = left
    for number, name in enumerate(EXPRESSIONS):
        color = rgb(EXPRESSION_COLORS[name])
        points = np.stack([times, values[:, number]], axis=1) * scale + (left, bottom)
        for piece in np.split(points, np.flatnonzero(np.isnan(points[:, 0]))):
            corners = np.asarray(np.round(piece[np.isfinite(piece[:, 0])]), np.int32)
            cv2.polylines(image, [corners], False, color, 3, cv2.LINE_AA)
        cv2.rectangle(image, (x, 92), (x + 28, 112), color, cv2.FILLED)
        put_text(image, name, x + 40, 84, 26, INK)
        x += 40 + text_size(name, 26)[0] + 44
    return image


def with_gaps(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return times and values with a NaN wherever the face was away."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    after = np.flatnonzero(np.diff(times) > max(GAP, 1.5 * usual)) + 1
    return (
        np.insert(times, after, np.nan).astype(np.float32),
        np.insert(values, after, np.nan, axis=0).astype(np.float32),
    )
