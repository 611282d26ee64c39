"""One viewer's connection with the camera: its place, its track, and how it begins and ends."""

import logging
from collections.abc import Callable
from enum import StrEnum
from time import monotonic
from typing import Any, Final

from av import VideoFrame

from app.live.ice import PROBE_PATIENCE, IceProbe, shared_probe
from app.live.track import NewestFrameTrack
from app.live.viewers import Viewers

LOST_AFTER: Final = 2.0
"""Time without a frame, in seconds, after which a stream that ends has been lost: whoever presses STOP ends
one whose frames still come."""

ATTEMPTS: Final = 5
"""How often a lost stream is opened again, one after another, before the viewer has to press START."""


class Ending(StrEnum):
    """Why a stream ended that the viewer did not stop."""

    IDLE = "idle"
    """Nobody was in the picture for long."""
    LOST = "lost"
    """The connection broke."""
    REFUSED = "refused"
    """There was no place for it."""


LOG: Final = logging.getLogger("expression_lens.live")


class Connection:
    """A viewer's place among those who stream, and the track of the video.

    The page's script calls all methods; the track has threads of its own.

    Args:
        session: name of the viewer's session.
        process: makes a picture of a frame and its age, as for ``NewestFrameTrack``.
        viewers: those of the process.
        probe: of the servers by which the video finds its way.
    """

    def __init__(
        self,
        session: str,
        process: Callable[[VideoFrame, float], VideoFrame],
        viewers: Viewers,
        probe: IceProbe = shared_probe,
    ) -> None:
        self.viewers = viewers
        self.probe = probe
        self.ended: Ending | None = None
        """Why the last stream ended, where the viewer did not stop it; None while frames come."""
        self.wish: bool | None = None
        """Whether the browser is asked to start or to stop the stream; None leaves it to the viewer."""
        self._session = session
        self._process = process
        self._attempts = 0
        self._in_doubt_until = 0.0
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
        """Whether a lost stream will be opened again without the viewer."""
        return self.ended == Ending.LOST and self._attempts <= ATTEMPTS

    @property
    def is_watched(self) -> bool:
        """Whether it may have to be opened again, so that ``watch`` has to be called now and then."""
        return self.reconnects or monotonic() < self._in_doubt_until

    def admit(self) -> bool:
        """Take a place for the stream that the browser offers or plays; return whether there is one."""
        place = self.viewers.admit(self._session)
        if place is None:
            self.ended, self.wish = Ending.REFUSED, None
            return False
        session, viewers = self._session, self.viewers
        if place.track is not self.track:
            place.track = self.track
            self.track.on("ended", lambda: viewers.leave(session, place))
        return True

    def attach(self, worker: Any) -> None:
        """Let the place know the stream's ``WebRtcWorker``, which it can end; None before there is one."""
        place = self.viewers.place_of(self._session)
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
        self.wish, self._in_doubt_until = None, 0.0

    def note_end(self, *, lost: bool) -> None:
        """Take note that the stream has ended.

        Args:
            lost: whether it broke, rather than being stopped by the viewer.
        """
        if self.wish is False:
            self.wish = None
            return
        # The browser closes a stream at once whose relay is gone, as after STOP: the probe will tell.
        self._in_doubt_until = monotonic() + PROBE_PATIENCE + 1
        self.probe.wake()
        if lost:
            self.lose()

    def lose(self) -> None:
        """Take note that the stream broke; it is opened again when all servers serve."""
        self.ended, self._in_doubt_until = Ending.LOST, 0.0
        self._attempts += 1
        LOG.warning("The connection of a viewer was lost (%d)", self._attempts)

    def watch(self) -> bool:
        """Find out whether the stream that ended was lost, and open it again as soon as that makes sense.

        Returns:
            Whether the browser has to know of it.
        """
        broken = bool(self.probe.problems)
        if self.ended is None and monotonic() < self._in_doubt_until and broken:
            self.lose()
        if self.reconnects and self.wish is None and not broken:
            self.wish = True
            return True
        return False

    def receive(self) -> None:
        """Take note that frames come, unless the stream is being stopped."""
        if self.wish is None:
            self.ended, self._attempts = None, 0
