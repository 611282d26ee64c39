"""Sentences about what went wrong, and text that comes from outside, shown as text."""

import re

import streamlit as st

from fer_core.images import ImageError


def show_error(error: Exception) -> None:
    """Show the sentence of an error that the viewer or the host can fix."""
    st.error(as_text(str(error)), icon=":material/error:")


def show_unreadable(error: ImageError) -> None:
    """Show why a picture without a name cannot be read."""
    sentence = str(error)  # it begins with "the file"
    st.error(sentence[:1].upper() + sentence[1:], icon=":material/broken_image:")


def as_text(words: str) -> str:
    """Return words in which Streamlit finds no pictures, links, formulas or styles.

    A file name is text, not markdown: an image link in it would make the viewer's browser ask a stranger's
    server.
    """
    return re.sub(r"([\\`*\[\]<>~$])", r"\\\1", words)
