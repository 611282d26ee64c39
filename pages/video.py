"""Video: clips in; which class was assigned to whom and when, out. Nothing is written to disk."""

import streamlit as st

from app.messages import show_error
from app.session import open_page
from app.video.reading import choose_clips, read_clips, render_state
from app.video.refinement import refine
from app.video.views import (
    PictureStyle,
    choose_view,
    render_best,
    render_downloads,
    render_moment,
    render_tables,
    render_timeline,
)
from fer_core.video import VideoError


def main() -> None:
    """Show the clip, its timeline, one moment in detail, tables and downloads."""
    settings = open_page("video")
    st.title("Video")
    clip, timeline = read_clips(choose_clips(), settings)
    render_state(timeline, settings)
    view = choose_view(clip, refine(timeline, settings), settings)
    timeline_side, picture_side = st.columns((3, 2), gap="large")
    with timeline_side:
        render_timeline(view)
    style = PictureStyle()
    try:
        with picture_side:
            style = render_moment(view)
        render_best(view)
    except VideoError as error:  # of a damaged clip, a single frame is not always found again
        show_error(error)
    render_tables(view)
    render_downloads(view, style)


if __name__ == "__main__":
    main()
