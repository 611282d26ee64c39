"""What comes of the camera's picture: the state of the connection, the meter and one chart."""

import re
from collections.abc import Mapping
from time import monotonic
from typing import Final

import streamlit as st

from app.charts.readings import action_bars, affect_plane, comparison_bars, probability_timeline
from app.comparison import BARS
from app.live.comparison import render_comparison
from app.live.connection import Ending
from app.live.ice import shared_probe
from app.live.session import LiveSession
from app.live.states import ConnectionState, connection_state
from app.messages import as_text
from app.session import PageSettings
from app.widgets import ACTIONS_SOURCE, affect_note, chart
from fer_core import load_card
from fer_core.draw.overlay import draw_overlay
from fer_core.streaming.monitor import Activity
from fer_core.types import Image

CHARTS: Final = {
    "minute": "Last minute",
    "plane": "Plane",
    "actions": "Actions",
    "comparison": "Compared",
}

GUIDE: Final = """
- **Box**: a face that was found, with the likeliest class
- **Probabilities**: all seven classes, for the largest face
- **Heatmap**: where in the face the evidence for a class lies
- **Blocks**: what the network looks at apart, with the weight it gives to each
- **Landmarks**: jaw, brows, eyes, nose and lips, as a second network places them
- **Attention**: for networks that have it, the places that they weigh by themselves
"""


def render_stream(settings: PageSettings, session: LiveSession, access: str | None) -> None:
    """Show the state of the connection, the meter, and one chart: two at once cost more than the video.

    Args:
        access: as ``read_camera_access`` returns it.
    """
    now = monotonic()
    activity = session.monitor.activity(time=now)
    if session.source == "camera" and session.connection.wish is None and session.is_idle(now):
        session.connection.end(Ending.IDLE)
        st.rerun()
    if session.streaming and activity.frames:
        session.connection.receive()
    if session.source == "camera" and not session.streaming and session.connection.watch():
        st.rerun()
    state = connection_state(session, activity, access)
    st.badge(state.label, icon=f":material/{state.icon}:", color=state.color)
    if state.failed:
        st.warning(state.advice)
        render_ways_out(state)
    elif state.advice:
        st.caption(state.advice)
    if not activity.frames and session.source == "camera":
        for problem in shared_probe.problems:
            st.warning(as_text(f"{problem} Tell whoever runs this server."), icon=":material/lan:")
    if activity.error:
        st.error(as_text(f"Frames fail: {activity.error}"), icon=":material/error:")
    if activity.frames:
        render_meter(activity, session.connection.viewers.count)
        render_comparison(settings, session)
        render_chart(settings, activity)
    elif not state.failed:
        st.markdown(GUIDE)


def render_meter(activity: Activity, viewers: int) -> None:
    """Show frame rate, latency and blinks.

    Args:
        viewers: how many stream from this server.
    """
    readings = activity.result.readings if activity.result else ()
    blinks = readings[0].blinks if readings else None
    with st.container(horizontal=True):
        st.metric("Frames per second", f"{activity.rate:.1f}")
        st.metric(
            "Latency",
            f"{1000 * activity.latency:.0f} ms",
            help="From the arrival of a frame at the server to its picture. The way through the network "
            "comes on top.",
        )
        if blinks:
            st.metric(
                "Blinks",
                blinks.count,
                help="Of the largest face, since it came. Winks do not count, nor do eyes that stay shut for "
                "more than a second.",
            )
    stages = " · ".join(f"{name} {ms:.1f}" for name, ms in activity.timings.items())
    rate = f" {blinks.rate:.0f} blinks a minute." if blinks and blinks.rate is not None else ""
    shared = f" {viewers} viewers share this server." if viewers > 1 else ""
    st.caption(
        f"{activity.frames:,} frames so far.{rate}{shared} "
        f"{sum(activity.timings.values()):.1f} milliseconds a frame: {stages}"
    )


def render_chart(settings: PageSettings, activity: Activity) -> None:
    """Show the chart that was chosen."""
    readings = activity.result.readings if activity.result else ()
    compared = bool(readings) and readings[0].baseline is not None
    if st.session_state.get("live_chart") == "comparison" and not compared:
        del st.session_state.live_chart
    kind = st.segmented_control(
        "Chart",
        [name for name in CHARTS if compared or name != "comparison"],
        format_func=CHARTS.__getitem__,
        default="minute",
        required=True,
        label_visibility="collapsed",
        key="live_chart",
    )
    if kind == "comparison":
        chart(
            comparison_bars(readings[0]),
            "live_comparison",
            "The probabilities of the largest face alone, and compared with the neutral one",
        )
        st.caption(BARS)
    elif kind == "minute":
        chart(
            probability_timeline(activity.times, activity.probabilities),
            "live_timeline",
            "The seven probabilities of the largest face over the last minute",
        )
    elif kind == "plane":
        chart(
            affect_plane(activity.trails),
            "live_plane",
            "Where each face lies on the plane of valence and arousal, and where it lay",
        )
        st.caption(affect_note(load_card(settings.model)))
    elif readings and readings[0].face.actions:
        chart(
            action_bars(as_seen(readings[0].face.actions)),
            "live_actions",
            "The strongest facial actions of the largest face",
        )
        st.caption(f"{ACTIONS_SOURCE} Left and right are those of the picture, as you see it.")
    else:
        st.caption("No face is in the picture.")


def as_seen(actions: Mapping[str, float]) -> dict[str, float]:
    """Return facial actions with left and right as the viewer sees them in the picture.

    The network names sides as if people faced it, so that their left is the right of the picture. In a
    mirrored picture it takes them for the other side, too.
    """
    other = {"Left": "Right", "Right": "Left"}
    return {
        re.sub("Left$|Right$", lambda side: other[side[0]], name): value
        for name, value in actions.items()
    }


def render_single(settings: PageSettings, session: LiveSession, single: Image | None) -> None:
    """Show a single picture of the camera with what was read in it, or what can be shown."""
    if single is None:
        st.markdown(GUIDE)
        return
    image = session.as_shown(single)
    result = settings.analyzer.analyze(
        image,
        model=settings.model,
        prior=settings.prior,
        detector=settings.detector,
        maps=session.stream.settings.maps,
    )
    picture = draw_overlay(image, result, session.style)
    st.image(picture, width="stretch", alt="The picture, and what was found in it")
    if not result.readings:
        st.caption("No face was found. Come closer, and let the light fall on your face.")


def render_ways_out(state: ConnectionState) -> None:
    """Offer to read faces on this device, and single pictures, where there is a camera; and the demo."""
    ways = {
        "device": ("Read on this device", "lock", "Your own browser reads the camera's pictures."),
        "single": ("Use single pictures instead", "photo_camera", "They need no video connection."),
    }
    demo = ("Show the demo", "smart_display", "A drawn face: it needs no camera.")
    offered = {**ways, "demo": demo} if state.has_camera else {"demo": demo}
    with st.container(horizontal=True):
        chosen = [
            st.button(
                title,
                icon=f":material/{icon}:",
                type="secondary" if number else "primary",
                help=text,
                on_click=choose_source,
                args=(source,),
                key=f"live_way_{source}",
            )
            for number, (source, (title, icon, text)) in enumerate(offered.items())
        ]
    if any(chosen):
        st.rerun()


def choose_source(source: str) -> None:
    """Switch to another source of pictures, a key of ``SOURCES``."""
    st.session_state.live_source = source
