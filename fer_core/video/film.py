"""Write pictures as the H.264 video of an mp4, with or without sound."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Final, Self

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fer_core.types import Image
from fer_core.video.container import FFMPEG_ERRORS, VideoError

TICK: Final = Fraction(1, 90_000)
"""Time base in seconds; fine enough for the timestamps of any clip."""

MIN_PICTURE_GAP: Final = 0.0001
"""Minimum time between two pictures, in seconds: the format requires increasing times."""

MAX_PICTURE_GAP: Final = 6 * 3600.0
"""Maximum time between two pictures, in seconds: the format counts it in 31 bits of ``TICK``."""

MAX_FILM_PIXELS: Final = 4096 * 2160
"""Pixels of a film: players decode no larger H.264, and encoding 8K took 2.3 GB."""

MAX_FILM_SIDE: Final = 16_384
"""Longest side that x264 encodes, in pixels."""

OFFLINE_OPTIONS: Final = {"preset": "veryfast", "crf": "20", "threads": "4", "rc-lookahead": "4"}
"""Options of x264 for files, where speed matters less than quality. Each frame that it holds takes 12 MB in
4K: with as many threads as cores and a longer look ahead it held 50."""

SMPTE170M, LIMITED = 6, 1
"""Color space and range, in FFmpeg's numbers; without them players guess from the size of the video."""

SOUND_RATE: Final = 48_000
"""Samples per second of the sound."""


class Film:
    """An mp4 that is written picture by picture; a context manager.

    It has the size of the first picture; an odd width or height is padded by one pixel, and more than
    ``MAX_FILM_PIXELS`` are scaled down. What was written before an error can be played.

    Args:
        out: a writable and seekable file.
        rate: approximate frames per second; each picture has its own time.
        options: options of x264.
        comment: what the metadata of the file says of it; "" for none.
    """

    def __init__(
        self,
        out: BinaryIO,
        rate: Fraction,
        *,
        options: Mapping[str, str] = OFFLINE_OPTIONS,
        comment: str = "",
    ) -> None:
        self._rate, self._options = rate, dict(options)
        with _writing_errors():
            self._output: OutputContainer = av.open(out, "w", format="mp4")
        if comment:
            self._output.metadata["comment"] = comment
        self._video: VideoStream | None = None
        self._size = (0, 0)
        self._last = -MIN_PICTURE_GAP
        self._begun = False
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(VideoError):  # the first error tells more
                self.close()

    def time_after(self, time: float) -> float:
        """Return ``time``, or the earliest time after the last picture, in seconds."""
        return max(time, self._last + MIN_PICTURE_GAP)

    def write(self, picture: Image, time: float) -> None:
        """Append a picture.

        Args:
            picture: (H, W, 3) RGB uint8; if its size differs from the first one, it is scaled to fit, on
                black.
            time: seconds from the start; if it does not advance, the picture is shown just after the last.

        Raises:
            VideoError: if the picture cannot be encoded or written.
        """
        if self._video is not None and time > self._last + MAX_PICTURE_GAP:
            raise VideoError(
                f"the video cannot be written, as its time leaps from {self._last:.1f} to {time:.1f} s; "
                "cut the clip there, or have its time stamps repaired"
            )
        self._last = self.time_after(time)
        with _writing_errors():
            self._encode(pad_to_even(picture))

    def _encode(self, picture: Image) -> None:
        """Append a picture at the time of the last one, which it is now."""
        if self._video is None:
            self._size = film_size(*picture.shape[:2])
            self._video = add_video(self._output, self._size, self._rate, self._options)
        frame = VideoFrame.from_ndarray(fit(picture, self._size), format="rgb24")
        frame.pts, frame.time_base = round(self._last / TICK), TICK
        self.mux(self._video.encode(frame))

    def add_sound(self, channels: int) -> "FilmSound":
        """Add a track for sound; before the first picture.

        Args:
            channels: of the sound; it is written as mono or stereo.
        """
        layout = "mono" if channels == 1 else "stereo"
        return FilmSound(self, self._output.add_stream("aac", SOUND_RATE, layout=layout), layout)

    def mux(self, packets: "Sequence[Packet[VideoStream] | Packet[AudioStream]]") -> None:
        """Write encoded packets.

        Raises:
            FFMPEG_ERRORS: if they cannot be written.
        """
        # A header that could not be written (on a full disk) was freed: trying again would crash FFmpeg.
        if self._failure is not None:
            raise self._failure
        for packet in packets:
            try:
                self._output.mux(packet)
            except FFMPEG_ERRORS as error:
                self._failure = None if self._begun else error
                raise
            self._begun = True

    def close(self) -> None:
        """Finish the file.

        Raises:
            VideoError: if it cannot be written.
        """
        with _writing_errors():
            try:
                if self._video is not None:
                    self.mux(self._video.encode(None))
            finally:
                self._output.close()


class FilmSound:
    """The sound of a film, encoded as AAC."""

    def __init__(self, film: Film, stream: AudioStream, layout: str) -> None:
        self._film, self._stream, self._layout = film, stream, layout
        self._resampler: AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None
        self._last = -1

    def write(self, frame: AudioFrame) -> None:
        """Append samples of any format, rate and layout, which may change from frame to frame."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._format:
            self._resample(None)
            self._format = form
            self._resampler = AudioResampler("fltp", self._layout, SOUND_RATE)
        self._resample(frame)

    def flush(self) -> None:
        """Write what the encoder still holds."""
        self._resample(None)
        self._mux(self._stream.encode(None))

    def _resample(self, frame: AudioFrame | None) -> None:
        for resampled in () if self._resampler is None else self._resampler.resample(frame):
            self._mux(self._stream.encode(resampled))

    def _mux(self, packets: "list[Packet[AudioStream]]") -> None:
        """Write packets at increasing times, which the format requires."""
        for packet in packets:
            if packet.dts is not None and packet.pts is not None:
                self._last = max(packet.dts, self._last + 1)
                packet.pts, packet.dts = max(packet.pts, self._last), self._last
            self._film.mux([packet])


def add_video(
    output: OutputContainer, size: tuple[int, int], rate: Fraction, options: dict[str, str]
) -> VideoStream:
    """Add a stream for pictures of an even height and width."""
    if "libx264" in av.codecs_available:
        video = output.add_stream("libx264", rate, options)
    else:  # builds of FFmpeg without x264; browsers do not play this codec
        video = output.add_stream("mpeg4", rate, {"qscale": "3"})
    video.height, video.width = size
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = TICK
    video.codec_context.colorspace, video.codec_context.color_range = SMPTE170M, LIMITED
    return video


def film_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of a film of pictures with these, which are even."""
    of_pixels, of_side = MAX_FILM_PIXELS / (height * width), MAX_FILM_SIDE / max(height, width)
    scale = min(1.0, of_pixels**0.5, of_side)
    if scale == 1:
        return height, width
    return max(2, int(scale * height) // 2 * 2), max(2, int(scale * width) // 2 * 2)


def pad_to_even(picture: Image) -> Image:
    """Pad a picture to even height and width, as the format requires."""
    height, width = picture.shape[:2]
    if height % 2 == width % 2 == 0:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def fit(picture: Image, size: tuple[int, int]) -> Image:
    """Scale a picture to fit into (height, width), centered on a black picture of that size."""
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


@contextmanager
def _writing_errors() -> Iterator[None]:
    """Turn errors of FFmpeg and of the file into one sentence."""
    try:
        yield
    except av.FFmpegError as error:
        raise VideoError(
            f"the video cannot be written ({error.strerror}); convert the clip, or make a shorter one"
        ) from error
    except FFMPEG_ERRORS as error:
        reason = getattr(error, "strerror", None) or str(error) or "too little memory"
        raise VideoError(
            f"the video cannot be written ({reason}); free some space, or make a shorter one"
        ) from error
