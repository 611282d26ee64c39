"""Explain: where the evidence for each class lies, and whether the map that says so is true."""

from typing import Final

import streamlit as st

from app.explain.answer import render_answer, render_downloads
from app.explain.averages import render_averages
from app.explain.choice import choose_question
from app.explain.classes import render_classes
from app.explain.covering import render_covering
from app.explain.methods import render_methods
from app.explain.proof import render_proof
from app.explain.question import Question
from app.explain.regions import render_regions
from app.session import open_page

VIEWS: Final = {
    "All classes": render_classes,
    "Methods": render_methods,
    "Regions": render_regions,
    "Cover it yourself": render_covering,
    "Is it true?": render_proof,
    "Average faces": render_averages,
}
"""Ways to go on from one map; each is computed when it is opened."""


def main() -> None:
    """Ask for a face and a class of it, show its map, ways to go on and downloads."""
    settings = open_page("explain")
    st.title("Explain")
    st.markdown(
        "Why this class? A map shows which places of the face speak for it. Then find out whether the map "
        "is true."
    )
    question, places = choose_question(settings)
    with st.spinner(f"Computing the maps by {question.method.title} …"):
        question.compute()
    render_answer(question, places, settings.method)
    render_views(question)
    render_downloads(question)


def render_views(question: Question) -> None:
    """Show the tab that is open."""
    tabs = st.tabs(list(VIEWS), key="explain_view", on_change="rerun", bind="query-params")
    for tab, render in zip(tabs, VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                render(question)


if __name__ == "__main__":
    main()
