"""The size of a cover, asked for in the same way wherever a part of a face is covered."""

from typing import Final

import streamlit as st

from fer_core.explain.covers import MARGIN

SIZES: Final = {0.0: "snug", 0.15: "small", MARGIN: "medium", 0.4: "large", 0.5: "very large"}
"""Margin of a cover, in inter-ocular distances -> its size in words."""


def choose_cover_margin(page: str, label: str = "Size of the cover") -> float:
    """Ask for the size of covers; return their margin, in inter-ocular distances.

    Args:
        page: prefix of the widget's key.
    """
    return float(
        st.select_slider(
            label,
            list(SIZES),
            value=MARGIN,
            format_func=SIZES.__getitem__,
            key=f"{page}_cover_size",
            persist_state="session",
            width=320,
            help="How far it reaches beyond the part: not at all, or up to half the distance of the eyes.",
        )
    )
