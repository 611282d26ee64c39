"""Charts of where evidence lies and of whether maps are true."""

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import plotly.graph_objects as go

from app.charts.common import ACCENT, CLEAR, FAINT, WIDEST_TEXT, plain
from app.pictures import png_address
from fer_core.draw import percent
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats, Image

GREEN: Final = "#2C9A4B"
"""Color of a network's own attention, as on its maps."""
GRAY: Final = "#808A8E"
"""Color of what was assumed, or comes by chance."""
LINES: Final = (ACCENT, "#C2571A", "#7A5CC4", "#2C9A4B", "#B0448A", "#9A7A12", "#3B6FC4", "#C03A3A")
"""Colors of several maps, with a contrast of 3:1 or more on the light and on the dark page."""


def share_dots(
    heat: Mapping[str, float],
    area: Mapping[str, float],
    attention: Mapping[str, float],
    *,
    height: int = 330,
) -> go.Figure:
    """Draw how much of the evidence each place holds, beside its area and the network's own attention to it.

    Args:
        heat: place -> share of the positive heat, 0..1; the first stands on top.
        area: place -> share of the face's square.
        attention: place -> weight, for the places that the network weighs.
        height: pixels.
    """
    figure = go.Figure()
    for place, share in heat.items():
        figure.add_shape(
            type="line",
            x0=area.get(place, share),
            x1=share,
            y0=place,
            y1=place,
            line={"color": FAINT, "width": 3},
            layer="below",
        )
    for name, shares, color, symbol in (
        ("if it were spread evenly", area, GRAY, "line-ns-open"),
        ("the network's own attention", attention, GREEN, "diamond-open"),
        ("heat of the map", heat, ACCENT, "circle"),
    ):
        if not shares:
            continue
        figure.add_scatter(
            x=list(shares.values()),
            y=list(shares),
            name=name,
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 13, "line": {"width": 3}},
            hovertemplate=f"%{{y}}, {name}: %{{x:.0%}}<extra></extra>",
        )
    plain(figure, height, right=12)
    _legend_above(figure)
    places = list(dict.fromkeys([*heat, *attention]))
    figure.update_xaxes(rangemode="tozero", tickformat=".0%", gridcolor=FAINT, zeroline=False)
    figure.update_yaxes(
        categoryorder="array", categoryarray=places[::-1], ticks="", showgrid=False, automargin=True
    )
    return figure


def curves(
    shares: Floats, lines: Mapping[str, Floats], *, x_title: str, height: int = 300
) -> go.Figure:
    """Draw a probability while more and more of a face is hidden or shown.

    Args:
        shares: (n,) of the face, 0..1.
        lines: name -> (n,) probabilities; baselines, whose names start with "random" or "center", are gray
            and dashed.
        height: pixels.
    """
    figure = go.Figure()
    colors = iter(LINES)
    for name, line in lines.items():
        baseline = name.startswith(("random", "center"))
        figure.add_scatter(
            x=shares,
            y=line,
            name=name,
            mode="lines",
            line={
                "color": GRAY if baseline else next(colors),
                "width": 2 if baseline else 3,
                "dash": {"random": "dot", "center": "dash"}.get(name.split()[0], "solid"),
            },
            hovertemplate=f"{name}: %{{y:.0%}}<extra></extra>",
        )
    plain(figure, height, right=12)
    _legend_above(figure)
    figure.update_xaxes(title=x_title, range=[0, 1], tickformat=".0%", dtick=0.25, gridcolor=CLEAR)
    figure.update_yaxes(range=[0, 1], tickformat=".0%", dtick=0.25, gridcolor=FAINT, zeroline=False)
    return figure


def before_and_after(before: Floats, after: Floats, *, height: int = 300) -> go.Figure:
    """Draw the seven probabilities of a face twice, before and after it is covered.

    Args:
        before, after: (7,) in the order of ``EXPRESSIONS``.
        height: pixels.
    """
    figure = go.Figure()
    for name, probabilities, color in (("covered", after, ACCENT), ("whole face", before, GRAY)):
        figure.add_bar(
            x=probabilities,
            y=list(EXPRESSIONS),
            name=name,
            orientation="h",
            marker={"color": color, "cornerradius": 3},
            text=[percent(float(p)) for p in probabilities],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}, {name}: %{{x:.1%}}<extra></extra>",
        )
    plain(figure, height, right=WIDEST_TEXT)
    _legend_above(figure)
    figure.update_layout(bargap=0.25, bargroupgap=0.1, legend_traceorder="reversed")
    figure.update_xaxes(range=[0, 1], tickformat=".0%", dtick=0.25, gridcolor=FAINT)
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure


def drawing_board(
    picture: Image, polygons: Sequence[Sequence[tuple[float, float]]], *, side: int = 380
) -> go.Figure:
    """Draw a square picture on which boxes can be drawn with the pointer; what is covered is marked.

    Args:
        picture: (S, S) gray or (S, S, 3) RGB uint8.
        polygons: corners (x, y) of what is covered, as fractions of the square.
        side: pixels.
    """
    rgb = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture
    figure = go.Figure()
    # Plotly selects points alone: a fine grid of invisible ones makes every box count.
    ticks = (np.arange(24) + 0.5) / 24
    columns, rows = np.meshgrid(ticks, ticks)
    figure.add_scatter(
        x=columns.ravel(),
        y=rows.ravel(),
        mode="markers",
        marker={"opacity": 0, "size": 4},
        hoverinfo="skip",
    )
    large = cv2.resize(rgb, (2 * side, 2 * side), interpolation=cv2.INTER_NEAREST)
    figure.add_layout_image(
        source=png_address(np.asarray(large, np.uint8)),
        **{"xref": "x", "yref": "y", "x": 0, "y": 0, "sizex": 1, "sizey": 1},
        sizing="stretch",
        layer="below",
    )
    for polygon in polygons:
        path = "M " + " L ".join(f"{x:.4f},{y:.4f}" for x, y in polygon) + " Z"
        figure.add_shape(type="path", path=path, line={"color": ACCENT, "width": 3})
    plain(figure, side, right=0)
    figure.update_layout(
        dragmode="select", margin={"t": 0}, newselection={"line": {"color": ACCENT}}
    )
    hidden = {"visible": False, "constrain": "domain"}
    figure.update_xaxes(range=[0, 1], **hidden)
    figure.update_yaxes(range=[1, 0], scaleanchor="x", **hidden)
    return figure


def _legend_above(figure: go.Figure) -> None:
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        margin_t=40,
    )
