"""Clips in: videos of any common kind as upright RGB frames, one after another."""

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
"""What may be opened. Play lists are not among them: they would make us read other files and addresses."""

MISSING: Final = 0.5
"""Seconds that a clip may end before the length it announces; containers count a little differently."""

FAULTS: Final = (av.FFmpegError, OSError)
"""What reading a damaged file may raise; the second where it points beyond its own end."""

_TURNS: Final = (None, cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)

Source = Path | str | bytes
"""A path, or the bytes of a file."""


class VideoError(UserError):
    """A clip that cannot be used; one sentence, for the person who gave it, on what to do."""


class BreaksOffError(VideoError):
    """The clip ends before its time. Raised after the last frame that could be decoded."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a clip."""

    number: int
    """From 0, counting every frame of the clip."""
    time: float
    """Seconds from the start of the clip, by its own time stamps; it never goes back."""
    image: Image
    """(H, W, 3) RGB uint8, upright, with square pixels."""


class Clip:
    """An open clip, to be read once from its start; a context manager.

    Only the frame that is being worked on is in memory, and what the codec itself looks ahead.

    Args:
        name: what to call it in messages; the name of the file without it.

    Raises:
        VideoError: there is no such file, it is no video, or nothing here decodes it.
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
        """Seconds, as the clip announces them; some kinds of file do not."""
        duration = self._container.duration
        return None if duration is None or duration <= 0 else duration / av.time_base

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average; a phone's may be at any distance."""
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
        self._container.close()
        self._file.close()

    def frames(self, *, every: int = 1, start: float = 0.0) -> Iterator[Frame]:
        """Decode the clip.

        Args:
            every: 1 for every frame, 2 for every other one, and so on.
            start: seconds to jump to; the first frame is then one before it, as a rule, and counts as 0.

        Raises:
            BreaksOffError: after the last frame, if the clip ends before the length it announces.
            VideoError: no frame can be decoded.
        """
        number, time, end, broken = 0, 0.0, 0.0, False
        # After a jump, times in MPEG streams are guesses, so those are read from their start.
        if start > 0 and "mpeg" not in self._container.format.name:
            self._container.seek(round((self._start + start) * av.time_base))
        try:
            for packet in self._container.demux():
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream is not self._video:
                    continue
                for frame in _decode(self._video, packet):
                    stamp = number / self.rate if frame.time is None else frame.time - self._start
                    time = max(time, float(stamp))
                    if number % every == 0:
                        yield Frame(number, time, self._upright(frame))
                    number += 1
        except FAULTS:
            broken = True
        if number == 0:
            raise VideoError(
                f"no frame of {self.name} can be decoded; it may be damaged, export or send it again"
            )
        if broken or end + MISSING < (self.duration or 0.0):
            raise BreaksOffError(
                f"{self.name} breaks off at {time:.1f} s; what came before is kept"
            )

    def _upright(self, frame: VideoFrame) -> Image:
        """As people see it: turned as a phone says that it was held, and with square pixels."""
        aspect = self._video.sample_aspect_ratio or Fraction(1)
        width = round(frame.width * min(max(aspect, Fraction(1, 4)), Fraction(4)))
        pixels = self._reformatter.reformat(
            frame, max(1, width), frame.height, "rgb24"
        ).to_ndarray()
        turn = _TURNS[round(frame.rotation / 90) % 4]
        return np.asarray(pixels if turn is None else cv2.rotate(pixels, turn), np.uint8)


def read_frame(source: Source, time: float) -> Image:
    """The picture that a clip shows at a time.

    Args:
        time: seconds from the start; of a frame that was read, or any other.

    Returns:
        (H, W, 3) RGB uint8; the last picture where the clip ends earlier.

    Raises:
        VideoError: as for ``Clip``.
    """
    for start in (time, 0.0):  # some files cannot be jumped in, and are read from their start
        with Clip(source) as clip:
            found = _last_until(clip.frames(start=start), time)
        if found is not None:
            return found
    raise VideoError(f"there is no picture at {time:.1f} s; choose an earlier moment")


def open_file(source: Source) -> BinaryIO:
    """The file itself; opened by us, so that no path is taken for an address in the network.

    Raises:
        VideoError: there is none, or it may not be read.
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
        VideoError: with the clip's name.
    """
    try:
        return av.open(file, "r", container_options={"format_whitelist": FORMATS})
    except FAULTS:
        raise VideoError(
            f"{name} is not a video, or lacks the part that says how to read it (a download that was "
            "cut off?); give an mp4, mov, avi, webm, mkv or mpg file"
        ) from None


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    video = container.streams.best("video")
    if not isinstance(video, VideoStream) or video.disposition & Disposition.attached_pic:
        raise VideoError(f"{name} has no picture, only sound; give a video")
    if video.codec_context is None:
        raise VideoError(f"nothing here decodes the pictures of {name}; convert it to H.264, say")
    if video.width * video.height > MAX_MEGAPIXELS * 1e6:
        raise VideoError(f"{name} is larger than {MAX_MEGAPIXELS} megapixels; scale it down first")
    return video


def _decode(video: VideoStream, packet: "Packet[Stream]") -> list[VideoFrame]:
    """The frames that a packet completes; none where it is damaged, as players do."""
    try:
        return video.decode(packet)
    except av.FFmpegError:
        return []


def _last_until(frames: Iterator[Frame], time: float) -> Image | None:
    """The last picture at or before a time, to the millisecond."""
    image = None
    try:
        for frame in frames:
            if frame.time > time + 1e-3:
                break
            image = frame.image
    except VideoError:
        pass
    return image
