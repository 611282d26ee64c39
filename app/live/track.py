"""A video track that works on the newest frame only and sends each picture once.

``AsyncVideoProcessTrack`` of streamlit-webrtc (0.79) has a thread for each viewer, keeps every frame that
waits for it, and sends its last picture again for each frame of the camera. On a busy server most of the
processor then encodes old pictures: eight viewers saw theirs 12 seconds late. This file imports nothing of
ours, so that it can be offered to streamlit-webrtc.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from time import monotonic
from typing import Final, cast

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

CLOCK_DRIFT: Final = 1e-4
"""Seconds a second by which the clocks of camera and server may run apart."""


class NewestFrameTrack(MediaStreamTrack):
    """Processes the newest frame of a camera and sends the picture, one after another.

    It is both sides of a connection: ``webrtc_streamer(sink_video_track=track, source_video_track=track)``
    writes the frames of the camera into it, and sends what it makes of them. A frame that another one
    overtakes before its turn is dropped. An event ``ended`` is emitted when the connection ends.

    Args:
        process: makes a picture of a frame. The second argument is the age of the frame in seconds: the time
            since it arrived, and how much later it arrived than the others.
        executor: runs ``process``. Several tracks share one, whose queue gives each its turn.
    """

    kind = "video"

    def __init__(
        self, process: Callable[[VideoFrame, float], VideoFrame], executor: Executor
    ) -> None:
        super().__init__()
        self.last_arrival: float | None = None
        """Time of the last frame that arrived, by ``time.monotonic``."""
        self.process = process
        """Makes a picture of a frame and its age."""
        self._executor = executor
        self._camera: MediaStreamTrack | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()
        self._newest: tuple[VideoFrame, float] | None = None
        self._delay = FrameDelay()

    def addTrack(self, track: MediaStreamTrack) -> None:  # noqa: N802
        """Take the frames of this track; named as ``MediaSink`` of streamlit-webrtc asks."""
        self._camera = track

    def hasTrack(self) -> bool:  # noqa: N802
        """Return whether there is a track to read."""
        return self._camera is not None

    def start(self) -> None:
        """Begin to read the camera's frames, in the event loop of this thread."""
        self._loop = asyncio.get_running_loop()
        self._reader = self._loop.create_task(self._read())

    def stop(self) -> None:
        """End the track; from any thread."""
        super().stop()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self._end)

    async def recv(self) -> VideoFrame:
        """Return the picture of the newest frame, as soon as there is a new one.

        Raises:
            MediaStreamError: when the track has ended.
        """
        loop = asyncio.get_running_loop()
        while self.readyState == "live":
            await self._arrived.wait()
            self._arrived.clear()
            picture = await loop.run_in_executor(self._executor, self._work)
            if picture is not None:
                return picture
        raise MediaStreamError

    async def _read(self) -> None:
        """Keep the newest frame of the camera, until it ends."""
        assert self._camera is not None
        with suppress(MediaStreamError):
            while True:
                frame = cast(VideoFrame, await self._camera.recv())
                now = monotonic()
                sent = 0.0 if frame.time is None else frame.time
                self._newest = (frame, now - self._delay.of(sent, now))
                self.last_arrival = now
                self._arrived.set()
        self.stop()

    def _work(self) -> VideoFrame | None:
        """Process the newest frame; None if there is none, or the track has ended."""
        newest, self._newest = self._newest, None
        if newest is None or self.readyState != "live":
            return None
        frame, captured = newest
        picture = self.process(frame, monotonic() - captured)
        picture.pts, picture.time_base = frame.pts, frame.time_base
        return picture

    def _end(self) -> None:
        """Wake ``recv`` and stop reading."""
        self._newest = None
        self._arrived.set()
        if self._reader is not None:
            self._reader.cancel()


class FrameDelay:
    """How late frames are, compared with the one that came through fastest.

    A frame carries the time of the camera's clock only. The way of the fastest frame is unknown and counts as
    nothing; what others take longer, they have waited somewhere: in the network, or for a busy server.
    """

    def __init__(self) -> None:
        self._fastest = float("inf")
        self._last: float | None = None

    def of(self, sent: float, now: float) -> float:
        """Return the delay of a frame, in seconds.

        Args:
            sent: time of the frame by the camera's clock, in seconds.
            now: time at which it arrived, by a clock of ours, in seconds.
        """
        if self._last is not None:
            self._fastest += CLOCK_DRIFT * (now - self._last)
        self._last = now
        way = now - sent
        self._fastest = min(self._fastest, way)
        return way - self._fastest
