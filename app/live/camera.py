"""The camera's picture, with its buttons: snapshot, recording, single pictures."""

from time import monotonic
from typing import Any, Final

import streamlit as st
import streamlit_webrtc
from streamlit_webrtc.component import generate_frontend_component_key

from app.live.ice import ice_servers
from app.live.session import LiveSession
from app.live.viewers import Viewers
from app.messages import as_text, show_unreadable
from app.uploads import decode_upload
from app.widgets import download
from fer_core.export import csv_text
from fer_core.images import ImageError
from fer_core.types import Image
from fer_core.video import CSV_COLUMNS
from fer_core.video.record import MAX_SECONDS, Recorder

CAMERA_KEY: Final = "camera"
"""Key of the camera's component, and of its connection in ``st.session_state``."""

FRAME_RATE: Final = 15
"""Frames per second that a camera is asked for: more than enough to see a face change."""
BUSY_FRAME_RATE: Final = 10
"""Frames per second where more than half of the places are taken: each frame costs its decoding, too."""

FULL_EVERY: Final = 2.0
"""Time between two looks for a free place, in seconds."""

VIDEO: Final[dict[str, Any]] = {
    "autoPlay": True,
    "controls": True,
    "muted": True,
    "playsInline": True,
    "style": {"width": "100%", "borderRadius": "0.5rem"},
}


def camera_constraints(viewers: Viewers) -> dict[str, Any]:
    """Return what the browser is asked to open; it reads this when a stream starts."""
    busy = viewers.count > viewers.limit / 2
    return {
        "video": {
            "width": {"ideal": 640},
            "height": {"ideal": 480},
            "frameRate": {"ideal": BUSY_FRAME_RATE if busy else FRAME_RATE},
            "facingMode": "user",
        },
        "audio": False,
    }


def render_camera(session: LiveSession) -> bool:
    """Show the camera's picture; return whether it is connected or connecting."""
    connection = session.connection
    keep_connection()
    if not (connection.admit() if browser_streams() else connection.may_start):
        st.fragment(wait_for_place, run_every=FULL_EVERY)(session)
        return False
    wish = connection.wish
    camera = streamlit_webrtc.webrtc_streamer(
        CAMERA_KEY,
        sink_video_track=connection.track,
        source_video_track=connection.track,
        rtc_configuration={"iceServers": ice_servers()},
        media_stream_constraints=camera_constraints(connection.viewers),
        desired_playing_state=wish,
        video_html_attrs=VIDEO,
        sendback_audio=False,
    )
    connection.attach(camera._get_worker())
    streaming = bool(camera.state.playing or camera.state.signalling)
    session.update_connection(streaming, "camera")
    if connection.wish != wish or (not streaming and connection.watch()):
        st.rerun()  # the browser has to know
    return streaming


def browser_streams() -> bool:
    """Return whether the browser offers a stream, or plays one: such a stream needs a place."""
    value = st.session_state.get(generate_frontend_component_key(CAMERA_KEY)) or {}
    return bool(value.get("playing") or value.get("sdpOffer"))


def wait_for_place(session: LiveSession) -> None:
    """Stand in the place of the camera while all places are taken; show it when one is free."""
    connection = session.connection
    st.html('<div class="no-camera">All places for live video are taken.</div>')
    if connection.may_start:
        connection.ended = None
        st.rerun()


def keep_connection() -> None:
    """Keep the camera connected when one run of the page quickly follows another.

    streamlit-webrtc closes the connection of a page that was left: more than one run has finished since the
    camera was last shown. But Streamlit counts a run when its last message is sent, and on a busy server the
    next run starts before that. The run after it then finds two, and a click closed the connection of a page
    that nobody had left. With 5 ms for each message, this ended 5 of 10 streams. Without an earlier count to
    compare with, the connection stays open.

    The check remains for a page that was left: Streamlit drops the value of a component that is not shown.
    """
    if generate_frontend_component_key(CAMERA_KEY) in st.session_state:
        st.session_state[CAMERA_KEY]._last_rendered_run_count = None


def render_single_camera() -> Image | None:
    """Ask for a single picture of the camera; None until one is taken."""
    shot = st.camera_input("Take a picture", label_visibility="collapsed", key="live_shot")
    if not shot:
        return None
    try:
        return decode_upload(shot.getvalue()).pixels
    except ImageError as error:
        show_unreadable(error)
        return None


def render_buttons(
    session: LiveSession, *, streaming: bool, single: Image | None, leaving: bool
) -> None:
    """Show what can be done with the picture.

    Args:
        streaming: pictures come, or the camera is connecting.
        single: the single picture that was taken, if any.
        leaving: the page is about to open another one, so that nothing may run again.
    """
    recorder = session.recorder
    if recorder is not None and not streaming:
        recorder.stop()
    recording = recorder is not None and recorder.running
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Snapshot",
            icon=":material/photo_camera:",
            help="Opens this picture on the Photo page, as the camera took it.",
            disabled=not streaming and single is None,
            on_click=take_snapshot,
            args=(session, single),
            key="live_snapshot",
        )
        if recorder is not None and recording:
            st.button(
                "Stop recording",
                icon=":material/stop_circle:",
                type="primary",
                on_click=session.stop_recording,
                key="live_stop",
            )
            st.fragment(render_recording, run_every=None if leaving else 1.0)(recorder)
        elif st.session_state.live_source != "single":
            st.button(
                "Record",
                icon=":material/fiber_manual_record:",
                help=f"Ask first. Records the picture for {MAX_SECONDS / 60:g} minutes at most.",
                disabled=not streaming,
                on_click=session.start_recording,
                key="live_record",
            )
            session.records_drawings = not st.toggle(
                "Without drawings",
                help="Records the picture as the camera took it. What was read in it is in the table.",
                key="live_clean",
                persist_state="session",
            )
    if recorder is not None and not recording:
        render_recorded(session, recorder)


def render_recording(recorder: Recorder) -> None:
    """Show beside the picture that it is recorded: whoever is in it has to know."""
    if not recorder.running:
        st.rerun()  # it has stopped by itself
    st.badge(
        f"Recording {clock(recorder.seconds)}",
        icon=":material/fiber_manual_record:",
        color="red",
    )


def render_recorded(session: LiveSession, recorder: Recorder) -> None:
    """Offer what has been recorded for download; it is nowhere else."""
    content = recorder.stop()
    if content is None:
        session.discard_recording()
        message = recorder.message or "There was no picture to record."
        st.toast(as_text(message), icon=":material/videocam_off:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        # Bytes, not a function: each run gives a function another address, and the camera starts a run by
        # itself. A press between the run and its arrival in the browser would find nothing.
        download("Recording as MP4", content, "recording.mp4", key="live_recording")
        table = csv_text(session.rows, CSV_COLUMNS)
        download("Its table as CSV", table, "recording.csv", key="live_table")
        st.button(
            "Discard",
            icon=":material/delete:",
            on_click=session.discard_recording,
            key="live_discard",
        )
    if recorder.message:
        st.warning(as_text(recorder.message))
    st.caption(
        f"{clock(recorder.seconds)} recorded, in memory only: forgotten with this tab, within a minute, "
        "or with a new recording."
    )


def take_snapshot(session: LiveSession, single: Image | None) -> None:
    """Keep the picture. A callback, since the next run may end this one before it gets there."""
    picture = session.monitor.activity(time=monotonic()).frame if session.streaming else single
    if picture is None:
        st.toast("There is no picture yet.", icon=":material/hourglass:")
    else:
        st.session_state["snapshot"], st.session_state.snapshot_is_new = picture, True


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, such as ``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
