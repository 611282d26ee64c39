"""Write a clip as an mp4 with the predictions drawn into every frame, and with its sound."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from math import inf
from time import monotonic
from typing import BinaryIO, Final

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from fer_core.analyzer import Analyzer
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.types import Image
from fer_core.video.decode import (
    DECODE_ERRORS,
    BreaksOffError,
    Clip,
    Frame,
    Source,
    open_container,
    open_file,
)
from fer_core.video.timeline import Progress, Timeline

TICK: Final = Fraction(1, 90_000)
"""Time base in seconds; fine enough for the timestamps of any clip."""

COPIED_CODECS: Final = ("aac", "mp3", "mp3float", "opus")
"""Audio codecs that browsers play from an mp4; audio in other codecs is converted to AAC."""

OFFLINE_OPTIONS: Final = {"preset": "veryfast", "crf": "20"}
"""Options of x264 for files, where speed matters less than quality."""

SMPTE170M, LIMITED = 6, 1
"""Color space and range, in FFmpeg's numbers; without them players guess from the size of the video."""


def annotate(
    source: Source,
    timeline: Timeline,
    analyzer: Analyzer,
    out: BinaryIO,
    *,
    style: OverlayStyle | None = None,
    maps: tuple[str, ...] = ("top",),
) -> Iterator[Progress]:
    """Write a clip with its predictions drawn in; every step of the iteration writes a frame.

    The result is H.264 with the clip's timestamps, and ends where the timeline ends. An odd width or height
    is padded by one pixel.

    Args:
        source: the clip that the timeline was computed from.
        timeline: predictions of the clip.
        analyzer: the analyzer that computed them.
        out: a writable and seekable file.
        style: what to draw.
        maps: classes to explain; the first one that ``style`` shows is drawn. () for none.

    Yields:
        Progress after each frame.

    Raises:
        VideoError: if the clip cannot be read.
    """
    started = monotonic()
    end = timeline.end if timeline.stopped else inf
    with Clip(source) as clip, av.open(out, "w", format="mp4") as output:
        video: VideoStream | None = None
        sound = _sound(source, clip.name, output)
        sound_time = next(sound, inf)  # the first step adds the stream, before anything is written
        for frame in _until(end, clip):
            result = timeline.replay(frame.image, frame.number, analyzer, maps=maps)
            picture = pad_to_even(draw_overlay(frame.image, result, style))
            video = video or add_video(output, picture, clip.rate)
            output.mux(video.encode(to_video_frame(picture, frame.time)))
            while sound_time < frame.time:
                sound_time = next(sound, inf)
            yield Progress(frame.time, min(end, clip.duration or end), monotonic() - started)
        if video is not None:
            output.mux(video.encode(None))
        while sound_time < end:
            sound_time = next(sound, inf)
        sound.close()


def _until(end: float, clip: Clip) -> Iterator[Frame]:
    """Yield the frames of a clip up to a time, or up to the point where the clip breaks off."""
    with suppress(BreaksOffError):
        for frame in clip.frames():
            if frame.time > end:
                return
            yield frame


def pad_to_even(picture: Image) -> Image:
    """Pad a picture to even height and width, as the format requires."""
    height, width = picture.shape[:2]
    if height % 2 == width % 2 == 0:
        return picture
    padded = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def add_video(
    output: OutputContainer,
    picture: Image,
    rate: Fraction,
    *,
    options: Mapping[str, str] = OFFLINE_OPTIONS,
) -> VideoStream:
    """Add a video stream for pictures of one size.

    Args:
        output: the file to write.
        picture: (H, W, 3) picture of that size; H and W are even.
        rate: approximate frames per second; each frame has its own timestamp.
        options: options of x264.
    """
    if "libx264" in av.codecs_available:
        video = output.add_stream("libx264", rate, dict(options))
    else:  # builds of FFmpeg without x264; browsers do not play this codec
        video = output.add_stream("mpeg4", rate, {"qscale": "3"})
    video.height, video.width = picture.shape[:2]
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = TICK
    video.codec_context.colorspace, video.codec_context.color_range = SMPTE170M, LIMITED
    return video


def to_video_frame(picture: Image, time: float) -> VideoFrame:
    """Convert a picture (H, W, 3) RGB uint8 into a video frame that is shown from ``time``, in seconds."""
    frame = VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = round(time / TICK), TICK
    return frame


def _sound(source: Source, name: str, output: OutputContainer) -> Generator[float]:
    """Write the clip's sound, if it has any, up to the point where the file breaks off.

    Yields:
        Time of the packet or frame that was just written, in seconds.
    """
    with suppress(*DECODE_ERRORS), open_file(source) as file, open_container(file, name) as clip:
        sound = clip.streams.best("audio")
        if not isinstance(sound, AudioStream) or sound.codec_context is None:
            return
        start = Fraction(clip.start_time or 0, av.time_base)
        if sound.codec_context.name in COPIED_CODECS:
            yield from _copied(clip, sound, start, output)
        else:
            yield from _converted(clip, sound, start, output)


def _copied(
    clip: InputContainer, sound: AudioStream, start: Fraction, output: OutputContainer
) -> Iterator[float]:
    """Copy the sound without encoding it; yield the time of each packet, in seconds."""
    copy = output.add_stream_from_template(sound)
    yield 0.0
    for packet in clip.demux(sound):
        if packet.pts is None or packet.dts is None:
            continue
        shift = round(start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        time = float(packet.pts * packet.time_base)
        packet.stream = copy
        output.mux(packet)
        yield time


def _converted(
    clip: InputContainer, sound: AudioStream, start: Fraction, output: OutputContainer
) -> Iterator[float]:
    """Convert the sound to AAC; yield the time of each frame, in seconds."""
    layout = "mono" if sound.channels == 1 else "stereo"
    encoder = output.add_stream("aac", 48_000, layout=layout)
    yield 0.0
    for frame in clip.decode(sound):
        if frame.pts is None or frame.time_base is None:
            continue
        frame.pts -= round(start / frame.time_base)
        output.mux(encoder.encode(frame))
        yield float(frame.pts * frame.time_base)
    output.mux(encoder.encode(None))
