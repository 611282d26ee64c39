"""FER2013's labels beside FER+'s votes, on the page Data."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st

from app.charts.statistics import share_table, vote_bars
from app.data.sets import VOTES_FILE, with_square_pixels
from app.widgets import chart
from fer_core import EXPRESSIONS
from fer_core.data import FaceSet
from fer_core.data.label_agreement import VOTED_EXPRESSIONS, Agreement, label_agreement

DISAGREEING: Final = 8
"""Most faces that are shown of one cell of the table."""


@dataclass(frozen=True)
class LabelCell:
    """A cell of the table: faces with one label and one class by votes."""

    label: str
    """FER2013's class."""
    voted: str
    """FER+'s class."""
    numbers: tuple[int, ...]
    """Positions of the faces in their set."""


def render_agreement(faces: FaceSet) -> None:
    """Show where labels and votes name different classes; say which file is needed without votes."""
    agreement = label_agreement(faces)
    if agreement is None:
        st.subheader("Where people disagree")
        st.caption(
            f"Choose FER2013's table and `{VOTES_FILE}` above to see where its labels and ten people's votes "
            "name different classes."
        )
        return
    st.subheader("Where FER2013's labels and FER+'s votes disagree")
    st.markdown(
        "FER2013 gave each face one label. Later ten people voted on each (FER+). Both name the same class "
        f"for **{100 * agreement.share:.1f} %** of the faces. For {agreement.unknown:,} of {len(faces):,} "
        "the votes name none."
    )
    table, cell = st.columns((3, 2), gap="large")
    with table:
        figure = share_table(
            agreement.counts, VOTED_EXPRESSIONS, rows_are="FER2013", columns_are="FER+"
        )
        chart(figure, "data_agreement", "FER2013's classes against those of FER+")
        st.caption(
            "A row is FER2013's label; its numbers say which class most of the ten named, in percent."
        )
    with cell:
        chosen = choose_cell(agreement)
        st.metric("Faces", f"{len(chosen.numbers):,}")
    render_disagreeing(faces, chosen)


def choose_cell(agreement: Agreement) -> LabelCell:
    """Ask for a label and a class by votes; at first those of the most frequent disagreement."""
    row, column = agreement.largest_disagreement()
    label = st.selectbox("FER2013 says", EXPRESSIONS, index=row, key="data_labeled")
    voted = st.selectbox(
        "Most of ten people say", VOTED_EXPRESSIONS, index=column, key="data_voted"
    )
    numbers = agreement.faces(EXPRESSIONS.index(label), VOTED_EXPRESSIONS.index(voted))
    return LabelCell(label, voted, tuple(numbers.tolist()))


def render_disagreeing(faces: FaceSet, cell: LabelCell) -> None:
    """Show some faces of a cell at random, each with its ten votes."""
    random = np.random.default_rng(st.session_state.data_wall)
    numbers = random.permutation(np.array(cell.numbers, int))[:DISAGREEING]
    with st.grid(4, min_column_width=160):
        for number in numbers.tolist():
            with st.container(border=True, gap="small", height="stretch"):
                picture = with_square_pixels(faces.images[number])
                st.image(picture, width=96, alt=f"A face labeled {cell.label}")
                st.caption(f"FER2013: **{cell.label}**, FER+: **{cell.voted}**")
                if faces.votes is not None:
                    figure = vote_bars(faces.votes[number])
                    chart(figure, f"data_votes_{number}", f"Ten votes, most for {cell.voted}")
