"""The timeline of a clip as a chart to explore."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import plotly.graph_objects as go

from app.charts.common import ACCENT, CLEAR, FAINT
from fer_core.draw import EXPRESSION_COLORS
from fer_core.draw.heat import ATTENTION
from fer_core.draw.timeline import with_gaps
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

MOST_POINTS: Final = 1500
"""Largest number of points of a line; more make a browser slow."""

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
"""Colors of lines that are not classes."""


def clip_timeline(
    times: Floats,
    lines: Mapping[str, Floats],
    *,
    affect: Floats | None = None,
    blinks: Floats,
    height: int = 320,
) -> go.Figure:
    """Draw what one face did over a clip, to be zoomed and clicked.

    Args:
        times: (T,) seconds, rising.
        lines: name -> (T,) probability of a class or score of a facial action, 0..1.
        affect: (T, 2) valence and arousal, -1..1, NaN where unknown; dashed, on an axis of their own, hidden
            at first.
        blinks: (B,) times at which a blink ended, in seconds; marked below the lines.
        height: pixels.
    """
    step = -(-len(times) // MOST_POINTS)
    values = np.stack([*lines.values(), *(() if affect is None else affect.T)], axis=1)
    times, values = with_gaps(times[::step], values[::step])
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
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 32, "b": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        hovermode="x unified",
        dragmode="zoom",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
    )
    figure.update_xaxes(title=None, ticksuffix=" s", gridcolor=CLEAR, zeroline=False)
    _set_axes(figure, lowest=-0.06 if len(blinks) else 0.0)
    return figure


def _set_axes(figure: go.Figure, *, lowest: float) -> None:
    """Set the axis of shares on the left, and on the right that of valence and arousal, whose ticks stand at
    the same heights: -1 at 0 %, 1 at 100 %."""
    figure.update_layout(
        yaxis={
            "range": [lowest, 1],
            "tickformat": ".0%",
            "dtick": 0.5,
            "gridcolor": FAINT,
            "fixedrange": True,
        },
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "range": [2 * lowest - 1, 1],
            "dtick": 1,
            "showgrid": False,
        },
    )


def attention_strip(times: Floats, weights: Floats, *, height: int = 150) -> go.Figure:
    """Draw how much a network weighted each of the frames that it read as one sequence, over a clip.

    Args:
        times: (T,) seconds, rising.
        weights: (T, S) weights of the last S frames, the newest last; NaN where there were fewer.
        height: pixels.
    """
    step = -(-len(times) // MOST_POINTS)
    times, weights = with_gaps(times[::step], weights[::step])
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


def _line(times: Floats, values: Floats, name: str, color: str, **line: str) -> go.Scatter:
    # Clicks are reported for markers only, so there are invisible ones.
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
