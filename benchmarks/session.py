"""A viewer of the Live page without a browser: Streamlit's messages, and a camera that aiortc plays.

The server cannot tell it from a browser: it opens the page over the WebSocket, answers each rerun that a
fragment asks for, and streams over WebRTC.
"""

import asyncio
import fractions
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import av
import numpy as np
import websockets
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.numbered_clip import CLOCK_RATE, encoded_clip, number_in

PATIENCE: Final = 120.0
"""Longest wait for an answer, in seconds."""

OFF: Final[dict[str, Any]] = {"playing": False, "sdpOffer": None, "iceCandidates": {}}
"""Value of the camera's component before START."""


class ClipCamera(MediaStreamTrack):
    """A camera that plays the numbered clip.

    Args:
        rate: frames per second.
        phase: time by which it begins later, in seconds, so that several do not send at the same moment.
    """

    kind = "video"

    def __init__(self, rate: float, phase: float) -> None:
        super().__init__()
        self.sent: dict[int, float] = {}
        """Number of a frame -> time at which it was last sent."""
        self.frames = 0
        self._rate, self._phase = rate, phase
        self._started: float | None = None

    async def recv(self) -> "av.Packet[Any]":
        """Return the next frame, encoded, when it is due."""
        self._started = self._started or monotonic() + self._phase
        await asyncio.sleep(max(0.0, self._started + self.frames / self._rate - monotonic()))
        clip = encoded_clip()
        number = self.frames % len(clip)
        packet = av.Packet(clip[number])
        packet.pts = packet.dts = round(self.frames * CLOCK_RATE / self._rate)
        packet.time_base = fractions.Fraction(1, CLOCK_RATE)
        self.sent[number] = monotonic()
        self.frames += 1
        return packet


class Viewer:
    """One session of the Live page.

    Args:
        url: of the server.
        rate: frames per second of its camera.
        phase: as for ``ClipCamera``.
    """

    def __init__(self, url: str, rate: float = 10.0, phase: float = 0.0) -> None:
        self.camera = ClipCamera(rate, phase)
        self.counts: list[tuple[float, int]] = []
        """Time and the number of processed frames, whenever the page said it."""
        self.latencies: list[tuple[float, float]] = []
        """Time and age of each new picture that came back, in seconds."""
        self.texts: list[str] = []
        """Badges, captions and warnings of the page since START, in the order in which they came."""
        self.errors: list[str] = []
        self.bytes_received = 0
        """Size of all messages of the WebSocket."""
        self._url = url
        self._widgets: dict[str, Any] = {}
        self._page = self._query = ""
        self._component = self._answer = ""
        self._mounted, self._answered, self._finished = (asyncio.Event() for _ in range(3))
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._peer: RTCPeerConnection | None = None

    async def open(self, page: str = "live") -> None:
        """Open a page and wait until its script has run."""
        address = self._url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = await websockets.connect(
            address,
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=None,
            ping_timeout=None,
        )
        self._tasks["reader"] = asyncio.create_task(self._read())
        await self._send(page=page)
        await asyncio.wait_for(self._finished.wait(), PATIENCE)

    async def start(self) -> bool:
        """Press START; return whether the stream is connected: not if there was no place for it."""
        await self.wait_for(lambda: self.mounted or self.is_refused)
        if not self.mounted:
            return False
        self.texts.clear()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.addTrack(self.camera)
        self._peer.on("track", self._receive)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        offer = self._peer.localDescription
        value = {**OFF, "sdpOffer": {"sdp": offer.sdp, "type": offer.type}}
        await self._tell_camera(value)
        answered = asyncio.create_task(self._answered.wait())
        refused = asyncio.create_task(self.wait_for(lambda: self.is_refused))
        await asyncio.wait(
            {answered, refused}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE
        )
        refused.cancel()
        if not answered.done():
            answered.cancel()
            self._widgets.clear()  # the page shows no camera, so the browser forgets its offer
            return False
        answer = json.loads(self._answer)
        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await self.wait_for(lambda: self.state == "connected")
        await self._tell_camera({**OFF, "playing": True})
        return True

    async def stop(self) -> None:
        """Press STOP, and leave as a closed tab does."""
        if self._peer is not None:
            with suppress(websockets.ConnectionClosed):
                await self._tell_camera(OFF)
        await self.vanish()

    async def vanish(self) -> None:
        """Close the tab without a word."""
        for task in self._tasks.values():
            task.cancel()
        if self._peer is not None:
            await self._peer.close()
        await self._socket.close()

    @property
    def state(self) -> str:
        """State of the connection, as WebRTC names it."""
        return self._peer.connectionState if self._peer else "new"

    @property
    def is_refused(self) -> bool:
        """Whether the page said that there is no place for this viewer."""
        return self.says("No place free")

    @property
    def mounted(self) -> bool:
        """Whether the page shows the camera's component."""
        return self._mounted.is_set()

    def says(self, text: str) -> bool:
        """Return whether the page said this since it was opened, or since START."""
        return any(text in each for each in self.texts)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: if it does not within ``PATIENCE``.
        """
        end = monotonic() + PATIENCE
        while not condition():
            if monotonic() > end:
                raise TimeoutError
            await asyncio.sleep(0.02)

    async def _tell_camera(self, value: Mapping[str, Any]) -> None:
        """Send a value of the camera's component."""
        self._widgets[self._component] = value
        await self._send()

    async def _send(self, page: str | None = None, fragment: str = "") -> None:
        """Ask for a run of the script, or of one of its fragments."""
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.fragment_id = self._query, fragment
        rerun.is_auto_rerun = bool(fragment)
        if page is None:
            rerun.page_script_hash = self._page
        else:
            rerun.page_name = page
        for name, value in self._widgets.items():
            widget = rerun.widget_states.widgets.add()
            widget.id, widget.json_value = name, json.dumps(value)
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        """Take note of what the server sends, until the socket is closed."""
        with suppress(websockets.ConnectionClosed):
            async for raw in self._socket:
                assert isinstance(raw, bytes)
                self.bytes_received += len(raw)
                message = ForwardMsg()
                message.ParseFromString(raw)
                self._handle(message)

    def _handle(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._page = message.new_session.page_script_hash
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash or self._page
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            rerun = message.auto_rerun
            self._rerun_every(rerun.fragment_id, rerun.interval)
        elif kind == "stop_auto_rerun":
            for name in set(self._tasks) - {"reader", "pictures"}:
                self._tasks.pop(name).cancel()
        elif kind == "script_finished":
            self._finished.set()
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta.new_element)

    def _see(self, element: Any) -> None:
        """Take note of an element of the page."""
        kind = element.WhichOneof("type")
        if kind == "component_instance" and "webrtc" in element.component_instance.component_name:
            self._component = element.component_instance.id
            self._mounted.set()
            answer = json.loads(element.component_instance.json_args).get("sdp_answer_json")
            if answer and answer != self._answer:
                self._answer = answer
                self._answered.set()
        elif kind == "markdown":
            self.texts.append(element.markdown.body)
            if words := re.search(r"([\d,]+) frames so far", element.markdown.body):
                self.counts.append((monotonic(), int(words[1].replace(",", ""))))
        elif kind == "html":
            self.texts.append(element.html.body)
        elif kind == "alert":
            self.texts.append(element.alert.body)
        elif kind == "exception":
            self.errors.append(element.exception.message)

    def _rerun_every(self, fragment: str, seconds: float) -> None:
        """Run a fragment again and again, as the browser does."""

        async def rerun() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._send(fragment=fragment)

        if fragment not in self._tasks:
            self._tasks[fragment] = asyncio.create_task(rerun())

    def _receive(self, track: MediaStreamTrack) -> None:
        """Read the pictures that come back."""

        async def read() -> None:
            last = None
            with suppress(MediaStreamError):
                while True:
                    picture = await track.recv()
                    now = monotonic()
                    assert isinstance(picture, av.VideoFrame)
                    number = number_in(np.asarray(picture.to_ndarray(format="gray"), np.uint8))
                    if number != last and number in self.camera.sent:
                        self.latencies.append((now, now - self.camera.sent[number]))
                    last = number

        self._tasks["pictures"] = asyncio.create_task(read())
