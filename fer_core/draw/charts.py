"""Figures for pages. Backgrounds are transparent and the text has no colour of its own, so Streamlit's
theme makes them fit a light and a dark page."""

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import plotly.graph_objects as go

from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.draw.heat import COOL, WARM, blend_attention, blend_heat
from fer_core.labels import CIRCUMPLEX, EXPRESSIONS
from fer_core.types import Floats, Image, Reading

CLEAR: Final = "rgba(0,0,0,0)"
FAINT: Final = "rgba(128,136,140,0.22)"
ACCENT: Final = "#13838A"
"""The theme's petrol, at 3:1 or more on the light and on the dark page."""

BESIDE: Final = {"angry": "middle right", "fear": "middle left", "disgust": "middle left"}
"""Where the name of a class stands at its place; above it unless said otherwise."""


def probability_bars(reading: Reading, *, height: int = 300, axis: bool = True) -> go.Figure:
    """The seven probabilities of one face.

    Args:
        height: pixels.
        axis: with its percentages below; without them where it is narrow.
    """
    shares = {name: float(p) for name, p in zip(EXPRESSIONS, reading.probabilities, strict=True)}
    figure = bars(shares, list(EXPRESSION_COLORS.values()), height)
    figure.update_xaxes(showticklabels=axis)
    return figure


def probability_timeline(
    times: Floats, probabilities: Floats, *, window: float = 60, height: int = 260
) -> go.Figure:
    """The seven probabilities over the last seconds.

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
    """The plane of valence and arousal, with the places of the classes and where faces lie and lay.

    Args:
        trails: number of a face -> (N, 2) valence and arousal, oldest first; the last is where it is.
            Several faces carry their numbers.
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
    """The strongest facial actions of one face.

    Args:
        actions: name -> activation, 0..1.
        most: how many to show.
        height: pixels.
    """
    named = {name: value for name, value in actions.items() if not name.startswith("_")}
    names = sorted(named, key=lambda name: -named[name])[:most]
    return bars({action_title(name): named[name] for name in names}, ACCENT, height)


def bars(
    shares: Mapping[str, float],
    color: str | list[str],
    height: int,
    texts: Sequence[str] | None = None,
    *,
    end: float = 1.0,
    right: int = 44,
) -> go.Figure:
    """Name -> 0..1 as bars from the left, the first on top.

    Args:
        height: pixels.
        texts: what stands at the end of each bar; the share unless given.
        end: the share at which the axis ends.
        right: pixels that are kept for the longest text.
    """
    figure = go.Figure(
        go.Bar(
            x=list(shares.values()),
            y=list(shares),
            orientation="h",
            text=texts or [percent(share) for share in shares.values()],
            textposition="outside",
            cliponaxis=False,
            marker={"color": color, "cornerradius": 4},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    plain(figure, height, right=right)
    figure.update_layout(bargap=0.35, minreducedwidth=10)  # names stay whole in a narrow column
    figure.update_xaxes(range=[0, end], tickformat=".0%", dtick=0.25, gridcolor=FAINT)
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure


def action_title(name: str) -> str:
    """``"mouthSmileLeft"`` -> ``"mouth smile left"``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)


def heat_tiles(crop: Image, maps: Mapping[str, Floats], *, size: int = 168) -> dict[str, Image]:
    """Small pictures of several maps on one shared scale, so that they can be compared.

    Warm places speak for the class, cool ones against it; full colour is the strongest place of all maps. Of
    maps as fine as the face a hundredth of the pixels may be stronger: else a few would leave the rest dark.

    Args:
        crop: (S, S) grey aligned face.
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


def _strength(raw: Floats) -> float:
    return float(np.quantile(np.abs(raw), 0.99 if len(raw) >= 24 else 1))


def attention_tiles(crop: Image, attention: Floats, *, size: int = 168) -> list[Image]:
    """Small pictures of where a network looks by itself: green places count more than the average one.

    Args:
        crop: (S, S) grey aligned face.
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


def plain(figure: go.Figure, height: int, *, right: int) -> None:
    """Nothing around the figure that is not data; ``right`` pixels stay free."""
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": right, "t": 4, "b": 0},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(title=None, fixedrange=True)
    figure.update_yaxes(title=None, fixedrange=True)
