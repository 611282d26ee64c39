"""Record live pictures as a video in memory."""

from fractions import Fraction
from io import BytesIO
from threading import Lock
from typing import Final

from fer_core.types import Image
from fer_core.video.container import VideoError
from fer_core.video.film import Film

MAX_SECONDS: Final = 300.0
"""Maximum length of a recording, in seconds."""

FRAME_RATE: Final = Fraction(30)
"""Approximate frames per second of a camera."""

LIVE_OPTIONS: Final = {
    "preset": "ultrafast",
    "crf": "23",
    "threads": "1",
    "maxrate": "3M",
    "bufsize": "3M",
}
"""Options of x264 for live recording: 2 ms for a picture of 640×480 pixels; at most 115 MB in five
minutes."""


class Recorder:
    """One recording, from the first picture until it is stopped; safe to use from any thread.

    The result is H.264 in an mp4, with the size of the first picture; an odd width or height is padded by one
    pixel. Nothing is written to disk. The recording stops by itself after ``limit`` seconds, or if a picture
    cannot be encoded; earlier pictures are kept.

    Args:
        limit: maximum length, in seconds.
    """

    def __init__(self, *, limit: float = MAX_SECONDS) -> None:
        self._lock = Lock()
        self._limit = limit
        self._file = BytesIO()
        self._film: Film | None = None
        self._start = self._seconds = 0.0
        self._running = True
        self._message: str | None = None
        self._content: bytes | None = None

    @property
    def running(self) -> bool:
        """Whether the recorder accepts pictures."""
        return self._running

    @property
    def seconds(self) -> float:
        """Time from the first picture to the last, in seconds."""
        return self._seconds

    @property
    def message(self) -> str | None:
        """Reason why the recording has stopped by itself, in one sentence; None if it has not."""
        return self._message

    def add(self, picture: Image, *, time: float) -> None:
        """Append a picture; do nothing if the recording has stopped.

        Args:
            picture: (H, W, 3) RGB uint8; if its size differs from the first one, it is scaled to fit, on
                black.
            time: time in seconds on any clock; if it does not advance, the picture is shown just after the
                last one.

        Raises:
            VideoError: if the picture cannot be encoded; the recording has then stopped.
        """
        with self._lock:
            if not self._running:
                return
            try:
                self._append(picture, time)
            except Exception as error:
                self._end(f"The recording has stopped by itself: {error}")
                raise

    def stop(self) -> bytes | None:
        """End the recording, if it has not ended yet.

        Returns:
            The mp4 file, the same at every call; None if there are no pictures.
        """
        with self._lock:
            if self._running:
                self._end()
            return self._content

    def _append(self, picture: Image, time: float) -> None:
        if self._film is None:
            self._film = Film(self._file, FRAME_RATE, options=LIVE_OPTIONS)
            self._start = time
        seconds = self._film.time_after(time - self._start)
        if seconds > self._limit:
            self._end(f"The recording has stopped by itself after {self._limit / 60:g} min.")
            return
        self._film.write(picture, seconds)
        self._seconds = seconds

    def _end(self, message: str | None = None) -> None:
        self._running, self._message = False, message
        if self._film is None:
            return
        try:
            self._film.close()
            self._content = self._file.getvalue() or None
        except VideoError as error:
            self._message = f"The recording could not be finished: {error}"
        self._film = None
