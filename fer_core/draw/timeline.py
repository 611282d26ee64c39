"""The timeline of a clip as a picture to keep."""

import io
from typing import Any, Final

import numpy as np

from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

INK: Final = "#14191B"
GAP = 0.5
"""Time without the face after which a line is broken, in seconds."""
MOST_FRAMES: Final = 1500
"""Frames, about one a pixel, above which means are drawn, since raw lines would hide each other."""
MEANS: Final = 300
"""Number of equal spans of time over which the frames of such a clip are averaged."""


def timeline_picture(
    times: Floats, probabilities: Floats, title: str, note: str = "", origin: str = ""
) -> Image:
    """Draw the seven probabilities over time as a picture for a report, on white.

    A clip with more than ``MOST_FRAMES`` frames is drawn as means over short spans, and the picture says so.

    Args:
        times: (T,) seconds, rising.
        probabilities: (T, 7) in the order of ``EXPRESSIONS``.
        note: how the probabilities were averaged.
        origin: what made the probabilities; small, in the lower right corner.

    Returns:
        (900, 1600, 3) RGB uint8.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9), dpi=100)
    axes = figure.add_axes((0.07, 0.09, 0.905, 0.74))
    figure.text(0.07, 0.93, title, fontsize=25, color=INK, parse_math=False)
    end = float(times[-1]) or 1.0
    if len(times) > MOST_FRAMES:
        times, probabilities = _means(times, probabilities)
        note = ", ".join(filter(None, (note, f"means over {end / MEANS:.1f} s")))
    figure.text(0.975, 0.93, note, fontsize=18, color=INK, ha="right")
    figure.text(0.975, 0.012, origin, fontsize=12, color=INK, ha="right", parse_math=False)
    times, values = with_gaps(times, probabilities)
    missing = np.concatenate([[True], np.isnan(times), [True]])
    alone = np.flatnonzero(~missing[1:-1] & missing[:-2] & missing[2:]).tolist()
    for name, shares in zip(EXPRESSIONS, values.T, strict=True):
        color = EXPRESSION_COLORS[name]
        # A frame between two gaps is a dot, since a line of one point is invisible.
        dots: dict[str, Any] = {"marker": "o", "markersize": 9, "markevery": alone} if alone else {}
        axes.plot(times, shares, color=color, linewidth=2.5, clip_on=False, label=name, **dots)
    axes.set(xlim=(0, end), ylim=(0, 1))
    axes.set_yticks([0, 0.5, 1], labels=[percent(share) for share in (0, 0.5, 1)])
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.tick_params(labelsize=18, labelcolor=INK, color="#DCE0DE", length=6, pad=8)
    axes.grid(axis="y", color="#DCE0DE", linewidth=1.5)
    axes.spines[:].set_visible(False)
    legend = axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.02),
        borderaxespad=0,
        borderpad=0,
        ncols=len(EXPRESSIONS),
        frameon=False,
        fontsize=19,
        labelcolor=INK,
        handlelength=1.2,
        columnspacing=1.6,
    )
    for line in legend.get_lines():
        line.set(linewidth=6, marker="")
    pixels = io.BytesIO()
    figure.savefig(pixels, format="rgba")
    return np.frombuffer(pixels.getvalue(), np.uint8).reshape(900, 1600, 4)[..., :3].copy()


def _means(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return the means of times and values over each of ``MEANS`` equal spans that holds any."""
    spans = np.minimum(times * MEANS // times[-1], MEANS - 1)
    _, starts, counts = np.unique(spans, return_index=True, return_counts=True)
    return (
        (np.add.reduceat(times, starts, dtype=np.float64) / counts).astype(np.float32),
        (np.add.reduceat(values, starts, dtype=np.float64) / counts[:, None]).astype(np.float32),
    )


def with_gaps(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return times and values with a NaN wherever the face was away."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    after = np.flatnonzero(np.diff(times) > max(GAP, 1.5 * usual)) + 1
    return (
        np.insert(times, after, np.nan).astype(np.float32),
        np.insert(values, after, np.nan, axis=0).astype(np.float32),
    )
