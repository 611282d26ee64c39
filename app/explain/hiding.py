"""Hide it with a finger: a square on the face, whose effect is known in the browser before it moves."""

from pathlib import Path
from typing import Any, Final

import streamlit as st

from app.explain.question import Question
from app.pictures import png_address
from fer_core.draw import EXPRESSION_COLORS, percent
from fer_core.labels import EXPRESSIONS
from fer_core.models.base import GRAY_MEAN
from fer_core.types import Floats

HTML: Final = f"""
<div class="hiding">
  <div class="face" tabindex="0" role="application"
       aria-label="The face. Arrow keys move a gray square over it, Escape removes it.">
    <img alt="">
    <div class="square" style="background: rgb({", ".join(3 * [str(round(255 * GRAY_MEAN))])})" hidden></div>
  </div>
  <div class="bars"></div>
  <div class="spoken" aria-live="polite"></div>
</div>
"""

_FOLDER: Final = Path(__file__).parent

HIDING: Final = st.components.v2.component(
    "hiding",
    html=HTML,
    css=(_FOLDER / "hiding.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "hiding.js").read_text(encoding="utf-8"),
)
"""Streamlit component: it gets what ``hiding_data`` returns, and sends nothing back."""


def render_hiding(question: Question, margin: float) -> None:
    """Show the face, and how the seven probabilities follow a square that is moved over it.

    Args:
        margin: size of the covers of this page, in inter-ocular distances.
    """
    st.markdown(
        "**Hide a place**: move the mouse or a finger over the face, or focus it and use the arrow keys. "
        "The black marks are the answer for the uncovered face."
    )
    side = square_side(margin)
    with st.spinner("Covering one place after another …"):
        covered = question.cover_grid(side)
    HIDING(key="explain_hiding", data=hiding_data(question, covered, side))


def square_side(margin: float) -> float:
    """Return the side of the square for a margin of covers, as a fraction of the face's side.

    With the default margin of 0.3 it is a third of the side, and covers half the area of a covered mouth.
    """
    return 0.15 + 0.6 * margin


def hiding_data(question: Question, covered: Floats, side: float) -> dict[str, Any]:
    """Return what the browser needs.

    Args:
        covered: (n, n, 7) probabilities with the square at each cell.
        side: of the square, as a fraction of the face's side.
    """
    return {
        "face": png_address(question.crop),
        "side": side,
        "cells": len(covered),
        "names": list(EXPRESSIONS),
        "colors": [EXPRESSION_COLORS[name] for name in EXPRESSIONS],
        "whole": _shares(question.reading.probabilities),
        "covered": [_shares(row) for row in covered.reshape(-1, len(EXPRESSIONS))],
    }


def _shares(probabilities: Floats) -> dict[str, list[Any]]:
    """Return lengths and texts of the bars."""
    values = [float(p) for p in probabilities]
    return {"values": [round(p, 4) for p in values], "texts": [percent(p) for p in values]}
