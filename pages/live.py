"""Live: the webcam's picture, and what the classifier makes of it while it moves.

Three threads of control meet here. The script below runs at every click; ``on_frame`` runs in the
video's own thread and sees the settings of the last run; the monitor hands results from one to the other.
"""

import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic, perf_counter

import numpy as np
import streamlit as st
from av import VideoFrame
from streamlit_webrtc import webrtc_streamer

from app.charts.readings import action_bars, affect_plane, probability_timeline
from app.session import open_page
from app.widgets import ACTIONS_NOTE, affect_note, choose_overlay
from fer_core import EXPRESSIONS, Analyzer, StreamSettings, load_card
from fer_core.draw.overlay import draw_message, draw_overlay
from fer_core.explain import METHODS, get_method
from fer_core.images import read_image
from fer_core.streaming.monitor import Activity, Monitor
from fer_core.streaming.stream import Stream
from fer_core.types import Image
from fer_core.video.record import LIMIT, Recorder

log = logging.getLogger("expression_lens.live")

PATIENCE = 8  # seconds from START to the first frame, after which the page says what may be wrong
PAUSE = 4  # seconds without a frame, after which a running stream counts as interrupted

CAMERA = {
    "video": {
        "width": {"ideal": 640},
        "height": {"ideal": 480},
        "frameRate": {"ideal": 30},
        "facingMode": "user",
    },
    "audio": False,
}

VIDEO = {
    "autoPlay": True,
    "controls": True,
    "muted": True,
    "playsInline": True,
    "style": {"width": "100%", "borderRadius": "0.5rem"},
}

CHARTS = {
    "minute": ":material/show_chart: Last minute",
    "plane": ":material/my_location: Plane",
    "actions": ":material/face_retouching_natural: Actions",
}

GUIDE = """
- **Box**: a face that was found, with the likeliest class
- **Probabilities**: all seven classes, for the largest face
- **Heatmap**: where in the face the evidence for a class lies
- **Blocks**: what the network looks at apart, with the weight it gives to each
- **Landmarks**: jaw, brows, eyes, nose and lips, as a second network places them
- **Attention**: for networks that have it, the places that they weigh by themselves
"""


@dataclass(frozen=True)
class State:
    """How far the camera's picture has come, in words."""

    label: str
    icon: str
    color: str
    advice: str
    failed: bool = False


START = "If the browser says *NotReadableError*, another program has the camera: close it and try again."
NO_VIDEO = """
- **Firewall?** The video takes its own way to the server, by UDP or through a TURN server. Try another
  network (a phone's hotspot, say), or ask whoever runs this server.
- **Browser?** Try a current Chrome, Edge, Firefox or Safari, without extensions that block WebRTC.
- **Camera in use?** Close other programs and tabs that show it, then press START again.
"""
STATES = {
    "insecure": State(
        "No camera over HTTP",
        "lock_open",
        "red",
        "Browsers give the camera only to pages from `https://` or `localhost`. Open this page by its HTTPS "
        "address.",
        failed=True,
    ),
    "missing": State(
        "No camera found",
        "videocam_off",
        "red",
        "Plug a camera in, or switch it on. Some laptops have a shutter or a key for it.",
        failed=True,
    ),
    "denied": State(
        "Camera blocked",
        "block",
        "red",
        "This browser has been told to keep the camera from this page. Allow it with the symbol beside the "
        "address, then press START.",
        failed=True,
    ),
    "prompt": State(
        "Waiting for permission",
        "front_hand",
        "gray",
        f"Press START, and allow the camera when the browser asks. {START}",
    ),
    "off": State("Camera off", "videocam_off", "gray", f"Press START. {START}"),
    "connecting": State("Connecting", "sync", "blue", "The first picture is on its way."),
    "live": State("Live", "sensors", "green", ""),
    "stuck": State("No video yet", "hourglass_bottom", "orange", NO_VIDEO, failed=True),
    "failed": State("No connection", "error", "red", NO_VIDEO, failed=True),
    "interrupted": State(
        "Picture lost",
        "signal_disconnected",
        "orange",
        "No frames arrive. The camera may have been unplugged, taken by another program or put to sleep, or "
        "the network is gone. Press STOP, then START.",
        failed=True,
    ),
}

# What only the browser knows of the camera: is the page secure, is there a camera, may it be used?
CAMERA_ACCESS = st.components.v2.component(
    "camera_access",
    js="""
    let tell = () => {}
    const report = () => access().then(tell, () => tell("unknown"))

    async function access() {
        if (!navigator.mediaDevices) return "insecure"
        const devices = await navigator.mediaDevices.enumerateDevices()
        if (!devices.some(device => device.kind === "videoinput")) return "missing"
        const permission = await navigator.permissions.query({ name: "camera" })
        permission.onchange = report
        return permission.state
    }

    export default function ({ setStateValue }) {
        tell = state => setStateValue("access", state)
        if (navigator.mediaDevices) navigator.mediaDevices.ondevicechange = report
        report()
        return () => { tell = () => {} }
    }
    """,
)


def ice_servers() -> list[dict]:
    """STUN and TURN servers that the host has named (docs/hosting.md); none by default."""
    if named := os.environ.get("ICE_SERVERS"):
        with suppress(ValueError, TypeError):
            return [dict(server) for server in json.loads(named)]
        st.error("ICE_SERVERS of this server is no JSON list; docs/hosting.md has an example.")
        return []
    with suppress(FileNotFoundError, KeyError):
        return [dict(server) for server in st.secrets["ice_servers"]]
    return []


@st.cache_resource(show_spinner="Warming up …")
def warm_up(model: str, detector: str, _analyzer: Analyzer) -> None:
    """Once a process: a first frame that waited for the networks would be taken for a dead stream."""
    _analyzer.warm_up(model=model, detector=detector)


def seen(image: Image) -> Image:
    """The picture as the viewer wants to see it: people know themselves from the mirror."""
    return np.ascontiguousarray(image[:, ::-1]) if mirror else image


def on_frame(frame: VideoFrame) -> VideoFrame:
    """Work on the newest frame. An exception here would freeze the picture without a word."""
    camera, now = frame.to_ndarray(format="rgb24"), monotonic()
    image = seen(camera)
    try:
        result = stream.push(image, time=now)
        started = perf_counter()
        picture = draw_overlay(image, result, style)
        timings = {**result.timings, "draw": 1000 * (perf_counter() - started)}
        if recorder is not None and recorder.running:
            started = perf_counter()
            recorder.add(picture, time=now)
            timings["record"] = 1000 * (perf_counter() - started)
        monitor.add(camera, result, time=now, timings=timings)
    except Exception as error:
        if monitor.fail(error, time=now):
            log.exception("A live frame could not be worked on")
        picture = draw_message(image, f"This frame failed: {error}")
    return VideoFrame.from_ndarray(picture, format="rgb24")


def state_of(activity: Activity) -> State:
    """What to tell about the connection."""
    if streaming and activity.frames:
        return STATES["live" if activity.silence < PAUSE else "interrupted"]
    if streaming:
        return STATES["connecting" if activity.silence < PATIENCE else "stuck"]
    if access in ("insecure", "missing", "denied"):
        return STATES[access]
    if st.session_state.connection_failed:
        return STATES["failed"]
    return STATES["prompt" if access == "prompt" else "off"]


def prefer_single_pictures() -> None:
    st.session_state.single_pictures = True


def take_snapshot() -> None:
    """Keep the picture. A callback, since the next run may cut this one short before it gets there."""
    picture = monitor.activity(time=monotonic()).frame if streaming else single
    if picture is None:
        st.toast("There is no picture yet.", icon=":material/hourglass:")
    else:
        st.session_state["snapshot"], st.session_state.snapshot_is_new = picture, True


def start_recording() -> None:
    st.session_state.recorder = Recorder()


def forget_recording() -> None:
    del st.session_state.recorder


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def offer_recording(recorder: Recorder) -> None:
    """What has been recorded, for download; it is nowhere else."""
    content = recorder.stop()
    if content is None:
        forget_recording()
        st.toast(
            recorder.message or "There was no picture to record.", icon=":material/videocam_off:"
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Recording as MP4",
            lambda: content,
            "recording.mp4",
            "video/mp4",
            icon=":material/movie:",
            on_click="ignore",
            key="live_recording",
        )
        st.button(
            "Discard", icon=":material/delete:", on_click=forget_recording, key="live_discard"
        )
    if recorder.message:
        st.warning(recorder.message)
    st.caption(
        f"{clock(recorder.seconds)} recorded, in memory only: forgotten with this tab or a new recording."
    )


open_page("live")
analyzer, model, detector = (st.session_state[key] for key in ("analyzer", "model", "detector"))
warm_up(model, detector, analyzer)
if "monitor" not in st.session_state:
    st.session_state.stream = Stream(analyzer)
    st.session_state.monitor = Monitor(time=monotonic())
    st.session_state.streaming = st.session_state.connection_failed = False
stream, monitor = st.session_state.stream, st.session_state.monitor
recorder = st.session_state.get("recorder")

st.title("Live")
st.markdown(
    "**Ask first:** everybody in the picture has to agree, and may stop at any time. Frames are worked on in "
    "memory and not kept, unless you press Record."
)

# What is shown ------------------------------------------------------------------------------------

classifier = analyzer.classifier(model)
has_maps = classifier.network.has_maps
style, target, adjust = choose_overlay("live", attention=classifier.has_attention, parts=has_maps)
method, other = "gradcam", None
if not has_maps:
    style = replace(style, heatmap=0.0)
    st.caption(
        f"No heatmap of *{model}* here: its evidence is found by covering one place after another, which is "
        "too slow for a moving picture. The Photo page shows it."
    )
with adjust:
    if has_maps:
        other = st.selectbox(
            "rather than",
            EXPRESSIONS,
            index=None,
            placeholder="no other class",
            help="Shows what speaks for the class and not for this one.",
            key="live_other",
        )
        method = st.selectbox(
            "Heatmap method",
            [each.name for each in METHODS if each.fast],
            format_func=lambda name: get_method(name).title,
            help="Those that are quick enough for every frame; the Explain page has more.",
            key="live_method",
        )
    smoothing = st.slider(
        "Smoothing",
        0.0,
        1.5,
        StreamSettings().smoothing,
        0.05,
        format="%.2f s",
        help="How long a change takes to show; at 0 each frame stands for itself.",
        key="live_smoothing",
    )
    mirror = st.toggle("Mirror", value=True, key="live_mirror")

maps = (target,) if style.heatmap or style.parts else ()
stream.settings = StreamSettings(
    model=model, detector=detector, maps=maps, other=other, method=method, smoothing=smoothing
)

# The camera ---------------------------------------------------------------------------------------

single_pictures = st.session_state.get("single_pictures", False)
picture_side, reading_side = st.columns((1, 1) if single_pictures else (3, 2), gap="medium")
access, streaming, single = None, False, None
leaving = st.session_state.get("snapshot_is_new", False)


@st.fragment(run_every=None if leaving else 1.0)
def show_recording() -> None:
    """Beside the picture: whoever is in it has to know."""
    if not recorder.running:
        st.rerun()  # it has stopped by itself
    st.badge(
        f"Recording {clock(recorder.seconds)}",
        icon=":material/fiber_manual_record:",
        color="red",
    )


with picture_side:
    if single_pictures:
        if shot := st.camera_input("Take a picture", label_visibility="collapsed"):
            single = read_image(shot)
    else:
        camera = webrtc_streamer(
            "camera",
            video_frame_callback=on_frame,
            rtc_configuration={"iceServers": ice_servers()},
            media_stream_constraints=CAMERA,
            video_html_attrs=VIDEO,
            sendback_audio=False,
        )
        streaming = camera.state.playing or camera.state.signalling
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
            key="live_snapshot",
        )
        if recording:
            st.button(
                "Stop recording",
                icon=":material/stop_circle:",
                type="primary",
                on_click=recorder.stop,
                key="live_stop",
            )
            show_recording()
        elif not single_pictures:
            st.button(
                "Record",
                icon=":material/fiber_manual_record:",
                help=f"Ask first. Records the picture as it is shown, for {LIMIT / 60:g} minutes at most.",
                disabled=not streaming,
                on_click=start_recording,
                key="live_record",
            )
        st.toggle("Use single pictures instead", key="single_pictures")
    if recorder is not None and not recording:
        offer_recording(recorder)
    if not single_pictures:
        access = CAMERA_ACCESS(key="camera_access", on_access_change=lambda: None).access

if streaming != st.session_state.streaming:
    activity = monitor.activity(time=monotonic())
    st.session_state.streaming = streaming
    st.session_state.connection_failed = (
        not streaming and not activity.frames and activity.silence > PATIENCE
    )
    monitor.restart(time=monotonic())

# What comes of it ---------------------------------------------------------------------------------


@st.fragment(run_every=1.0 if streaming and not leaving else None)
def show_stream() -> None:
    """The state of the connection, the meter, and one chart: two at once cost more than the video."""
    activity = monitor.activity(time=monotonic())
    state = state_of(activity)
    st.badge(state.label, icon=f":material/{state.icon}:", color=state.color)
    if state.failed:
        st.warning(state.advice)
        if st.button(
            "Use single pictures instead",
            type="primary",
            on_click=prefer_single_pictures,
            key="live_way_out",
        ):
            st.rerun()
    elif state.advice:
        st.caption(state.advice)
    if activity.error:
        st.error(f"Frames fail: {activity.error}", icon=":material/error:")
    if not activity.frames:
        if not state.failed:
            st.markdown(GUIDE)
        return
    readings = activity.result.readings if activity.result else ()
    blinks = readings[0].blinks if readings else None
    with st.container(horizontal=True):
        st.metric("Frames per second", f"{activity.rate:.1f}")
        st.metric("Milliseconds per frame", f"{sum(activity.timings.values()):.1f}")
        if blinks:
            st.metric(
                "Blinks",
                blinks.count,
                help="Of the largest face, since it came. Winks do not count, nor do eyes that stay shut for "
                "more than a second.",
            )
    stages = " · ".join(f"{name} {ms:.1f}" for name, ms in activity.timings.items())
    often = f" {blinks.rate:.0f} blinks a minute." if blinks and blinks.rate is not None else ""
    st.caption(f"{activity.frames:,} frames so far.{often} Milliseconds: {stages}")
    chart = st.segmented_control(
        "Chart",
        CHARTS,
        format_func=CHARTS.get,
        default="minute",
        required=True,
        label_visibility="collapsed",
        key="live_chart",
    )
    if chart == "minute":
        st.plotly_chart(
            probability_timeline(activity.times, activity.probabilities),
            config={"displayModeBar": False},
            alt="The seven probabilities of the largest face over the last minute",
            key="live_timeline",
        )
    elif chart == "plane":
        st.plotly_chart(
            affect_plane(activity.trails),
            config={"displayModeBar": False},
            alt="Where each face lies on the plane of valence and arousal, and where it lay",
            key="live_plane",
        )
        st.caption(affect_note(load_card(model)))
    elif readings and readings[0].face.actions:
        st.plotly_chart(
            action_bars(readings[0].face.actions),
            config={"displayModeBar": False},
            alt="The strongest facial actions of the largest face",
            key="live_actions",
        )
        st.caption(ACTIONS_NOTE)
    else:
        st.caption("No face is in the picture.")


def show_single(image: Image) -> None:
    result = analyzer.analyze(image, model=model, detector=detector, maps=maps)
    picture = draw_overlay(image, result, style)
    st.image(picture, width="stretch", alt="The picture, and what was found in it")
    if not result.readings:
        st.caption("No face was found. Come closer, and let the light fall on your face.")


with reading_side:
    if not single_pictures:
        show_stream()
    elif single is not None:
        show_single(seen(single))
    else:
        st.markdown(GUIDE)

if leaving:
    # Last of all: a rerun of the fragment that is still on its way from the browser blanks the next page.
    st.session_state.snapshot_is_new = False
    st.switch_page("pages/photo.py")
