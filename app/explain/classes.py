"""All classes: the seven maps side by side."""

import streamlit as st

from app.explain.question import Question
from fer_core import EXPRESSIONS
from fer_core.draw import percent
from fer_core.draw.tiles import heat_tiles


def render_classes(question: Question) -> None:
    """Show all seven maps side by side; a press on one asks for it."""
    st.caption(
        "All seven on one scale: full color is the strongest place of all maps, so a class without evidence "
        "looks empty. Choose one to see it alone above, on a scale of its own."
    )
    tiles = heat_tiles(question.crop, question.maps)
    with st.grid(7, min_column_width=104, gap="xsmall"):
        for name, p in zip(EXPRESSIONS, question.reading.probabilities, strict=True):
            with st.container(gap="xxsmall"):
                st.image(tiles[name], width="stretch", alt=f"Map of the evidence for {name}")
                st.button(
                    f"{name} {percent(float(p))}",
                    type="primary" if name == question.target else "secondary",
                    width="stretch",
                    key=f"explain_show_{name}",
                    on_click=choose_class,
                    args=(name,),
                )


def choose_class(name: str) -> None:
    """Ask for another class."""
    st.session_state.explain_class = name
