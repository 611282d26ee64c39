"""The annotated video: pictures, times and sound."""

import io
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core import Analyzer, __version__
from fer_core.draw.overlay import OverlayStyle
from fer_core.types import Image
from fer_core.video import Clip, Frame, Timeline, TimelineReader, VideoError, annotate
from fer_core.video.film import MIN_PICTURE_GAP, Film
from tests.video.conftest import RATE, WriteClip, av

BOX_ONLY = OverlayStyle(bars=False, labels=False, blocks=False, heatmap=0)


def read(path: Path, analyzer: Analyzer, *, frames: int | None = None) -> Timeline:
    with Clip(path) as clip:
        reader = TimelineReader(clip, analyzer)
        for _ in itertools.islice(reader, frames):
            pass
        return reader.timeline


def annotated(path: Path, timeline: Timeline, analyzer: Analyzer) -> tuple[bytes, list[Frame]]:
    out = io.BytesIO()
    steps = list(annotate(path, timeline, analyzer, out, style=BOX_ONLY, maps=()))
    with Clip(out.getvalue()) as clip:
        frames = list(clip.frames())
    assert [step.time for step in steps] == pytest.approx([f.time for f in frames], abs=1e-3)
    return out.getvalue(), frames


def test_the_face_is_marked_and_times_are_kept(
    write_clip: WriteClip, analyzer: Analyzer, face: Image
) -> None:
    times = [0.0, 0.1, 0.4, 0.5]
    path = write_clip([face[:239, :319]] * 4, times=times, codec="ffv1", name="odd.mkv")
    timeline = read(path, analyzer)
    content, frames = annotated(path, timeline, analyzer)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    assert frames[0].image.shape == (240, 320, 3), "one more row and column, since both were odd"
    x0, y0, x1, y1 = (round(edge) for edge in timeline.rows["box"][2].tolist())
    change = np.abs(frames[2].image[:239, :319].astype(int) - face[:239, :319]).mean(axis=2)
    assert change[(y0 + y1) // 2 - 5 : (y0 + y1) // 2 + 5, x0 - 1 : x0 + 2].mean() > 25
    assert change[y1 + 15 :].mean() < 10 and change[:, x1 + 20 :].mean() < 10
    with av.open(io.BytesIO(content)) as container:
        (video,) = container.streams
        comment = f"prior_attention, Expression Lens {__version__}; read frame by frame"
        assert container.metadata["comment"] == comment
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize(
    ("name", "codec", "sound", "written"),
    [
        ("a.mp4", "libx264", "aac", "aac"),
        ("a.avi", "mpeg4", "pcm_s16le", "aac"),
        ("a.mpg", "mpeg2video", "mp2", "aac"),
    ],
)
def test_the_sound_is_kept(
    write_clip: WriteClip,
    analyzer: Analyzer,
    nobody: Image,
    name: str,
    codec: str,
    sound: str,
    written: str,
) -> None:
    path = write_clip([nobody] * 30, name=name, codec=codec, sound=sound)
    content, frames = annotated(path, read(path, analyzer), analyzer)
    assert len(frames) == 30
    with av.open(io.BytesIO(content)) as container:
        audio = container.streams.audio[0]
        assert audio.codec_context.name == written
        samples = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio)])
    assert len(samples) / 48_000 == pytest.approx(1.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[8000:32_000]))
    assert np.argmax(spectrum) * 48_000 / 24_000 == pytest.approx(440, abs=4)


def test_a_stopped_timeline_is_written_up_to_its_end(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image
) -> None:
    path = write_clip([nobody] * 30, sound="aac")
    content, frames = annotated(path, read(path, analyzer, frames=10), analyzer)
    assert len(frames) == 10 and frames[-1].time == pytest.approx(9 / RATE, abs=1e-3)
    with Clip(content) as clip:
        assert clip.duration == pytest.approx(1 / 3, abs=0.06), "the sound ends there too"


def test_phone_videos_are_written_upright(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image
) -> None:
    image = nobody.copy()
    image[:60, :60] = 255
    path = write_clip([image] * 2, rotation=-90)
    _, frames = annotated(path, read(path, analyzer), analyzer)
    assert frames[0].image.shape == (320, 240, 3)
    assert frames[0].image[20, -20].min() > 230


def test_pictures_of_another_size_are_fitted_and_of_one_time_follow_each_other() -> None:
    out = io.BytesIO()
    white = np.full((48, 64, 3), 255, np.uint8)
    with Film(out, Fraction(10)) as film:
        for picture, time in ((white, 0.0), (white.transpose(1, 0, 2), 0.0), (white[:24], 0.5)):
            film.write(np.ascontiguousarray(picture), time)
    with Clip(out.getvalue()) as clip:
        first, upright, flat = clip.frames()
    assert [f.time for f in (first, upright, flat)] == pytest.approx(
        [0, MIN_PICTURE_GAP, 0.5], abs=1e-5
    )
    assert {f.image.shape for f in (first, upright, flat)} == {(48, 64, 3)}
    assert upright.image[:, :10].max() < 20 and upright.image[:, 16:48].min() > 230
    assert flat.image[:8].max() < 20 and flat.image[16:32].min() > 230


def test_a_film_that_cannot_go_on_keeps_what_was_written() -> None:
    out = io.BytesIO()
    white = np.full((48, 64, 3), 255, np.uint8)
    with (
        pytest.raises(VideoError, match=r"leaps from 0\.1 to 90000\.0 s; cut the clip there"),
        Film(out, Fraction(10)) as film,
    ):
        for time in (0.0, 0.1, 90_000.0):
            film.write(white, time)
    with Clip(out.getvalue()) as clip:
        assert len(list(clip.frames())) == 2


class FullDisk(io.BytesIO):
    """A file that takes some bytes and then no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, content: Any) -> int:
        if self.tell() + len(memoryview(content)) > self.room:
            raise OSError(28, "No space left on device")
        return super().write(content)


@pytest.mark.parametrize("room", [0, 40, 40_000])
def test_a_full_disk_is_a_sentence(write_clip: WriteClip, analyzer: Analyzer, room: int) -> None:
    """FFmpeg crashed where the first bytes could not be written and more followed."""
    noise = np.random.default_rng(0).integers(0, 255, (20, 240, 320, 3), np.uint8)
    path = write_clip(list(noise), sound="aac")
    timeline = read(path, analyzer, frames=20)
    with pytest.raises(VideoError, match=r"cannot be written \(No space left on device\); free"):
        list(annotate(path, timeline, analyzer, FullDisk(room), maps=()))


@pytest.mark.parametrize(
    ("shape", "written"),
    [
        ((1, 1), (2, 2)),
        ((2, 3), (2, 4)),
        ((2000, 2), (2000, 2)),
        ((3, 4001), (4, 4002)),
        ((20_000, 40), (16_384, 32)),
    ],
)
def test_pictures_of_extreme_shapes_are_written(
    shape: tuple[int, int], written: tuple[int, int]
) -> None:
    out = io.BytesIO()
    with Film(out, Fraction(10)) as film:
        film.write(np.full((*shape, 3), 90, np.uint8), 0.0)
    with Clip(out.getvalue()) as clip:
        (frame,) = clip.frames()
    assert frame.image.shape[:2] == written


def test_damaged_sound_is_kept_around_the_damage(
    write_clip: WriteClip, analyzer: Analyzer, nobody: Image
) -> None:
    path = write_clip([nobody] * 60, name="a.mkv", sound="aac")
    with av.open(path) as clip:
        (middle,) = [
            p.pos + p.size - 40 for p in clip.demux(audio=0) if p.pts and 970 < p.pts < 990
        ]
    content = bytearray(path.read_bytes())
    content[middle : middle + 30] = bytes(30)
    path.write_bytes(content)
    film, _ = annotated(path, read(path, analyzer), analyzer)
    with av.open(io.BytesIO(film)) as container:
        times = [f.time for f in container.decode(audio=0)]
    assert times[0] < 0.1 and times[-1] > 1.9
