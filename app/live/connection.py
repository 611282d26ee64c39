"""How far the camera's picture has come, and what to do where it does not."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import streamlit as st

from app.live.session import PATIENCE, LiveSession
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
}
"""Name -> state."""

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
    if session.source == "demo":
        return STATES["demo"]
    if session.streaming and activity.frames:
        return STATES["live" if activity.silence < PAUSE else "interrupted"]
    if session.streaming:
        return STATES["connecting" if activity.silence < PATIENCE else "stuck"]
    if access in ("insecure", "missing", "denied"):
        return STATES[access]
    if session.connection_failed:
        return STATES["failed"]
    return STATES["prompt" if access == "prompt" else "off"]


def ice_servers() -> list[dict[str, Any]]:
    """Return the STUN and TURN servers that the host has named (docs/hosting.md); none by default."""
    if named := os.environ.get("ICE_SERVERS"):
        with suppress(ValueError, TypeError):
            return [dict(server) for server in json.loads(named)]
        st.error("ICE_SERVERS of this server is not a JSON list; docs/hosting.md has an example.")
        return []
    with suppress(FileNotFoundError, KeyError):
        return [dict(server) for server in st.secrets["ice_servers"]]
    return []
