"""The leaderboard of the page Models: a table, a chart, and how to read the figures."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from app.charts.statistics import accuracy_dots
from app.messages import show_error
from app.models.detail import show_detail
from app.widgets import chart, download
from fer_core import list_models
from fer_core.errors import UserError
from fer_core.evaluation import leaderboard
from fer_core.evaluation.leaderboard import HUMAN_ACCURACY, LeaderboardRow
from fer_core.export import csv_text

COLUMNS: Final = (
    *("name", "consensus", "accuracy", "unseen", "published", "macro_f1", "ferplus"),
    *("parameters", "mb", "ms", "about"),
)
"""Order of the table's columns; ``ms`` is left out until a speed has been measured."""

SCROLLING: Final = 12
"""Most rows of a table that is shown in full height."""


@st.cache_resource
def timings() -> dict[str, float]:
    """Return model -> milliseconds a face on this machine, for measured models; shared by all viewers."""
    return {}


def render_leaderboard(rows: Sequence[LeaderboardRow]) -> None:
    """Show all measured models, the most accurate first.

    Args:
        rows: at least one.
    """
    best = rows[0]
    st.markdown(
        f"All models were tested on the same {best.n:,} faces. "
        "**Click a row** to see more of a model, a heading to sort."
    )
    table = st.container()
    buttons = st.container(horizontal=True, vertical_alignment="center")
    progress = st.container()
    names = [row.name for row in rows]
    with buttons:
        if any(name not in timings() for name in names) and st.button(
            "Measure the speed on this machine", icon=":material/speed:", key="models_speed"
        ):
            with progress:
                measure_speed(names)
        download("Leaderboard as CSV", partial(leaderboard_csv, rows), "leaderboard.csv")
    with table:
        render_table(rows)
    dots, words = st.columns((3, 2), gap="large", vertical_alignment="center")
    with dots:
        render_accuracy(rows)
    with words:
        render_notes(rows)


def render_table(rows: Sequence[LeaderboardRow]) -> None:
    """Show the table; a click on a row chooses its model."""
    st.dataframe(
        [table_row(row) for row in rows],
        hide_index=True,
        height="content" if len(rows) <= SCROLLING else 460,
        placeholder="–",
        key="models_table",
        on_select=partial(choose_clicked, [row.name for row in rows]),
        selection_mode=["single-row", "single-cell"],  # a click anywhere, or the box at its left
        column_order=[name for name in COLUMNS if name != "ms" or timings()],
        column_config=table_columns(),
    )


def table_columns() -> dict[str, Any]:
    """Return title, format and explanation of each column of the table."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "name": text("model", pinned=True, width=150),
        "about": text("what it is", width=380),
        "consensus": number(
            format="%.1f %%",
            help="Accuracy on the test faces whose FER2013 label is the majority of FER+'s votes too: where "
            "those who labeled them agree.",
        ),
        "accuracy": number(
            format="%.1f %%", help="Share of FER2013's test faces for which it is right."
        ),
        "unseen": number(
            "no copies",
            format="%.1f %%",
            help="The same without the test faces that are also among FER2013's training faces: a model "
            "that learns faces by heart falls here.",
        ),
        "published": number(
            format="%.1f %%",
            help="Figure that was published by the project from which the model comes; its own training, "
            "often other data and another way to measure.",
        ),
        "macro_f1": number(
            "macro F1",
            format="%.3f",
            help="Mean over the classes; rare ones count as much as others.",
        ),
        "ferplus": number(
            "FER+", format="%.1f %%", help="How often it agrees with the majority of ten people."
        ),
        "parameters": number(format="compact", help="Numbers that were learned."),
        "mb": number("MB", format="%.1f", help="Size of its file."),
        "ms": number(
            "ms a face",
            format="%.1f",
            help="On this machine, one face at a time, without finding it.",
        ),
    }


def table_row(row: LeaderboardRow) -> dict[str, Any]:
    """Return a model as a row of the table; shares are in percent."""
    return {
        "name": row.name,
        "consensus": in_percent(row.consensus_accuracy),
        "accuracy": in_percent(row.accuracy),
        "unseen": in_percent(row.unseen_accuracy),
        "published": in_percent(row.published_share),
        "about": row.about,
        "macro_f1": row.macro_f1,
        "ferplus": in_percent(row.ferplus_accuracy),
        "parameters": row.parameters,
        "mb": row.file_mb,
        "ms": timings().get(row.name),
    }


def in_percent(share: float | None) -> float | None:
    """Return a share of 0..1 in percent; None stays None."""
    return None if share is None else 100 * share


def choose_clicked(names: Sequence[str]) -> None:
    """Choose the model whose row was clicked anywhere, and bring its detail into view."""
    selection = st.session_state.models_table.selection
    rows = [row for row, _ in selection.cells] or selection.rows
    if rows:
        st.session_state.models_chosen = names[rows[0]]
        show_detail()


def measure_speed(names: Sequence[str]) -> None:
    """Run every model that has not been measured on this machine yet."""
    bar = st.progress(0.0)
    for number, name in enumerate(names):
        bar.progress(number / len(names), f"Measuring {name} …")
        try:
            if name not in timings():
                timings()[name] = leaderboard.milliseconds(name)
        except (UserError, OSError) as error:
            show_error(error)
    bar.empty()


def leaderboard_csv(rows: Sequence[LeaderboardRow]) -> str:
    """Return the leaderboard as the text of a CSV file; shares are 0..1."""
    records = [
        {
            "name": row.name,
            "family": row.family,
            "n": row.n,
            "consensus_accuracy": row.consensus_accuracy,
            "accuracy": row.accuracy,
            "unseen_accuracy": row.unseen_accuracy,
            "macro_precision": round(row.macro("precision"), 4),
            "macro_recall": round(row.macro("recall"), 4),
            "macro_f1": row.macro_f1,
            "ece": row.ece,
            "ferplus_accuracy": row.ferplus_accuracy,
            "parameters": row.parameters,
            "file_mb": round(row.file_mb, 2),
            "published": row.published,
            "ms_per_face_here": timings().get(row.name),
        }
        for row in rows
    ]
    return csv_text(records, list(records[0]))


def render_accuracy(rows: Sequence[LeaderboardRow]) -> None:
    """Show the accuracy of each model beside the published figure and that of people."""
    best = rows[0]
    figure = accuracy_dots(
        {row.name: row.accuracy for row in rows},
        {row.name: row.published_share for row in rows if row.published_share is not None},
        people=HUMAN_ACCURACY,
    )
    alt = f"Accuracy of {len(rows)} models; the best is {best.name}, {best.accuracy:.1%}"
    chart(figure, "models_dots", alt)


def render_notes(rows: Sequence[LeaderboardRow]) -> None:
    """Say how to read the figures, and which models have none."""
    best = rows[0]
    st.markdown(
        "- The gray band is **people**: they agree with these labels in 65 ± 5 % of cases, since many of the "
        "faces could be called this or that.\n"
        f"- With {best.n:,} faces a figure is sure to **± {100 * best.margin:.1f} points**. Models closer "
        "than that are level.\n"
        "- Each face was predicted **once**, without averaging over its mirror image.\n"
        "- *PublicTest* chose which epoch and settings of a training were kept. Only then was *PrivateTest* "
        "read, which gives the figures here. Choosing on the test faces gives higher figures that mean less."
    )
    names = {row.name for row in rows}
    unmeasured = [name for name in list_models() if name not in names]
    if unmeasured:
        st.caption(f"Not measured yet: {', '.join(unmeasured)}.")
