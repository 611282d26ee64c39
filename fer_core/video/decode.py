"""Decode videos of common formats into upright RGB frames, one after another."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from fer_core.types import Image
from fer_core.video.container import (
    FFMPEG_ERRORS,
    MAX_MEGAPIXELS,
    MAX_PIXELS,
    PacketReader,
    Source,
    VideoError,
    best_stream,
    holds_another_file,
    open_container,
    open_file,
    packet_time,
)
from fer_core.video.orientation import display_matrix, turn_upright

DURATION_TOLERANCE: Final = 0.5
"""Seconds that a clip may be shorter than its declared duration: containers count slightly differently."""

LAST_TOLERANCE: Final = 0.2
"""Seconds that the last frame may lie before the last packet of the video: what is hidden has a time too."""

MAX_ASPECT: Final = Fraction(4)
"""Largest ratio of a pixel's sides that is believed."""

RATES: Final = (Fraction(1, 10), Fraction(1000))
"""Smallest and largest number of frames per second that is believed."""


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
        except VideoError:
            self._file.close()
            raise
        try:
            self._video = _video_stream(self._container, self.name)
        except VideoError:
            self.close()
            raise
        self._start = max(0.0, (self._container.start_time or 0) / av.time_base)
        self._reformatter = VideoReformatter()

    @property
    def duration(self) -> float | None:
        """Declared duration in seconds; None for formats that do not declare it."""
        duration = self._container.duration
        return None if duration is None or duration <= 0 else duration / av.time_base

    @property
    def rate(self) -> Fraction:
        """Average frames per second; a phone's frames may be at irregular intervals."""
        rates = (self._video.average_rate, self._video.guessed_rate)
        return next((rate for rate in rates if rate and RATES[0] <= rate <= RATES[1]), Fraction(25))

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

    def frames(self, *, every: int = 1, skip: int = 0) -> Iterator[Frame]:
        """Decode the clip.

        Args:
            every: 1 for every frame, 2 for every second one, and so on.
            skip: number of packets of the video to leave out, see ``packets_before``; the next one then has
                the frame number 0.

        Yields:
            The frames, in the order of their times.

        Raises:
            BreaksOffError: after the last frame, if the clip ends before its declared duration, or if what
                follows cannot be decoded.
            VideoError: if no frame can be decoded.
        """
        number, time = 0, 0.0
        reason: str | None
        decoder = _Decoder(self._container, self._video, skip)
        try:
            for decoded in decoder.frames():
                shown = decoder.time_of(decoded)
                step = float(1 / self.rate) if number else 0.0
                time = max(time, time + step if shown is None else shown)
                if number % every == 0:
                    yield Frame(number, time, self._upright(decoded))
                number += 1
        except _TooLargeError:
            if number == 0:
                raise VideoError(_too_large(self.name)) from None
            reason = f" where its picture has more than {MAX_MEGAPIXELS} megapixels"
        except FFMPEG_ERRORS:
            reason = " where the file is damaged"
        else:
            reason = self._what_is_missing(decoder, time)
        if number == 0:
            raise VideoError(
                f"no frame of {self.name} can be decoded; it may be damaged, or larger than "
                f"{MAX_MEGAPIXELS} megapixels: export or send it again"
            )
        if reason is not None:
            raise BreaksOffError(
                f"{self.name} breaks off at {time:.1f} s{reason}; what came before is kept"
            )

    def _what_is_missing(self, decoder: "_Decoder", time: float) -> str | None:
        """Return why the clip goes on after its last decoded frame, "" if unknown; None if it does not."""
        if holds_another_file(self._file, decoder.packets.bytes_read):
            return ", as another file joined to it is not read whole: convert the parts one by one"
        # The declared duration of joined parts is that of the first, or counts the gap between them.
        short = decoder.end + self._start + DURATION_TOLERANCE < (self.duration or 0.0)
        short = short and not decoder.packets.starts_again
        return "" if short or time + LAST_TOLERANCE < decoder.last else None

    def packets_before(self, time: float) -> int:
        """Return how many packets of the video come before the last keyframe at or before a time.

        The file is read from its start up to there, but nothing is decoded. (Seeking takes a guess in MPEG
        streams, and does not know of a time that starts again.)

        Args:
            time: seconds from the start.
        """
        keyframe = number = 0
        with suppress(*FFMPEG_ERRORS):
            for packet in PacketReader(self._container):
                if packet.stream is not self._video:
                    continue
                shown = packet_time(packet)
                if packet.is_keyframe and shown is not None:
                    if shown > time:
                        break
                    keyframe = number
                number += 1
        return keyframe

    def _upright(self, frame: VideoFrame) -> Image:
        """Return the frame as RGB, turned as the clip declares, with square pixels."""
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        width = max(1, round(frame.width * min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT)))
        if width * frame.height > MAX_PIXELS:
            raise _TooLargeError
        pixels = self._reformatter.reformat(frame, width, frame.height, "rgb24").to_ndarray()
        return turn_upright(np.asarray(pixels, np.uint8), display_matrix(frame))


class _TooLargeError(VideoError):
    """Raised for a frame with more than ``MAX_MEGAPIXELS``."""


class _Decoder:
    """Frames of the video stream of a container, and how far its packets reach."""

    def __init__(self, container: InputContainer, video: VideoStream, skip: int) -> None:
        self.packets = PacketReader(container)
        self._video, self._skip = video, skip
        self._first: int | None = None
        self._delay: int | None = None
        self.end = 0.0
        """End of the last packet of pictures or sound so far, in seconds."""
        self.last = 0.0
        """Time of the last packet of pictures that are to be shown, in seconds."""

    def frames(self) -> Iterator[VideoFrame]:
        """Yield the frames; those that are damaged are left out, as video players do."""
        number = 0
        for packet in self.packets:
            time = packet_time(packet)
            if time is not None:
                length = float((packet.duration or 0) * packet.time_base)
                self.end = max(self.end, time + length)
            if packet.stream is not self._video:
                continue
            if time is not None and not packet.is_discard:
                self.last = max(self.last, time)
            if number >= self._skip:
                self._first = packet.dts if self._first is None else self._first
                with suppress(av.FFmpegError):
                    yield from self._video.decode(packet)
            number += 1

    def time_of(self, frame: VideoFrame) -> float | None:
        """Return when a frame is shown, in seconds; None if unknown.

        Without a time of its own it is that of the packet that completed it, less the delay of the decoder.
        """
        if frame.pts is not None or frame.dts is None:
            return frame.time
        if self._delay is None:
            self._delay = frame.dts - (self._first or 0)
        return float((frame.dts - self._delay) * (frame.time_base or 0))


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
    with Clip(source) as clip:
        keyframe = clip.packets_before(time)
    for skip in sorted({keyframe, 0}, reverse=True):
        with Clip(source) as clip:
            image = _last_until(clip.frames(skip=skip), time)
        if image is not None:
            return image
    raise VideoError(f"there is no picture at {time:.1f} s; choose an earlier moment")


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the video stream; raise ``VideoError`` if there is none that can be decoded."""
    video = best_stream(container, "video")
    if not isinstance(video, VideoStream):
        raise VideoError(f"{name} has no picture, only sound; give a video")
    if video.codec_context is None:
        raise VideoError(f"nothing here decodes the pictures of {name}; convert it to H.264, say")
    if video.width * video.height > MAX_PIXELS:
        raise VideoError(_too_large(name))
    # A frame may be larger than the file declares: then it is not even given memory.
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return video


def _too_large(name: str) -> str:
    return f"{name} is larger than {MAX_MEGAPIXELS} megapixels; scale it down first"


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
