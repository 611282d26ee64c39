"""The timeline of a clip, as a figure to explore and as a picture to keep."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
import plotly.graph_objects as go

from fer_core.draw import EXPRESSION_COLORS, percent, rgb
from fer_core.draw.charts import ACCENT, CLEAR, FAINT
from fer_core.draw.heat import ATTENTION
from fer_core.draw.text import INK, put_text, text_size
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

MOST_POINTS: Final = 1500
"""Points of a line; more make a browser slow."""

OTHERS: Final = (
    "#13838A",
    "#C2571A",
    "#6E56CF",
    "#2B8A3E",
    "#C2255C",
    "#8D6E00",
    "#3B5BDB",
    "#868E96",
)
"""Colours of lines that are no classes."""

GAP: Final = 0.5
"""Seconds without the face after which a line is broken."""


def clip_timeline(
    times: Floats,
    lines: Mapping[str, Floats],
    *,
    affect: Floats | None = None,
    blinks: Floats,
    moment: float,
    height: int = 320,
) -> go.Figure:
    """What one face did over a clip, to be zoomed and clicked.

    Args:
        times: (T,) seconds, rising.
        lines: name -> (T,) probability of a class or score of a facial action, 0..1.
        affect: (T, 2) valence and arousal, -1..1; drawn dashed on an axis of their own, hidden at first.
            NaN where they are unknown.
        blinks: (B,) seconds at which one ended; marked below the lines.
        moment: seconds, marked by an upright line.
        height: pixels.
    """
    step = -(-len(times) // MOST_POINTS)
    values = np.stack([*lines.values(), *(() if affect is None else affect.T)], axis=1)
    times, values = _with_gaps(times[::step], values[::step])
    colors = {
        **EXPRESSION_COLORS,
        **dict(zip([name for name in lines if name not in EXPRESSIONS], OTHERS, strict=False)),
    }
    traces = [
        _line(times, values[:, number], name, colors[name]) for number, name in enumerate(lines)
    ]
    for number, name in enumerate(() if affect is None else ("valence", "arousal"), len(lines)):
        if not np.isnan(values[:, number]).all():
            dash = "dash" if name == "valence" else "dot"
            line = _line(times, values[:, number], name, ACCENT, dash=dash)
            traces.append(line.update(yaxis="y2", visible="legendonly", hovertemplate="%{y:.2f}"))
    if len(blinks):
        traces.append(_marks(blinks))
    figure = go.Figure(traces)
    figure.add_vline(moment, line={"color": "#909294", "width": 1})
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 32, "b": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hovermode="x unified",
        dragmode="zoom",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        yaxis2={"overlaying": "y", "side": "right", "range": [-1, 1], "showgrid": False},
    )
    figure.update_xaxes(title=None, ticksuffix=" s", gridcolor=CLEAR, zeroline=False)
    figure.update_layout(
        yaxis={
            "range": [-0.06 if len(blinks) else 0, 1],
            "tickformat": ".0%",
            "dtick": 0.5,
            "gridcolor": FAINT,
            "fixedrange": True,
        }
    )
    return figure


def attention_strip(times: Floats, weights: Floats, *, height: int = 150) -> go.Figure:
    """How much a network counted each of the pictures that it read together, over a clip.

    Args:
        times: (T,) seconds, rising.
        weights: (T, S) of the last S pictures, the newest last; NaN where there were fewer.
        height: pixels.
    """
    step = -(-len(times) // MOST_POINTS)
    times, weights = _with_gaps(times[::step], weights[::step])
    (gaps,) = np.isnan(times).nonzero()
    times[gaps] = (times[gaps - 1] + times[gaps + 1]) / 2
    ages = [f"{back} back" if back else "newest" for back in range(weights.shape[1] - 1, -1, -1)]
    figure = go.Figure(
        go.Heatmap(
            x=times,
            y=ages,
            z=weights.T,
            zmin=0,
            zmax=float(np.nanmax(weights)),
            colorscale=[(0, CLEAR), (1, f"rgb{ATTENTION}")],
            colorbar={"tickformat": ".0%", "thickness": 8, "outlinewidth": 0},
            hovertemplate="%{x:.2f} s, %{y}: %{z:.0%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
    )
    figure.update_xaxes(title=None, ticksuffix=" s", showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, tickmode="array", tickvals=[ages[0], ages[-1]])
    return figure


def timeline_picture(times: Floats, probabilities: Floats, title: str) -> Image:
    """The same lines as a picture for a report, on white.

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
    times, values = _with_gaps(times, probabilities)
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


def _line(times: Floats, values: Floats, name: str, color: str, **line: str) -> go.Scatter:
    # Clicks are only told of markers, so there are some that nobody sees.
    return go.Scatter(
        x=times,
        y=values,
        name=name,
        mode="lines+markers",
        line={"color": color, "width": 2, **line},
        marker={"opacity": 0, "size": 8},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{y:.0%}",
    )


def _marks(blinks: Floats) -> go.Scatter:
    return go.Scatter(
        x=blinks,
        y=np.full(len(blinks), -0.03),
        name="blinks",
        mode="markers",
        marker={"symbol": "line-ns", "size": 9, "line": {"color": "#909294", "width": 2}},
        hovertemplate="blink",
    )


def _with_gaps(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The lines with a NaN wherever the face was away."""
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    after = np.flatnonzero(np.diff(times) > max(GAP, 1.5 * usual)) + 1
    return (
        np.insert(times, after, np.nan).astype(np.float32),
        np.insert(values, after, np.nan, axis=0).astype(np.float32),
    )
