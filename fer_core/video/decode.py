"""Decode videos of common formats into upright RGB frames, one after another."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from fer_core.errors import UserError
from fer_core.images import MAX_MEGAPIXELS
from fer_core.types import Image

FORMATS: Final = "mov,mp4,avi,matroska,webm,mpeg,mpegts,mpegvideo,asf,flv,ogg"
"""Formats that may be opened. Playlists are left out: they would make FFmpeg read other files and
addresses."""

DURATION_TOLERANCE: Final = 0.5
"""Seconds that a clip may be shorter than its declared duration: containers count slightly differently."""

DECODE_ERRORS: Final = (av.FFmpegError, OSError)
"""Exceptions while reading a damaged file; ``OSError`` if it points beyond its own end."""

_ROTATIONS: Final = (
    *(None, cv2.ROTATE_90_COUNTERCLOCKWISE),
    *(cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE),
)
"""Rotation that sets a frame upright, by its declared rotation in quarter turns."""

Source = Path | str | bytes
"""Path or content of a file."""


class VideoError(UserError):
    """Raised if a clip cannot be used; the message tells the user in one sentence what to do."""


class BreaksOffError(VideoError):
    """Raised after the last decoded frame if the clip ends before its declared duration."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded frame of a clip."""

    number: int
    """Number of the frame, counted from 0 over all frames of the clip."""
    time: float
    """Seconds from the start of the clip, from its timestamps; never decreasing."""
    image: Image
    """(H, W, 3) RGB uint8, upright, with square pixels."""


class Clip:
    """An open clip, read once from its start; a context manager.

    Only the current frame and the frames that the codec buffers are in memory.

    Args:
        source: the clip.
        name: name for messages; default: the name of the file.

    Raises:
        VideoError: if the file does not exist, is not a video, or has no available decoder.
    """

    def __init__(self, source: Source, name: str | None = None) -> None:
        self.name = name or ("the clip" if isinstance(source, bytes) else Path(source).name)
        self._file = open_file(source)
        try:
            self._container = open_container(self._file, self.name)
            self._video = _video_stream(self._container, self.name)
        except VideoError:
            self._file.close()
            raise
        self._start = (self._container.start_time or 0) / av.time_base
        self._reformatter = VideoReformatter()

    @property
    def duration(self) -> float | None:
        """Declared duration in seconds; None for formats that do not declare it."""
        duration = self._container.duration
        return None if duration is None or duration <= 0 else duration / av.time_base

    @property
    def rate(self) -> Fraction:
        """Average frames per second; a phone's frames may be at irregular intervals."""
        return self._video.average_rate or self._video.guessed_rate or Fraction(25)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the clip and its file."""
        self._container.close()
        self._file.close()

    def frames(self, *, every: int = 1, start: float = 0.0) -> Iterator[Frame]:
        """Decode the clip.

        Args:
            every: 1 for every frame, 2 for every second one, and so on.
            start: time to seek to, in seconds; the first frame is then usually an earlier one, with number 0.

        Yields:
            The frames, in the order of their times.

        Raises:
            BreaksOffError: after the last frame, if the clip ends before its declared duration.
            VideoError: if no frame can be decoded.
        """
        number, time, end, damaged = 0, 0.0, 0.0, False
        # After seeking, times in MPEG streams are guesses, so those are read from their start.
        if start > 0 and "mpeg" not in self._container.format.name:
            self._container.seek(round((self._start + start) * av.time_base))
        try:
            for packet in self._container.demux():
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream is not self._video:
                    continue
                for frame in _decode(self._video, packet):
                    timestamp = (
                        number / self.rate if frame.time is None else frame.time - self._start
                    )
                    time = max(time, float(timestamp))
                    if number % every == 0:
                        yield Frame(number, time, self._upright(frame))
                    number += 1
        except DECODE_ERRORS:
            damaged = True
        if number == 0:
            raise VideoError(
                f"no frame of {self.name} can be decoded; it may be damaged, export or send it again"
            )
        if damaged or end + DURATION_TOLERANCE < (self.duration or 0.0):
            raise BreaksOffError(
                f"{self.name} breaks off at {time:.1f} s; what came before is kept"
            )

    def _upright(self, frame: VideoFrame) -> Image:
        """Return the frame as RGB, rotated by the phone's declared orientation, with square pixels."""
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        width = round(frame.width * min(max(aspect, Fraction(1, 4)), Fraction(4)))
        pixels = self._reformatter.reformat(
            frame, max(1, width), frame.height, "rgb24"
        ).to_ndarray()
        rotation = _ROTATIONS[round(frame.rotation / 90) % 4]
        return np.asarray(pixels if rotation is None else cv2.rotate(pixels, rotation), np.uint8)


def read_frame(source: Source, time: float) -> Image:
    """Read the frame that a clip shows at a given time.

    Args:
        source: the clip.
        time: any time, in seconds from the start.

    Returns:
        (H, W, 3) RGB uint8; the last frame if the clip ends earlier.

    Raises:
        VideoError: as for ``Clip``, and if there is no frame at that time.
    """
    for start in (time, 0.0):  # some files do not support seeking, and are read from their start
        with Clip(source) as clip:
            image = _last_until(clip.frames(start=start), time)
        if image is not None:
            return image
    raise VideoError(f"there is no picture at {time:.1f} s; choose an earlier moment")


def open_file(source: Source) -> BinaryIO:
    """Open the file here, not in FFmpeg, so that a path is never taken for a network address.

    Raises:
        VideoError: if the file does not exist or cannot be read.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return Path(source).open("rb")
    except FileNotFoundError:
        raise VideoError(f"there is no file {source}; check the path") from None
    except OSError as error:
        raise VideoError(f"{source} cannot be opened ({error.strerror})") from error


def open_container(file: BinaryIO, name: str) -> InputContainer:
    """Open a file for demuxing.

    Raises:
        VideoError: if the file is not a video; the message has the clip's name.
    """
    try:
        return av.open(file, "r", container_options={"format_whitelist": FORMATS})
    except DECODE_ERRORS:
        raise VideoError(
            f"{name} is not a video, or lacks the part that says how to read it (a download that was "
            "cut off?); give an mp4, mov, avi, webm, mkv or mpg file"
        ) from None


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the video stream; raise ``VideoError`` if there is none that can be decoded."""
    video = container.streams.best("video")
    if not isinstance(video, VideoStream) or video.disposition & Disposition.attached_pic:
        raise VideoError(f"{name} has no picture, only sound; give a video")
    if video.codec_context is None:
        raise VideoError(f"nothing here decodes the pictures of {name}; convert it to H.264, say")
    if video.width * video.height > MAX_MEGAPIXELS * 1e6:
        raise VideoError(f"{name} is larger than {MAX_MEGAPIXELS} megapixels; scale it down first")
    return video


def _decode(video: VideoStream, packet: "Packet[Stream]") -> list[VideoFrame]:
    """Return the frames that a packet completes; none if it is damaged, as video players do."""
    try:
        return video.decode(packet)
    except av.FFmpegError:
        return []


def _last_until(frames: Iterator[Frame], time: float) -> Image | None:
    """Return the last frame at or before a time, to the millisecond; None if there is none."""
    image = None
    try:
        for frame in frames:
            if frame.time > time + 1e-3:
                break
            image = frame.image
    except VideoError:
        pass
    return image
