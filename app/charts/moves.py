"""Charts of a face that is moved: the way from one expression to another, and what each action does."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.charts.common import ACCENT, FAINT, plain
from fer_core.draw import EXPRESSION_COLORS
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

AGAINST = "#C2571A"
"""Color of what takes away, beside the accent for what gives."""


def way_chart(
    probabilities: Floats, at: float, ends: tuple[str, str], *, height: int = 300
) -> go.Figure:
    """Draw the seven probabilities along the way from one face to another.

    Args:
        probabilities: (N, 7), the first face on top.
        at: where on the way the face is now, 0..1.
        ends: names of both faces.
        height: pixels.
    """
    places = np.linspace(0, 1, len(probabilities))
    figure = go.Figure(
        [
            go.Scatter(
                x=places,
                y=probabilities[:, number],
                name=name,
                mode="lines",
                line={"color": EXPRESSION_COLORS[name], "width": 3},
                hovertemplate=f"{name}: " + "%{y:.0%}<extra></extra>",
            )
            for number, name in enumerate(EXPRESSIONS)
        ]
    )
    plain(figure, height, right=36)
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        margin_t=32,
    )
    figure.add_vline(at, line={"color": ACCENT, "width": 2, "dash": "dot"})
    figure.update_xaxes(range=[0, 1], tickvals=[0, 1], ticktext=list(ends), gridcolor=FAINT)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", dtick=0.5, gridcolor=FAINT)
    return figure


def effect_bars(effects: Mapping[str, float], *, height: int = 300) -> go.Figure:
    """Draw how much each action gives to a class or takes from it, the strongest on top.

    Args:
        effects: title of an action -> change of the probability, -1..1.
        height: pixels.
    """
    names = sorted(effects, key=lambda name: -abs(effects[name]))
    values = [effects[name] for name in names]
    figure = go.Figure(
        go.Bar(
            x=values,
            y=names,
            orientation="h",
            text=[f"{100 * value:+.0f}" for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [ACCENT if v > 0 else AGAINST for v in values], "cornerradius": 4},
            hovertemplate="%{y}: %{x:+.1%}<extra></extra>",
        )
    )
    plain(figure, height, right=36)
    figure.update_layout(bargap=0.35, minreducedwidth=10)
    limit = max(0.05, *(1.15 * abs(value) for value in values))
    figure.update_xaxes(range=[-limit, limit], showticklabels=False, zerolinecolor=FAINT)
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure
