"""What all charts share. Backgrounds are transparent and the text has no color of its own, so Streamlit's
theme makes them fit a light and a dark page."""

from collections.abc import Mapping, Sequence
from typing import Final

# Plotly takes whatever lies under this name in sys.modules, also while another viewer's thread imports it
# (st.dataframe does): of viewers who came first together, one saw an error. So it is whole before any chart.
import pandas  # noqa: F401
import plotly.graph_objects as go

from fer_core.draw import percent

CLEAR: Final = "rgba(0,0,0,0)"
FAINT: Final = "rgba(128,136,140,0.22)"
WIDEST_TEXT: Final = 50
"""Pixels that "> 99 %" takes at the end of a bar."""
ACCENT: Final = "#13838A"
"""The theme's petrol, with a contrast of 3:1 or more on the light and on the dark page."""


def bars(
    shares: Mapping[str, float],
    color: str | list[str],
    height: int,
    texts: Sequence[str] | None = None,
    *,
    end: float = 1.0,
    right: int = WIDEST_TEXT,
) -> go.Figure:
    """Draw name -> 0..1 as bars from the left, the first on top.

    Args:
        height: pixels.
        texts: text at the end of each bar; the share by default.
        end: share at which the axis ends.
        right: pixels reserved for the longest text.
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


def plain(figure: go.Figure, height: int, *, right: int) -> None:
    """Remove all around the figure that is not data; ``right`` pixels stay free."""
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
