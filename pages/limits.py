"""Limits: what the numbers do not mean, and where this must not be used."""

from pathlib import Path

import streamlit as st

from app.session import come_in

LIMITS = Path(__file__).parent.parent / "docs" / "limits.md"

come_in("limits")

_, text, _ = st.columns((1, 4, 1))
text.markdown(LIMITS.read_text(encoding="utf-8"))
