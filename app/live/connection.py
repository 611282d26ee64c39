"""One viewer's connection with the camera: its place, its track, and how it begins and ends."""

import logging
from collections.abc import Callable
from typing import Any, Final, Literal

from av import VideoFrame

from app.live.track import NewestFrameTrack
from app.live.viewers import Viewers

LOST_AFTER: Final = 2.0
"""Time without a frame, in seconds, after which a stream that ends has been lost: whoever presses STOP ends
one whose frames still come."""

ATTEMPTS: Final = 5
"""How often a lost connection is opened again before the viewer has to press START."""

Ending = Literal["idle", "lost", "refused"]
"""Why a stream ended that nobody stopped: nobody was in the picture, the connection broke, or there was no
place for it."""

log = logging.getLogger("expression_lens.live")


class Connection:
    """A viewer's place among those who stream, and the track of the video.

    The page's script calls all methods; the track has threads of its own.

    Args:
        session: name of the viewer's session.
        process: makes a picture of a frame and its age, as for ``NewestFrameTrack``.
        viewers: those of the process.
    """

    def __init__(
        self, session: str, process: Callable[[VideoFrame, float], VideoFrame], viewers: Viewers
    ) -> None:
        self.viewers = viewers
        self.ended: Ending | None = None
        """Why the last stream ended, where the viewer did not stop it; None while frames come."""
        self.wish: bool | None = None
        """Whether the browser is asked to start or to stop the stream; None leaves it to the viewer."""
        self._session = session
        self._process = process
        self._attempts = 0
        self._track: NewestFrameTrack | None = None

    @property
    def track(self) -> NewestFrameTrack:
        """Track of the stream that runs, or of the next one."""
        if self._track is None or self._track.readyState != "live":
            self._track = NewestFrameTrack(self._process, self.viewers.workers)
        return self._track

    @property
    def last_arrival(self) -> float | None:
        """Time of the camera's last frame, by ``time.monotonic``; None before the first."""
        return None if self._track is None else self._track.last_arrival

    @property
    def may_start(self) -> bool:
        """Whether the viewer has a place, or would get one."""
        return self.viewers.holds(self._session) or not self.viewers.is_full

    @property
    def reconnects(self) -> bool:
        """Whether a lost stream is being opened again."""
        return self.ended == "lost" and self.wish is True

    def admit(self) -> bool:
        """Take a place for the stream that the browser offers or plays; return whether there is one."""
        place = self.viewers.admit(self._session)
        if place is None:
            self.ended, self.wish = "refused", None
            return False
        session, viewers = self._session, self.viewers
        if place.track is not self.track:
            place.track = self.track
            self.track.on("ended", lambda: viewers.leave(session, place))
        return True

    def attach(self, worker: Any) -> None:
        """Let the place know the stream's ``WebRtcWorker``, which it can end; None before there is one."""
        place = self.viewers.place(self._session)
        if place is not None and worker is not None:
            place.stop = worker.stop
            place.ice_state = lambda: str(worker.pc.iceConnectionState)

    def end(self, reason: Ending) -> None:
        """End the stream, free its place, and let the browser stop as well."""
        self.ended, self.wish = reason, False
        self.viewers.stop(self._session)

    def begin(self) -> None:
        """Take note that the browser has begun a stream."""
        if self.wish is not True:
            self.ended, self._attempts = None, 0
        self.wish = None

    def finish(self, *, lost: bool) -> None:
        """Take note that the stream has ended.

        Args:
            lost: whether it broke, rather than being stopped by the viewer.
        """
        if self.wish is False:
            self.wish = None
        elif lost:
            self.ended = "lost"
            self._attempts += 1
            self.wish = True if self._attempts <= ATTEMPTS else None
            log.warning("The connection of a viewer was lost (attempt %d)", self._attempts)

    def receive(self) -> None:
        """Take note that frames come, unless the stream is being stopped."""
        if self.wish is None:
            self.ended, self._attempts = None, 0
