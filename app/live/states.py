"""How far the camera's picture has come, and what to do where it does not."""

from dataclasses import dataclass, replace
from time import monotonic
from typing import Final, Literal

import streamlit as st

from app.live.connection import Connection, Ending
from app.live.session import PATIENCE, LiveSession, idle_minutes
from fer_core.streaming.monitor import Activity

PAUSE: Final = 4.0
"""Time without a frame after which a running stream counts as interrupted, in seconds."""


@dataclass(frozen=True)
class ConnectionState:
    """The state of the connection in words."""

    label: str
    icon: str
    color: Literal["red", "orange", "blue", "green", "gray"]
    advice: str
    failed: bool = False
    """Whether the demo is offered instead."""
    has_camera: bool = False
    """Whether the browser has the camera, so that single pictures of it are offered too."""


START: Final = (
    "If the browser says *NotReadableError*, another program has the camera: close it and retry."
)
NO_VIDEO: Final = """
- **Firewall?** The video takes a way of its own to the server, by UDP or through a TURN server. Try another
  network (a phone's hotspot, say), or ask whoever runs this server.
- **Browser?** Try a current Chrome, Edge, Firefox or Safari, without extensions that block WebRTC.
- **Camera in use?** Close other programs and tabs that show it, then press START again.
"""
STATES: Final = {
    "insecure": ConnectionState(
        "No camera over HTTP",
        "lock_open",
        "red",
        "Browsers give the camera only to pages from `https://` or `localhost`. Open this page by its HTTPS "
        "address.",
        failed=True,
    ),
    "missing": ConnectionState(
        "No camera found",
        "videocam_off",
        "red",
        "Plug a camera in, or switch it on. Some laptops have a shutter or a key for it.",
        failed=True,
    ),
    "denied": ConnectionState(
        "Camera blocked",
        "block",
        "red",
        "This browser keeps the camera from this page. Allow it with the symbol beside the "
        "address, then press START.",
        failed=True,
    ),
    "prompt": ConnectionState(
        "Waiting for permission",
        "front_hand",
        "gray",
        f"Press START, and allow the camera when the browser asks. {START}",
    ),
    "off": ConnectionState("Camera off", "videocam_off", "gray", f"Press START. {START}"),
    "connecting": ConnectionState("Connecting", "sync", "blue", "The first picture is on its way."),
    "demo": ConnectionState(
        "Demo", "smart_display", "blue", "A drawn face in place of the camera, read as any other."
    ),
    "live": ConnectionState("Live", "sensors", "green", ""),
    "stuck": ConnectionState(
        "No video yet", "hourglass_bottom", "orange", NO_VIDEO, failed=True, has_camera=True
    ),
    "failed": ConnectionState(
        "No connection", "error", "red", NO_VIDEO, failed=True, has_camera=True
    ),
    "interrupted": ConnectionState(
        "Picture lost",
        "signal_disconnected",
        "orange",
        "No frames arrive. The camera may have been unplugged, taken by another program or put to sleep, or "
        "the network is gone. Press STOP, then START.",
        failed=True,
    ),
    "busy": ConnectionState(
        "Server busy",
        "hourglass_top",
        "orange",
        "Frames of your camera arrive, but this server has too much to do. The picture goes on as soon as it "
        "has time.",
    ),
    "reconnecting": ConnectionState(
        "Reconnecting",
        "sync",
        "orange",
        "The connection was lost. It is opened again as soon as that is possible.",
    ),
    "lost": ConnectionState(
        "Connection lost",
        "signal_disconnected",
        "red",
        "The way of the video between browser and server broke and could not be opened again. Press START to "
        "try once more.",
        failed=True,
        has_camera=True,
    ),
    "idle": ConnectionState(
        "Stopped",
        "bedtime",
        "gray",
        "Nobody was in the picture for {minutes:g} minutes, so the place is free for others. Press START to "
        "go on.",
    ),
    "full": ConnectionState(
        "No place free",
        "groups",
        "orange",
        "All {limit} places for live video are taken. This page offers the camera as soon as one is free. "
        "Your own device can read its pictures at once: that needs no place.",
        failed=True,
        has_camera=True,
    ),
    "ending": ConnectionState(
        "Server ends",
        "restart_alt",
        "orange",
        "This server is about to end or to start anew, so live video stops. Reload the page in a minute.",
    ),
}
"""Name -> state. ``{limit}`` and ``{minutes}`` stand for the places and the minutes of this server."""

# What only the browser knows of the camera: is the page secure, is there a camera, may it be used?
CAMERA_ACCESS_SCRIPT: Final = """
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
"""


def read_camera_access() -> str | None:
    """Return what the browser says of the camera: insecure, missing, denied, prompt, granted or unknown.

    None until it has answered.
    """
    component = st.components.v2.component("camera_access", js=CAMERA_ACCESS_SCRIPT)
    access: str | None = component(key="camera_access", on_access_change=lambda: None).access
    return access


def connection_state(
    session: LiveSession, activity: Activity, access: str | None
) -> ConnectionState:
    """Return what to say about the connection.

    Args:
        access: as ``read_camera_access`` returns it.
    """
    state = STATES[_state_name(session, activity, access)]
    words = {"limit": session.connection.viewers.limit, "minutes": idle_minutes()}
    return replace(state, advice=state.advice.format(**words))


def _state_name(session: LiveSession, activity: Activity, access: str | None) -> str:
    """Return the key of ``STATES`` that fits."""
    connection = session.connection
    if session.source == "demo":
        return "demo"
    if connection.viewers.draining:
        return "ending"
    if connection.ended == Ending.IDLE:
        return "idle"
    if session.streaming:
        return _streaming_name(connection, activity)
    if connection.ended == Ending.LOST:
        return "reconnecting" if connection.reconnects else "lost"
    if not connection.may_start or connection.ended == Ending.REFUSED:
        return "full"
    if access in ("insecure", "missing", "denied"):
        return access
    if session.connection_failed:
        return "failed"
    return "prompt" if access == "prompt" else "off"


def _streaming_name(connection: Connection, activity: Activity) -> str:
    """Return the key of ``STATES`` that fits a stream that runs or begins."""
    if activity.frames and activity.silence < PAUSE:
        return "live"
    arrived = connection.last_arrival
    if arrived is not None and monotonic() - arrived < PAUSE:
        return "busy"
    if activity.frames:
        return "interrupted"
    if connection.ended == Ending.LOST:
        return "reconnecting"
    return "connecting" if activity.silence < PATIENCE else "stuck"
