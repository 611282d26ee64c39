"""Files that viewers give: which ones a page takes, how many and how large, and how long they are kept.

Streamlit forgets the files of a widget when its page is left. ``upload_files`` and ``take_picture`` keep
them in the session: a page that is opened again has them still. What else a widget holds,
``persist_state="session"`` keeps.
"""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.messages import as_text
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
    "They stay in this server's memory until you clear them, and are gone within a minute after this tab is "
    "closed. A phone that sleeps for longer closes it too."
)
"""How long pictures and clips are kept: ``app.closed_tabs`` keeps this promise."""

MOST_NAMES: Final = 3
"""Names of kept files that are listed before the others are only counted."""

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


def upload_files(
    label: str,
    types: Sequence[str],
    key: str,
    *,
    several: bool = False,
    note: str | None = None,
    on_change: Callable[[], None] | None = None,
) -> list[UploadedFile]:
    """Ask for files; return them, and those that were kept when the page was left.

    Args:
        types: endings of the files that are taken.
        several: more than one file can be given; otherwise a new one replaces that before.
        note: what else there is to know about the files.
        on_change: called when other files are given, and when those that were kept are cleared.
    """
    is_new = key not in st.session_state
    given = st.file_uploader(
        label,
        type=types,
        help=note,
        accept_multiple_files=several,
        on_change=on_change,
        key=key,
    )
    files = given if isinstance(given, list) else [given] if given else []
    return _with_kept(files, key, is_new=is_new, several=several, on_clear=on_change)


def take_picture(key: str) -> list[UploadedFile]:
    """Ask for a picture of the camera; return it, or the one that was kept when the page was left."""
    is_new = key not in st.session_state
    shot = st.camera_input("Take a picture", label_visibility="collapsed", key=key)
    return _with_kept([shot] if shot else [], key, is_new=is_new, several=False, on_clear=None)


def _with_kept(
    files: list[UploadedFile],
    key: str,
    *,
    is_new: bool,
    several: bool,
    on_clear: Callable[[], None] | None,
) -> list[UploadedFile]:
    """Return the files of a widget after those that it held before it was last shown; offer to clear these.

    Args:
        files: those that the widget holds now.
        is_new: the widget was not shown in the last run, and has lost its files.
    """
    state, all_files, kept_files = st.session_state, f"{key}_all", f"{key}_kept"
    if is_new:
        state[kept_files] = state.get(all_files, [])
    if files and not several:
        state[kept_files] = []
    held = {file.file_id for file in files}
    kept = [file for file in state.get(kept_files, []) if file.file_id not in held]
    if kept:
        _render_kept(kept, key, on_clear)
    state[all_files] = [*kept, *files]
    return [*kept, *files]


def _render_kept(
    files: Sequence[UploadedFile], key: str, on_clear: Callable[[], None] | None
) -> None:
    """Name the files that are still there from before, with a button that clears them."""
    names = [as_text(file.name) for file in files[:MOST_NAMES]]
    if len(files) > MOST_NAMES:
        names.append(f"{len(files) - MOST_NAMES} more")

    def clear() -> None:
        st.session_state[f"{key}_kept"] = st.session_state[f"{key}_all"] = []
        if on_clear:
            on_clear()

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/draft: {', '.join(names)}", width="content")
        st.button(
            "Clear", icon=":material/delete:", type="tertiary", on_click=clear, key=f"{key}_clear"
        )


def drop_unused_uploads() -> None:
    """Free the files that nothing holds any more: Streamlit forgets them, but keeps their bytes.

    Files on their way stay, since no widget has held them yet. So do those of a widget without a key.
    """
    state, context = st.session_state, get_script_run_ctx()
    held = uploads_held()
    if context and Runtime.exists():
        for file in state.get("uploads_held", set()) - held:
            Runtime.instance().uploaded_file_mgr.remove_file(context.session_id, file)  # type: ignore[attr-defined]
    state.uploads_held = held


def uploads_held() -> set[str]:
    """Return the identifiers of the files that this viewer's widgets hold, or that are kept for them."""
    values = [st.session_state[key] for key in st.session_state]
    files = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return {file.file_id for file in files if isinstance(file, UploadedFile)}
