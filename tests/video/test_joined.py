"""Clips whose time starts again, whose time stamps repeat, or are missing."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fer_core import Analyzer
from fer_core.types import Image
from fer_core.video import Clip, Frame, Timeline, TimelineReader, annotate, read_frame
from tests.video.conftest import RATE, WriteClip, av


def shade(value: int) -> Image:
    return np.full((48, 64, 3), value, np.uint8)


def decode(source: Path | bytes) -> list[Frame]:
    with Clip(source) as clip:
        return list(clip.frames())


def read(source: Path | bytes, analyzer: Analyzer) -> Timeline:
    with Clip(source) as clip:
        reader = TimelineReader(clip, analyzer)
        for _ in reader:
            pass
        return reader.timeline


def annotated(source: Path | bytes, timeline: Timeline, analyzer: Analyzer) -> bytes:
    film = io.BytesIO()
    for _ in annotate(source, timeline, analyzer, film, maps=()):
        pass
    return film.getvalue()


def seconds_of_sound(content: bytes) -> float:
    with av.open(io.BytesIO(content)) as film:
        audio = film.streams.audio[0]
        samples: int = sum(frame.samples for frame in film.decode(audio))
    return samples / 48_000


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        ("a.webm", "libvpx", "libopus"),
        ("a.mkv", "libx264", "aac"),
        ("a.ts", "libx264", "aac"),
        ("a.ts", "mpeg2video", "mp2"),
        ("a.mpg", "mpeg2video", "mp2"),
        ("a.avi", "mpeg4", "pcm_s16le"),
    ],
)
def test_time_goes_on_where_recordings_were_joined(
    write_clip: WriteClip, analyzer: Analyzer, name: str, codec: str, sound: str
) -> None:
    first, second = (
        write_clip(
            [shade(level)] * number,
            name=name,
            codec=codec,
            sound=sound,
            # as a browser records, which does not know the length
            options={"live": "1"} if name.endswith(("webm", "mkv")) else None,
        ).read_bytes()
        for level, number in ((30, 30), (200, 60))
    )
    joined = first + second + first
    frames = decode(joined)
    times = np.array([frame.time for frame in frames])
    assert len(frames) == 120 and times[0] == pytest.approx(0, abs=0.1)
    assert np.diff(times) == pytest.approx(1 / RATE, abs=0.12)
    assert times[-1] == pytest.approx(4, abs=0.4)
    assert [frame.image.mean() > 100 for frame in frames] == [False] * 30 + [True] * 60 + [
        False
    ] * 30
    for number in (10, 50, 100):
        image = read_frame(joined, frames[number].time)
        assert image.mean() == pytest.approx(frames[number].image.mean(), abs=1)
    film = annotated(joined, read(joined, analyzer), analyzer)
    assert len(decode(film)) == 120
    assert seconds_of_sound(film) == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),
        ("a.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ("a.mkv", "libx264", {}),
        ("a.flv", "flv", {}),
        ("a.wmv", "wmv2", {}),
    ],
)
def test_files_behind_the_first_that_cannot_be_read_are_told(
    write_clip: WriteClip, analyzer: Analyzer, name: str, codec: str, options: dict[str, str]
) -> None:
    whole = write_clip([shade(30)] * 10, name=name, codec=codec, options=options).read_bytes()
    assert len(decode(whole)) == 10
    timeline = read(3 * whole, analyzer)
    assert timeline.frames >= 10
    assert timeline.flaw is not None and "as another file joined to it is not read" in timeline.flaw


def test_time_goes_on_where_it_starts_again_earlier_than_the_first_part(
    write_clip: WriteClip,
) -> None:
    """FFmpeg takes this for a clock that overflowed, and adds 26 hours."""
    hour = [3600 + number / RATE for number in range(30)]
    late = write_clip([shade(30)] * 30, name="a.ts", times=hour).read_bytes()
    early = write_clip([shade(200)] * 30, name="a.ts").read_bytes()
    times = [frame.time for frame in decode(late + early)]
    assert np.diff(times) == pytest.approx(1 / RATE, abs=0.12) and len(times) == 60


def test_a_long_pause_is_no_new_start(write_clip: WriteClip) -> None:
    times = [0.0, 0.1, 60.0, 60.1]
    frames = decode(write_clip([shade(0)] * 4, times=times, name="a.mkv"))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)


def remux(source: Path, name: str, change: Callable[[int, "av.Packet"], None]) -> Path:
    """Copy the packets of a clip's video into another file; ``change`` may alter each."""
    path = source.with_name(name)
    with av.open(source) as clip, av.open(path, "w") as output:
        copy = output.add_stream_from_template(clip.streams.video[0])
        for number, packet in enumerate(clip.demux(video=0)):
            if packet.dts is not None:
                change(number, packet)
                packet.stream = copy
                output.mux(packet)
    return path


def test_frames_of_one_time_are_written(
    write_clip: WriteClip, analyzer: Analyzer, tmp_path: Path
) -> None:
    path = write_clip([shade(8 * n) for n in range(20)], name="a.webm", codec="libvpx")
    tick = Fraction(1, 1000)

    def repeat(number: int, packet: "av.Packet") -> None:
        packet.time_base = tick
        packet.pts = packet.dts = 100 * (number // 2)

    twice = remux(path, "twice.webm", repeat)
    frames = decode(twice)
    assert [frame.time for frame in frames] == pytest.approx([n // 2 / 10 for n in range(20)])
    film = decode(annotated(twice, read(twice, analyzer), analyzer))
    assert len(film) == 20
    assert [frame.time for frame in film] == pytest.approx([f.time for f in frames], abs=2e-3)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_reordered_frames_of_an_avi_are_written(
    tmp_path: Path, analyzer: Analyzer, codec: str
) -> None:
    """AVI has no times of its own, so frames that the codec reorders come without any."""
    path = tmp_path / "a.avi"
    with av.open(path, "w") as output:
        video = output.add_stream(codec, RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.max_b_frames = 2
        for number in range(20):
            video_frame = av.VideoFrame.from_ndarray(shade(10 * number), format="rgb24")
            output.mux(video.encode(video_frame))
        output.mux(video.encode(None))
    frames = decode(path)
    levels = [frame.image.mean() for frame in frames]
    assert len(frames) == 20 and levels == sorted(levels)
    assert np.diff([frame.time for frame in frames]) == pytest.approx(1 / RATE, abs=2e-3)
    film = decode(annotated(path, read(path, analyzer), analyzer))
    assert [frame.image.mean() for frame in film] == pytest.approx(levels, abs=4)
