"""Pictures that come one by one, as a film in memory."""

from fractions import Fraction
from io import BytesIO
from threading import Lock
from typing import Final

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from fer_core.types import Image
from fer_core.video.encode import add_video, even, stamped

LIMIT: Final = 300.0
"""Seconds that a recording lasts at most."""

RATE: Final = Fraction(30)
"""Frames a second that a camera gives, about."""

MIN_PICTURE_GAP: Final = 0.001
"""Seconds between two pictures at least, since the format wants times that advance."""

QUICK: Final = {
    "preset": "ultrafast",
    "crf": "23",
    "threads": "1",
    "maxrate": "3M",
    "bufsize": "3M",
}
"""How x264 works beside a live picture: 2 ms for one of 640×480 pixels; 115 MB in five minutes at most."""


class Recorder:
    """One recording, from the first picture until it is stopped; safe to use from any thread.

    It is H.264 in an mp4, of the size of the first picture; a width or height that is odd grows by a
    pixel. Nothing is written to disk. It stops by itself after ``limit`` seconds, and where a picture
    cannot be encoded; what came before is kept.
    """

    def __init__(self, *, limit: float = LIMIT) -> None:
        self._lock = Lock()
        self._limit = limit
        self._file = BytesIO()
        self._output: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._size = (0, 0)
        self._start = self._seconds = 0.0
        self._running = True
        self._message: str | None = None
        self._content: bytes | None = None

    @property
    def running(self) -> bool:
        """Whether it takes pictures."""
        return self._running

    @property
    def seconds(self) -> float:
        """From the first picture to the last."""
        return self._seconds

    @property
    def message(self) -> str | None:
        """Why it has stopped by itself, in one sentence; None where it has not."""
        return self._message

    def add(self, picture: Image, *, time: float) -> None:
        """Append a picture; without effect once the recording has stopped.

        Args:
            picture: (H, W, 3) RGB uint8; scaled to fit, on black, where it is not of the first one's size.
            time: seconds on any clock; where it does not advance, a millisecond after the last is meant.

        Raises:
            ValueError, av.FFmpegError: it cannot be encoded, and the recording has stopped.
        """
        with self._lock:
            if not self._running:
                return
            try:
                self._append(even(picture), time)
            except Exception as error:
                self._end(f"The recording has stopped by itself: {error}")
                raise

    def stop(self) -> bytes | None:
        """End the recording, if it has not ended yet.

        Returns:
            The mp4 file, the same at every call; None without pictures.
        """
        with self._lock:
            if self._running:
                self._end()
            return self._content

    def _append(self, picture: Image, time: float) -> None:
        if self._output is None or self._video is None:
            self._output = av.open(self._file, "w", format="mp4")
            self._video = add_video(self._output, picture, RATE, options=QUICK)
            self._size, self._start, seconds = picture.shape[:2], time, 0.0
        else:
            seconds = max(time - self._start, self._seconds + MIN_PICTURE_GAP)
        if seconds > self._limit:
            self._end(f"The recording has stopped by itself after {self._limit / 60:g} min.")
            return
        frame = stamped(_fitted(picture, self._size), seconds)
        self._output.mux(self._video.encode(frame))
        self._seconds = seconds

    def _end(self, message: str | None = None) -> None:
        self._running, self._message = False, message
        if self._output is None or self._video is None:
            return
        try:
            with self._output:
                self._output.mux(self._video.encode(None))
            self._content = self._file.getvalue() or None
        except av.FFmpegError as error:
            self._message = f"The recording could not be finished: {error}"
        self._output = self._video = None


def _fitted(picture: Image, size: tuple[int, int]) -> Image:
    """Scaled to fit into (height, width), in the middle of a black picture of that size."""
    if picture.shape[:2] == size:
        return picture
    (height, width), (rows, columns) = size, picture.shape[:2]
    scale = min(height / rows, width / columns)
    rows, columns = max(1, round(rows * scale)), max(1, round(columns * scale))
    top, left = (height - rows) // 2, (width - columns) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    fitted[top : top + rows, left : left + columns] = cv2.resize(
        picture, (columns, rows), interpolation=cv2.INTER_AREA
    )
    return fitted
