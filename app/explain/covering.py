"""Cover it yourself: parts of the face or drawn boxes, and whether the map predicted what they do."""

from typing import Final

import streamlit as st

from app.charts.evidence import before_and_after, drawing_board
from app.charts.readings import probability_bars
from app.covers import choose_cover_margin
from app.explain.hiding import render_hiding
from app.explain.question import Question
from app.verdicts import UNCLEAR, verdict
from app.widgets import chart
from fer_core import EXPRESSIONS
from fer_core.draw import percent
from fer_core.draw.overlay import headline
from fer_core.explain import COVERS, Cover, OcclusionTest, part_cover
from fer_core.explain.covers import HALVES, drawn_cover


def render_covering(question: Question) -> None:
    """Show the square that follows the pointer, then covers that stay and whether the map predicted them."""
    margin = choose_cover_margin("explain")
    render_hiding(question, margin)
    st.space("small")
    st.markdown(
        f"The map says where the evidence for *{question.target}* lies. **Cover a place that you think "
        "counts**: press its name, or draw a box on the face. Did the map predict what happens?"
    )
    polygons = choose_cover(question, margin)
    board, answer = st.columns((2, 3), gap="large")
    test = None
    if polygons:
        with st.spinner("Asking the network …"):
            test = question.occlusion_test(polygons)
    with board:
        chart(
            drawing_board(question.crop if test is None else test.covered, polygons),
            board_key(),
            "The face, on which boxes can be drawn",
            on_select=add_drawn,
            selection="box",
        )
        st.caption(
            "Several parts and boxes add up. The size decides: move it, and watch the answer."
        )
    with answer:
        render_answer(question, test)


def choose_cover(question: Question, margin: float) -> Cover:
    """Ask for the parts of the face to cover; return their covers with the boxes that were drawn.

    Args:
        margin: of the covers, in inter-ocular distances.
    """
    boxes: Cover = st.session_state.get("explain_boxes", ())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = st.pills(
            "Cover",
            [*COVERS, *HALVES],
            selection_mode="multi",
            wrap=True,
            key="explain_covers",
            persist_state="session",
        )
        st.button(
            "Uncover",
            icon=":material/undo:",
            type="tertiary",
            disabled=not (names or boxes),
            key="explain_uncover",
            on_click=uncover,
        )
    parts = (part_cover(question.landmarks, name, margin) for name in names)
    return (*(polygon for each in parts for polygon in each), *boxes)


def render_answer(question: Question, test: OcclusionTest | None) -> None:
    """Show the probabilities of the whole face, and of the covered one beside them."""
    if test is None:
        chart(
            probability_bars(question.reading, height=320),
            "explain_uncovered",
            f"Probabilities of the whole face: {headline(question.reading)}",
        )
        return
    st.markdown(describe_verdict(test))
    chart(
        before_and_after(test.before, test.after, height=360),
        "explain_covered",
        "Probabilities of the whole and of the covered face",
    )
    with st.expander("Compared with covers on other places"):
        st.markdown(describe_comparison(test))


VERDICTS: Final = {
    "right": verdict(True, "Right: the map predicted this."),
    "wrong": verdict(False, "Wrong: the map predicted something else."),
    "too small": f"{UNCLEAR} **Too small to tell:** the heat there is near the share of the face.",
}
"""Verdict of an occlusion test -> what the page says."""


def describe_verdict(test: OcclusionTest) -> str:
    """Return in words whether the map predicted what the cover did, by sizes that can be seen."""
    index = EXPRESSIONS.index(test.target)
    before, after = (percent(float(values[index])) for values in (test.before, test.after))
    return (
        f"{VERDICTS[test.verdict]} You covered {percent(test.area)} of the face, with {percent(test.heat)} "
        f"of the heat; *{test.target}* went from {before} to {after}."
    )


def describe_comparison(test: OcclusionTest) -> str:
    """Return how the cover compares with equal ones on other places."""
    return (
        f"- More heat was under it than under {percent(test.heat_rank)} of equal covers on other places.\n"
        f"- *{test.target}* has {abs(test.lost):.2f} logits {'less' if test.lost >= 0 else 'more'}: it lost "
        f"more than by {percent(test.lost_rank)} of the equal covers.\n"
        f"- Over all these places, covered heat and lost logits go together with r = "
        f"{test.correlation:.2f}; 1 would be a perfect map, 0 chance."
    )


def board_key() -> str:
    """Return the key of the board; a chart of another name starts without the box that was drawn."""
    return f"explain_drawn_{st.session_state.get('explain_board', 0)}"


def uncover() -> None:
    """Remove every cover."""
    st.session_state.explain_covers = []
    keep_boxes(())


def add_drawn() -> None:
    """Add the box that was drawn last."""
    drawn = st.session_state[board_key()].selection.get("box", [])
    if boxes := drawn_cover([(*box["x"], *box["y"]) for box in drawn]):
        keep_boxes((*st.session_state.get("explain_boxes", ()), *boxes))


def keep_boxes(boxes: Cover) -> None:
    """Replace the boxes that were drawn on the face."""
    st.session_state.explain_boxes = boxes
    st.session_state.explain_board = st.session_state.get("explain_board", 0) + 1
