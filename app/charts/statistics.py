"""Charts of how good models are and of what datasets hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.charts.common import ACCENT, CLEAR, FAINT, bars, plain
from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

PUBLISHED: Final = "#C2571A"
"""Color of published figures: warm beside the accent, with a contrast of 3:1 or more on both pages."""

ROW: Final = 24
"""Height of a row of dots, in pixels."""

FERPLUS_COLUMNS: Final = (
    *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    *("unknown", "no face"),
)
"""The ten columns of FER+'s votes, as pages name them."""


def accuracy_dots(
    accuracy: Mapping[str, float],
    published: Mapping[str, float],
    *,
    people: tuple[float, float],
) -> go.Figure:
    """Draw how often each model is right, beside what its project published.

    Args:
        accuracy: model -> share, 0..1, the best first, on top.
        published: model -> published share, for the models that have one.
        people: lower and upper accuracy of people, shaded.
    """
    names = list(accuracy)
    shares = [*accuracy.values(), *published.values(), *people]
    figure = go.Figure()
    figure.add_vrect(*people, fillcolor=FAINT, line_width=0, layer="below")
    for name, share in published.items():
        figure.add_shape(
            type="line",
            x0=share,
            x1=accuracy[name],
            y0=name,
            y1=name,
            line={"color": FAINT, "width": 2},
            layer="below",
        )
    figure.add_scatter(
        x=list(published.values()),
        y=list(published),
        name="published",
        mode="markers",
        marker={"color": PUBLISHED, "size": 11, "symbol": "diamond-open", "line": {"width": 2}},
        hovertemplate="%{y}, published: %{x:.1%}<extra></extra>",
    )
    figure.add_scatter(
        x=list(accuracy.values()),
        y=names,
        name="measured here",
        mode="markers",
        marker={"color": ACCENT, "size": 11},
        hovertemplate="%{y}, measured here: %{x:.1%}<extra></extra>",
    )
    plain(figure, ROW * len(names) + 76, right=16)
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "reversed"},
        margin_t=36,
    )
    figure.update_xaxes(
        range=[min(shares) - 0.02, max(shares) + 0.02],
        tickformat=".0%",
        gridcolor=FAINT,
        zeroline=False,
    )
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], ticks="", showgrid=False, automargin=True
    )
    return figure


def share_table(
    counts: NDArray[np.int64] | Sequence[Sequence[int]],
    columns: Sequence[str],
    *,
    rows_are: str,
    columns_are: str,
    height: int = 380,
) -> go.Figure:
    """Draw a table of counts by class as colors, each row in percent of its sum.

    Args:
        counts: (7, K), rows in the order of ``EXPRESSIONS``.
        columns: K names.
        rows_are, columns_are: meaning of the names at the side and on top.
        height: pixels.
    """
    numbers = np.asarray(counts)
    shares = numbers / np.maximum(1, numbers.sum(axis=1, keepdims=True))
    # The theme's middle shades are left out: neither light nor dark text is readable on them.
    shades = np.where(shares < 0.5, 0.9 * shares, 0.76 + 0.24 * shares)
    figure = go.Figure(
        go.Heatmap(
            z=shades,
            x=list(columns),
            y=list(EXPRESSIONS),
            text=[[f"{100 * share:.0f}" for share in row] for row in shares],
            texttemplate="%{text}",
            textfont={"size": 14},
            customdata=numbers,
            xgap=2,
            ygap=2,
            zmin=0,
            zmax=1,
            showscale=False,
            hovertemplate=f"{rows_are} %{{y}}, {columns_are} %{{x}}: "
            "%{customdata:,} faces, %{text} % of the row<extra></extra>",
        )
    )
    plain(figure, height, right=0)
    figure.update_xaxes(side="top", tickangle=-45, ticks="", showgrid=False)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure


def training_curve(
    curve: Sequence[Mapping[str, Any]], *, selected: int | None, height: int = 260
) -> go.Figure:
    """Draw accuracy and loss on PublicTest and Training, and the learning rate, over the epochs.

    Args:
        curve: ``epoch``, ``public_accuracy`` and ``loss`` of each; the last two may be missing. Where epochs
            have them, ``accuracy`` (on Training), ``public_loss`` and ``learning_rate`` are drawn too, the
            last on a logarithmic axis of its own without numbers.
        selected: epoch that was kept, marked by a vertical line.
        height: pixels.
    """
    epochs = [row["epoch"] for row in curve]
    figure = go.Figure()
    figure.add_scatter(
        x=epochs,
        y=[row.get("public_accuracy") for row in curve],
        name="accuracy on PublicTest",
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 5},
        hovertemplate="%{y:.1%}",
    )
    figure.add_scatter(
        x=epochs,
        y=[row.get("loss") for row in curve],
        name="loss on Training",
        yaxis="y2",
        mode="lines",
        line={"color": PUBLISHED, "width": 2, "dash": "dot"},
        hovertemplate="%{y:.2f}",
    )
    _add_optional_lines(figure, curve)
    plain(figure, height, right=0)
    if selected is not None:
        figure.add_vline(selected, line={"color": "#909294", "width": 1})
    figure.update_layout(
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        hovermode="x unified",
        margin={"t": 32 if len(figure.data) == 2 else 72, "b": 28},
        yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "fixedrange": True},
    )
    figure.update_xaxes(title="epoch", title_standoff=4, gridcolor=CLEAR, zeroline=False)
    figure.update_yaxes(gridcolor=FAINT, zeroline=False, selector=0)
    figure.update_layout(yaxis_tickformat=".0%", yaxis2={"gridcolor": CLEAR, "tickformat": ".1f"})
    return figure


def _add_optional_lines(figure: go.Figure, curve: Sequence[Mapping[str, Any]]) -> None:
    """Add the lines of a training curve that only some cards have."""
    epochs = [row["epoch"] for row in curve]
    for key, name, axis, color, number in (
        ("accuracy", "accuracy on Training", "y", ACCENT, ".1%"),
        ("public_loss", "loss on PublicTest", "y2", PUBLISHED, ".2f"),
        ("learning_rate", "learning rate", "y3", "#909294", ".2g"),
    ):
        if any(key in row for row in curve):
            figure.add_scatter(
                x=epochs,
                y=[row.get(key) for row in curve],
                name=name,
                yaxis=axis,
                mode="lines",
                line={
                    "color": color,
                    "width": 1.5,
                    "dash": "dot" if key == "accuracy" else "solid",
                },
                hovertemplate=f"%{{y:{number}}}",
            )
    if any("learning_rate" in row for row in curve):
        figure.update_layout(yaxis3={"overlaying": "y", "type": "log", "visible": False})


def reliability_diagram(rows: Sequence[Mapping[str, float]], *, height: int = 260) -> go.Figure:
    """Draw how often a model is right where it is that confident, beside the line of perfect calibration.

    Args:
        rows: ``confidence``, ``accuracy`` and ``share`` of the faces of each bin, all 0..1.
        height: pixels.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "#909294", "width": 1}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[row["confidence"] for row in rows],
        y=[row["accuracy"] for row in rows],
        customdata=[row["share"] for row in rows],
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        # The area of a dot grows with the share of the faces.
        marker={"size": [6 + 24 * row["share"] ** 0.5 for row in rows]},
        hovertemplate="probability %{x:.0%}, right %{y:.0%}, %{customdata:.1%} of the faces"
        "<extra></extra>",
    )
    plain(figure, height, right=8)
    figure.update_layout(showlegend=False, margin_b=36)
    figure.update_xaxes(
        title="largest probability",
        title_standoff=4,
        range=[0, 1.02],
        tickformat=".0%",
        gridcolor=CLEAR,
        zeroline=False,
    )
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", gridcolor=FAINT, zeroline=False)
    return figure


def class_counts(counts: NDArray[np.int64], *, most: float, height: int = 250) -> go.Figure:
    """Draw how many faces each class has.

    Args:
        counts: (7,) in the order of ``EXPRESSIONS``.
        most: share at which the axis ends, so that several charts can be compared.
        height: pixels.
    """
    shares = dict(zip(EXPRESSIONS, (counts / max(1, counts.sum())).tolist(), strict=True))
    texts = [f"{n:,} · {percent(s)}" for n, s in zip(counts, shares.values(), strict=True)]
    figure = bars(shares, list(EXPRESSION_COLORS.values()), height, texts, end=most, right=88)
    figure.update_xaxes(visible=False)
    return figure


def vote_bars(votes: Floats, *, takers: int = 10) -> go.Figure:
    """Draw how people voted on one face: only classes with votes, the most frequent on top.

    Args:
        votes: (10,) in the columns of ``fer2013new.csv``.
        takers: number of people who voted, at which the axis ends.
    """
    cast = [number for number in np.argsort(-votes, kind="stable").tolist() if votes[number] > 0]
    shares = {FERPLUS_COLUMNS[number]: float(votes[number]) / takers for number in cast}
    colors = [EXPRESSION_COLORS.get(name, ACCENT) for name in shares]
    texts = [f"{votes[number]:.0f}" for number in cast]
    figure = bars(shares, colors, 22 * len(cast) + 8, texts, right=16)
    figure.update_xaxes(visible=False)
    return figure
