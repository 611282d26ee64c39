"""Pictures that viewers give: which files a page takes, and how large they may be."""

import re
from typing import Final

import streamlit as st

from fer_core.images import (
    MAX_JPEG_MEGAPIXELS,
    SUFFIXES,
    DecodedImage,
    ImageError,
    decode_image,
)

MAX_UPLOAD_MEGAPIXELS: Final = 25
"""Largest decoded picture on the pages, whose viewers share the server's memory; a larger JPEG is scaled."""

PICTURE_TYPES: Final = [suffix.removeprefix(".") for suffix in SUFFIXES]
"""Endings of the files that a page takes. HEIC is not among them on purpose: an iPhone sends JPEG to a page
that does not take HEIC."""

PICTURES_HELP: Final = (
    f"Up to {MAX_UPLOAD_MEGAPIXELS} megapixels each, JPEG up to {MAX_JPEG_MEGAPIXELS}. HEIC files have to be "
    "exported as JPEG first."
)


def decode_upload(content: bytes) -> DecodedImage:
    """Return the picture in a file, with notes on what is not as in the file.

    Raises:
        ImageError: as ``fer_core.images.decode_image`` does.
    """
    return decode_image(content, max_megapixels=MAX_UPLOAD_MEGAPIXELS)


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
