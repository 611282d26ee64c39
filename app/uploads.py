"""Files that viewers give: which ones a page takes, how many and how large, and how long they are kept."""

from typing import Final

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fer_core.images import (
    MAX_JPEG_MEGAPIXELS,
    SUFFIXES,
    DecodedImage,
    decode_image,
)

MAX_UPLOAD_MEGAPIXELS: Final = 25
"""Largest decoded picture on the pages, whose viewers share the server's memory; a larger JPEG is scaled."""

MAX_FILES: Final = 100
"""Files that one viewer may have uploaded at a time."""

MAX_VIEWER_MB: Final = 200
"""Size of all files of one viewer, in MB: they stay in the server's memory."""

MAX_SERVER_MB: Final = 1000
"""Size of the files of all viewers together, in MB."""

PICTURE_TYPES: Final = [suffix.removeprefix(".") for suffix in SUFFIXES]
"""Endings of the files that a page takes. HEIC is not among them on purpose: an iPhone sends JPEG to a page
that does not take HEIC."""

FORGOTTEN: Final = (
    "They stay in this server's memory, and are gone within a minute after this tab is closed. A phone that "
    "sleeps for longer closes it too."
)
"""How long pictures and clips are kept: ``app.closed_tabs`` keeps this promise."""

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


def drop_unused_uploads(page: str) -> None:
    """Free the files that no widget holds any more: Streamlit forgets them, but keeps their bytes.

    Files on their way stay, since no widget has held them yet. So do those of a widget without a key.

    Args:
        page: that is shown now; the widgets of another one are gone.
    """
    state, context = st.session_state, get_script_run_ctx()
    held = uploads_held() if state.get("shown_page") == page else set()
    if context and Runtime.exists():
        for file in state.get("uploads_held", set()) - held:
            Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file)  # type: ignore[attr-defined]
    state.shown_page, state.uploads_held = page, held


def uploads_held() -> set[str]:
    """Return the identifiers of the files that this viewer's widgets hold."""
    values = [st.session_state[key] for key in st.session_state]
    files = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return {file.file_id for file in files if isinstance(file, UploadedFile)}
