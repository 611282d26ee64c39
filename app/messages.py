"""Sentences about what went wrong, and text that comes from outside, shown as text."""

import re
from typing import Final

import streamlit as st

from fer_core.images import ImageError

MARKUP: Final = re.compile(
    r"[\\`*\[\]<>~$]"  # code, emphasis, links and pictures, HTML, formulas
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis: not within a word
    r"|&(?=[\w#])"  # character references
    r"|^[#+-]"  # headings and lists
)
"""Characters that a backslash turns into text."""

NUMBERED: Final = re.compile(r"^(\d+)(?=[.)](\s|$))")
"""Number of a list's item, whose point is text after a backslash."""

REPLACED: Final = re.compile(
    r"(?<=:)(?=\w)"  # icons and emoji, such as :material/home:
    r"|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)"  # addresses become links
    r"|(?<=-)(?=\\?[->])|(?<=[<>])(?=[-=])",  # and some signs dashes and arrows
    re.IGNORECASE,
)
"""Places within what Streamlit replaces whether or not a backslash stands before it."""

WORD_JOINER: Final = "\u2060"
"""Invisible character that parts an address or an arrow."""


def show_error(error: Exception) -> None:
    """Show the sentence of an error that the viewer or the host can fix."""
    st.error(as_text(str(error)), icon=":material/error:")


def show_unreadable(error: ImageError) -> None:
    """Show why a picture without a name cannot be read."""
    sentence = str(error)  # it begins with "the file"
    st.error(as_text(sentence[:1].upper() + sentence[1:]), icon=":material/broken_image:")


def as_text(words: str) -> str:
    """Return words in which Streamlit finds no pictures, links, formulas, icons or styles.

    A file name is text, not markdown: an image link in it would make the viewer's browser ask a stranger's
    server.
    """
    escaped = NUMBERED.sub(r"\1\\", MARKUP.sub(r"\\\g<0>", " ".join(words.split())))
    return REPLACED.sub(WORD_JOINER, escaped)
