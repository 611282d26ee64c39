"""Clips out: an mp4 with what was read in it painted into every frame, and with its sound."""

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
    FAULTS,
    BreaksOffError,
    Clip,
    Frame,
    Source,
    open_container,
    open_file,
)
from fer_core.video.timeline import Progress, Timeline

TICK: Final = Fraction(1, 90_000)
"""Seconds; fine enough for the time stamps of any clip."""

COPIED: Final = ("aac", "mp3", "mp3float", "opus")
"""Kinds of sound that browsers play from an mp4; others become AAC."""

THOROUGH: Final = {"preset": "veryfast", "crf": "20"}
"""How x264 works where a frame may take its time."""

SMPTE170M, LIMITED = 6, 1
"""How colours are written, in FFmpeg's numbers; without them players guess by the size of the picture."""


def annotate(
    source: Source,
    timeline: Timeline,
    analyzer: Analyzer,
    out: BinaryIO,
    *,
    style: OverlayStyle | None = None,
    maps: tuple[str, ...] = ("top",),
) -> Iterator[Progress]:
    """Write a clip with what was read in it, as far as it was read: every step works on a frame.

    It is H.264 with the clip's own time stamps; a width or height that is odd grows by a pixel.

    Args:
        source: of the clip that the timeline was read from.
        out: a file that can be written and sought in.
        style: what is painted.
        maps: classes whose heatmap is painted, the first one that ``style`` shows; () for none.

    Raises:
        VideoError: the clip cannot be read.
    """
    started = monotonic()
    end = timeline.end if timeline.stopped else inf
    with Clip(source) as clip, av.open(out, "w", format="mp4") as output:
        video: VideoStream | None = None
        sound = _sound(source, clip.name, output)
        heard = next(sound, inf)  # the first step adds the stream, before anything is written
        for frame in _until(end, clip):
            result = timeline.replay(frame.image, frame.number, analyzer, maps=maps)
            picture = even(draw_overlay(frame.image, result, style))
            video = video or add_video(output, picture, clip.rate)
            output.mux(video.encode(stamped(picture, frame.time)))
            while heard < frame.time:
                heard = next(sound, inf)
            yield Progress(frame.time, min(end, clip.duration or end), monotonic() - started)
        if video is not None:
            output.mux(video.encode(None))
        while heard < end:
            heard = next(sound, inf)
        sound.close()


def _until(end: float, clip: Clip) -> Iterator[Frame]:
    """The frames of a clip up to a time; where it breaks off, up to there."""
    with suppress(BreaksOffError):
        for frame in clip.frames():
            if frame.time > end:
                return
            yield frame


def even(picture: Image) -> Image:
    """With one more row and column where their number is odd, as the format wants it."""
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
    options: Mapping[str, str] = THOROUGH,
) -> VideoStream:
    """A stream of pictures such as this one, (H, W, 3) with even H and W.

    Args:
        rate: frames a second, about; each frame has its own time stamp.
        options: for x264.
    """
    if "libx264" in av.codecs_available:
        video = output.add_stream("libx264", rate, dict(options))
    else:  # builds of FFmpeg without it; browsers do not play this one
        video = output.add_stream("mpeg4", rate, {"qscale": "3"})
    video.height, video.width = picture.shape[:2]
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = TICK
    video.codec_context.colorspace, video.codec_context.color_range = SMPTE170M, LIMITED
    return video


def stamped(picture: Image, time: float) -> VideoFrame:
    """A picture, (H, W, 3) RGB uint8, to be shown from ``time`` in seconds."""
    frame = VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = round(time / TICK), TICK
    return frame


def _sound(source: Source, name: str, output: OutputContainer) -> Generator[float]:
    """Write the clip's sound, if it has any: each step a piece of it, telling its time in seconds.

    It ends where the file breaks off.
    """
    with suppress(*FAULTS), open_file(source) as file, open_container(file, name) as clip:
        sound = clip.streams.best("audio")
        if not isinstance(sound, AudioStream) or sound.codec_context is None:
            return
        start = Fraction(clip.start_time or 0, av.time_base)
        if sound.codec_context.name in COPIED:
            yield from _copied(clip, sound, start, output)
        else:
            yield from _converted(clip, sound, start, output)


def _copied(
    clip: InputContainer, sound: AudioStream, start: Fraction, output: OutputContainer
) -> Iterator[float]:
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
