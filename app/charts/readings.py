"""Charts of readings: probabilities, valence and arousal, facial actions."""

from collections.abc import Mapping
from typing import Final

import plotly.graph_objects as go

from app.charts.common import ACCENT, CLEAR, FAINT, WIDEST_TEXT, bars, plain
from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.labels import CIRCUMPLEX, EXPRESSIONS, action_title
from fer_core.types import Floats, Reading

BESIDE: Final = {"angry": "middle right", "fear": "middle left", "disgust": "middle left"}
"""Position of a class's name relative to its point; above by default."""


def probability_bars(reading: Reading, *, height: int = 300, axis: bool = True) -> go.Figure:
    """Draw the seven probabilities of one face.

    Args:
        height: pixels.
        axis: show the percentages below; not where it is narrow.
    """
    shares = {name: float(p) for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True)}
    figure = bars(shares, list(EXPRESSION_COLORS.values()), height)
    figure.update_xaxes(showticklabels=axis)
    return figure


def comparison_bars(reading: Reading, *, height: int = 340) -> go.Figure:
    """Draw the probabilities of a face that was compared with the person's neutral one, and those without."""
    alone = (
        reading.probabilities
        if reading.probabilities_alone is None
        else reading.probabilities_alone
    )
    figure = go.Figure(
        [
            go.Bar(
                x=values,
                y=list(EXPRESSIONS),
                name=name,
                orientation="h",
                text=[percent(float(value)) for value in values],
                textposition="outside",
                cliponaxis=False,
                marker={
                    "color": list(EXPRESSION_COLORS.values()),
                    "opacity": opacity,
                    "cornerradius": 4,
                },
                hovertemplate="%{y}, " + name + ": %{x:.1%}<extra></extra>",
            )
            for name, values, opacity in (
                ("alone", alone, 0.4),
                ("compared", reading.probabilities, 1.0),
            )
        ]
    )
    plain(figure, height, right=WIDEST_TEXT)
    figure.update_layout(bargap=0.25, minreducedwidth=10)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", dtick=0.25, gridcolor=FAINT)
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure


def probability_timeline(
    times: Floats, probabilities: Floats, *, window: float = 60, height: int = 260
) -> go.Figure:
    """Draw the seven probabilities over the last seconds.

    Args:
        times: (T,) seconds, rising; now is 0.
        probabilities: (T, 7) in the order of ``EXPRESSIONS``; a row of NaN is a gap.
        window: seconds to show.
        height: pixels.
    """
    lines = [
        go.Scatter(
            x=times,
            y=probabilities[:, number],
            name=name,
            mode="lines",
            line={"color": EXPRESSION_COLORS[name], "width": 2},
            hovertemplate="%{y:.0%}",
        )
        for number, name in enumerate(EXPRESSIONS)
    ]
    figure = go.Figure(lines)
    plain(figure, height, right=8)
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        hovermode="x unified",
        margin_t=32,
    )
    figure.update_xaxes(range=[-window, 0], ticksuffix=" s", gridcolor=CLEAR, zeroline=False)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", dtick=0.5, gridcolor=FAINT)
    return figure


def affect_plane(trails: Mapping[int, Floats], *, height: int = 300) -> go.Figure:
    """Draw the plane of valence and arousal, with the positions of the classes and the trails of faces.

    Args:
        trails: number of a face -> (N, 2) valence and arousal, oldest first; the last is the current
        position. Several faces carry their numbers.
        height: pixels.
    """
    classes = go.Scatter(
        x=[CIRCUMPLEX[name][0] for name in EXPRESSIONS],
        y=[CIRCUMPLEX[name][1] for name in EXPRESSIONS],
        text=list(EXPRESSIONS),
        textposition=[BESIDE.get(name, "top center") for name in EXPRESSIONS],
        mode="markers+text",
        marker={"color": list(EXPRESSION_COLORS.values()), "size": 6, "opacity": 0.7},
        hovertemplate="%{text}: %{x:.2f}, %{y:.2f}<extra></extra>",
    )
    faces = [
        go.Scatter(
            x=trail[:, 0],
            y=trail[:, 1],
            text=[""] * (len(trail) - 1) + [str(number) if len(trails) > 1 else ""],
            textposition="bottom center",
            mode="lines+markers+text",
            line={"color": ACCENT, "width": 2, "shape": "spline"},
            opacity=0.9,
            marker={"color": ACCENT, "size": [0] * (len(trail) - 1) + [14]},
            hovertemplate="valence %{x:.2f}, arousal %{y:.2f}<extra></extra>",
        )
        for number, trail in trails.items()
    ]
    figure = go.Figure([classes, *faces])
    plain(figure, height, right=0)
    line = {"zeroline": True, "zerolinecolor": FAINT, "gridcolor": CLEAR, "tickvals": [-1, 0, 1]}
    figure.update_xaxes(title="valence", range=[-1.05, 1.05], constrain="domain", **line)
    figure.update_yaxes(title="arousal", range=[-1.05, 1.05], constrain="domain", **line)
    figure.update_yaxes(scaleanchor="x", title_standoff=4)
    figure.update_xaxes(title_standoff=4)
    return figure


def action_bars(actions: Mapping[str, float], *, most: int = 10, height: int = 300) -> go.Figure:
    """Draw the strongest facial actions of one face.

    Args:
        actions: name -> activation, 0..1.
        most: how many to show.
        height: pixels.
    """
    named = {name: value for name, value in actions.items() if not name.startswith("_")}
    names = sorted(named, key=lambda name: -named[name])[:most]
    return bars({action_title(name): named[name] for name in names}, ACCENT, height)
