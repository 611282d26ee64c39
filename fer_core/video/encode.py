"""Write a clip as an mp4 with the predictions drawn into every frame, and with its sound."""

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from math import inf
from time import monotonic
from typing import BinaryIO

import av
from av.audio.stream import AudioStream

from fer_core.analyzer import Analyzer
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.video.container import (
    FFMPEG_ERRORS,
    PacketReader,
    Source,
    best_stream,
    open_container,
    open_file,
    packet_time,
)
from fer_core.video.decode import BreaksOffError, Clip, Frame
from fer_core.video.film import Film
from fer_core.video.timeline import Progress, Timeline


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

    The result is H.264 with the clip's timestamps and AAC, and ends where the timeline ends. An odd width or
    height is padded by one pixel; frames of another size than the first are fitted into it. The comment in
    the file's metadata names the model.

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
        VideoError: if the clip cannot be read, or the film cannot be written; what was written is kept.
    """
    started = monotonic()
    end = timeline.end if timeline.stopped else inf
    with (
        Clip(source) as clip,
        Film(out, clip.rate, comment=f"{timeline.origin}; {timeline.treatment}") as film,
        closing(_sound(source, clip.name, film)) as sound,
    ):
        sound_time = next(sound, inf)  # the first step adds the track, before anything is written
        for frame in _until(end, clip):
            result = timeline.replay(frame.image, frame.number, analyzer, maps=maps)
            film.write(draw_overlay(frame.image, result, style), frame.time)
            while sound_time < frame.time:
                sound_time = next(sound, inf)
            yield Progress(frame.time, min(end, clip.duration or end), monotonic() - started)
        while sound_time < end:
            sound_time = next(sound, inf)


def _until(end: float, clip: Clip) -> Iterator[Frame]:
    """Yield the frames of a clip up to a time, or up to the point where the clip breaks off."""
    with suppress(BreaksOffError):
        for frame in clip.frames():
            if frame.time > end:
                return
            yield frame


def _sound(source: Source, name: str, film: Film) -> Generator[float]:
    """Write the clip's sound, if it has any, up to the point where the file breaks off.

    Yields:
        Time of the packet that was just written, in seconds.
    """
    with suppress(*FFMPEG_ERRORS), open_file(source) as file, open_container(file, name) as clip:
        stream = best_stream(clip, "audio")
        if not isinstance(stream, AudioStream) or stream.codec_context is None:
            return
        sound = film.add_sound(stream.channels)
        yield 0.0
        try:
            for packet in PacketReader(clip):
                if packet.stream is not stream:
                    continue
                with suppress(av.FFmpegError):  # a damaged packet, as in the video
                    for frame in stream.decode(packet):
                        sound.write(frame)
                yield packet_time(packet) or 0.0
        finally:
            sound.flush()
