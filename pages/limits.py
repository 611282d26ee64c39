"""Limits: what the numbers do not mean, and where this must not be used."""

from pathlib import Path

import streamlit as st

LIMITS = Path(__file__).parent.parent / "docs" / "limits.md"

if "analyzer" not in st.session_state:
    st.switch_page("streamlit_app.py")  # opened by its own address on a fresh server: no router yet

_, text, _ = st.columns((1, 4, 1))
text.markdown(LIMITS.read_text(encoding="utf-8"))
