"""The annotated video: pictures, times and sound."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest

from fer_core import Analyzer
from fer_core.draw.overlay import OverlayStyle
from fer_core.types import Image
from fer_core.video import Clip, Frame, Timeline, TimelineReader, annotate
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
