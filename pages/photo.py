"""Photo: pictures in; for every face its blocks, its probabilities and the evidence for each class out.

Results are cached by content and for this viewer alone, so that moving a slider computes nothing again.
Nothing is written to disk.
"""

from collections.abc import Sequence

import streamlit as st

from app.messages import as_text
from app.photo.comparison import compare_faces, render_comparison
from app.photo.pictures import PhotoContext, PhotoExport, Picture, analyze_files
from app.photo.source import choose_pictures
from app.photo.views import (
    pick_picture,
    pick_reading,
    render_attention,
    render_charts,
    render_class,
    render_downloads,
    render_evidence,
    render_no_face,
    render_picture,
    render_regions,
)
from app.session import PageSettings, open_page
from fer_core.types import Image


def main() -> None:
    """Show where the pictures come from, one face of one picture in detail, and the downloads."""
    settings = open_page("photo")
    st.title("Photo")
    files = choose_pictures()
    if not files:
        st.stop()
    pictures = compare_faces(analyze_files(files, settings), settings)
    picture = choose_picture(pictures)
    if picture.readings:
        drawn = render_faces(pictures, picture, settings)
    else:
        render_no_face(picture)
        drawn = picture.image
    render_downloads(PhotoExport(pictures), picture, drawn)


def choose_picture(pictures: Sequence[Picture]) -> Picture:
    """Return the picture to show, with a sentence for each that cannot be read; end the page without any."""
    readable = [picture for picture in pictures if picture.result is not None]
    for picture in pictures:
        if picture.result is None:
            name, sentence = as_text(picture.name), as_text(picture.record["error"])
            st.error(f"**{name}**: {sentence}", icon=":material/broken_image:")
    if not readable:
        st.stop()
    return pick_picture(readable)


def render_faces(pictures: Sequence[Picture], picture: Picture, settings: PageSettings) -> Image:
    """Show one face of a picture in detail; return the picture as it is drawn."""
    picture_column, face_column = st.columns((3, 2), gap="large")
    with face_column:
        context = PhotoContext(settings, picture, pick_reading(picture))
        render_class(context)
        render_comparison(pictures, picture, context.number)
        render_charts(context)
    with picture_column:
        drawn, explanation = render_picture(context)
    render_regions(context.reading)
    render_attention(context.reading)
    render_evidence(context, explanation)
    return drawn


if __name__ == "__main__":
    main()
