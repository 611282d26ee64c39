"""Where the pictures of the page Photo come from: the live view, files, the camera or samples."""

from typing import Final

import streamlit as st

from app.photo.pictures import PictureFile
from app.samples import SAMPLES
from app.uploads import (
    FORGOTTEN,
    MAX_FILES,
    MAX_UPLOAD_MEGAPIXELS,
    MAX_VIEWER_MB,
    PICTURE_TYPES,
    PICTURES_HELP,
    take_picture,
    upload_files,
)
from app.widgets import sample_png
from fer_core.export import png_bytes

SOURCES: Final = {
    "files": ":material/upload_file: Files",
    "camera": ":material/photo_camera: Camera",
    "samples": ":material/collections: Samples",
}


def choose_pictures() -> list[PictureFile]:
    """Return the pictures that the viewer has chosen; a frame of the live view comes first."""
    if "snapshot" in st.session_state:
        return [render_snapshot()]
    st.markdown(f"Only use pictures whose subjects agree to it. {FORGOTTEN}")
    st.session_state.setdefault("photo_source", "files")
    source = st.segmented_control(
        "Where from",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        required=True,
        label_visibility="collapsed",
        key="photo_source",
        persist_state="session",
    )
    if source == "camera":
        return [PictureFile("camera.jpg", shot.getvalue()) for shot in take_picture("photo_camera")]
    files = ask_for_files() if source == "files" else []
    return files or render_samples(is_source=source == "samples")


def render_snapshot() -> PictureFile:
    """Show that the picture comes from the live view, with a way back; return the picture."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("From the live view", icon=":material/sensors:", color="green")
        st.button(
            "Choose other pictures",
            icon=":material/undo:",
            type="tertiary",
            on_click=forget_snapshot,
            key="forget_snapshot",
        )
    return PictureFile("live-view.png", png_bytes(st.session_state.snapshot))


def ask_for_files() -> list[PictureFile]:
    """Ask for files and return them."""
    files = upload_files(
        f"Up to {MAX_FILES} pictures of {MAX_UPLOAD_MEGAPIXELS} megapixels, and {MAX_VIEWER_MB} MB in all",
        PICTURE_TYPES,
        "photo_files",
        several=True,
        note=PICTURES_HELP,
    )
    return [PictureFile(file.name, file.getvalue()) for file in files]


def render_samples(*, is_source: bool) -> list[PictureFile]:
    """Show the samples and return the chosen one.

    Args:
        is_source: samples are the source; otherwise they are only offered.
    """
    chosen = st.session_state.get("photo_sample") if is_source else None
    st.caption(
        "No picture at hand? A smile, covered and tilted; drawn faces, which belong to nobody; and a "
        "portrait at rest, moved by its landmarks."
    )
    with st.grid(8, min_column_width=104, gap="small"):
        for name in SAMPLES:
            with st.container(gap="xsmall"):
                st.image(sample_png(name), width="stretch", alt=f"Sample: {name}")
                st.button(
                    name,
                    type="primary" if name == chosen else "secondary",
                    width="stretch",
                    key=f"sample_{name}",
                    on_click=choose_sample,
                    args=(name,),
                )
    if not chosen:
        return []
    return [
        PictureFile(f"{chosen.lower().replace(',', '').replace(' ', '-')}.png", sample_png(chosen))
    ]


def choose_sample(name: str) -> None:
    """Take a sample as the picture."""
    st.session_state.photo_source = "samples"
    st.session_state.photo_sample = name


def forget_snapshot() -> None:
    """Drop the frame of the live view."""
    del st.session_state["snapshot"]
