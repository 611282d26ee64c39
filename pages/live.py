"""Live: the webcam's picture, and what the classifier makes of it while it moves."""

from typing import Final

import streamlit as st

from app.device.component import render_device
from app.live.camera import render_buttons, render_camera, render_single_camera
from app.live.controls import choose_source, render_controls
from app.live.demo import render_demo
from app.live.readings import render_single, render_stream
from app.live.session import open_live_session
from app.live.states import read_camera_access
from app.networks import warm_up
from app.session import open_page, switch_to_page

READING_EVERY: Final = 2.0
"""Time between two updates of the readings, in seconds: a chart costs more than the pictures of that time."""


def main() -> None:
    """Show the camera beside what is read in its picture."""
    settings = open_page("live")
    session = open_live_session(settings)
    st.title("Live")
    st.markdown(
        "**Ask first:** everybody in the picture has to agree, and may stop at any time. Frames are "
        "processed in memory and not kept, unless you press Record."
    )
    source = choose_source()
    if source == "device":
        session.update_connection(False, source)
        render_device(settings)
        return
    warm_up(settings.model, settings.detector)
    render_controls(settings, session)

    leaving = st.session_state.get("snapshot_is_new", False)
    camera_side, reading_side = st.columns((1, 1) if source == "single" else (3, 2), gap="medium")
    streaming, single, access = False, None, None
    with camera_side:
        if source == "camera":
            streaming = render_camera(session)
        elif source == "single":
            single = render_single_camera()
        else:
            streaming = True
        if source != "camera":
            session.update_connection(streaming, source)
        if source == "demo":
            render_demo(session, leaving=leaving)
        render_buttons(session, streaming=streaming, single=single, leaving=leaving)
        if source == "camera":
            access = read_camera_access()
    with reading_side:
        if source == "single":
            render_single(settings, session, single)
        else:
            watched = streaming or (source == "camera" and session.connection.is_watched)
            every = READING_EVERY if watched and not leaving else None
            st.fragment(render_stream, run_every=every)(settings, session, access)
    if leaving:
        # Last of all: a rerun of the fragment that is on its way from the browser would blank the next page.
        st.session_state.snapshot_is_new = False
        switch_to_page("photo")


if __name__ == "__main__":
    main()
