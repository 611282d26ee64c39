"""Limits: what the numbers do not mean, and where the app must not be used."""

from pathlib import Path
from typing import Final

import streamlit as st

from app.session import open_page

LIMITS: Final = Path(__file__).parent.parent / "docs" / "limits.md"


def main() -> None:
    """Show the document on limits."""
    open_page("limits")
    _, text, _ = st.columns((1, 4, 1))
    text.markdown(LIMITS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
