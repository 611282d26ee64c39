"""Clips that went wrong once: ``cases`` in the folder of shared data, whose README says what each shows."""

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_core import EXPRESSIONS, Analyzer, StreamSettings
from fer_core.draw.overlay import OverlayStyle
from fer_core.types import Image
from fer_core.video import Clip, Frame, Timeline, TimelineReader, VideoError, annotate
from tests.video.conftest import av

PLAIN = OverlayStyle(bars=False, labels=False, blocks=False, heatmap=0)


def read(path: Path, analyzer: Analyzer, smoothing: float = 0.0) -> Timeline:
    with Clip(path) as clip:
        reader = TimelineReader(clip, analyzer, StreamSettings(maps=(), smoothing=smoothing))
        for _ in reader:
            pass
        return reader.timeline


def film_of(path: Path, analyzer: Analyzer) -> bytes:
    out = io.BytesIO()
    for _ in annotate(path, read(path, analyzer), analyzer, out, style=PLAIN, maps=()):
        pass
    return out.getvalue()


def decode(source: Path | bytes) -> list[Frame]:
    with Clip(source) as clip:
        return list(clip.frames())


def bright_box(image: Image) -> tuple[int, int]:
    """Return the height and width of what is bright."""
    rows, columns = np.nonzero(image.max(axis=2) > 128)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_a_mirrored_clip_is_mirrored(shared: Callable[[str], Path], analyzer: Analyzer) -> None:
    path = shared("cases/mirrored.mp4")
    frames = decode(path)
    with av.open(path) as container:
        stored = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert len(frames) == 10
    assert np.abs(frames[0].image.astype(int) - stored[:, ::-1]).mean() < 1
    assert len(read(path, analyzer).tracks) == 1


def test_the_second_of_two_recordings_is_searched(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    path = shared("cases/two-parts.webm")
    timeline = read(path, analyzer)
    assert (timeline.frames, timeline.flaw) == (40, None)
    assert timeline.end == pytest.approx(3.9, abs=0.01)
    (face,) = timeline.by_face()
    assert face["first"] == pytest.approx(2.0, abs=0.25) and face["last"] == timeline.end
    assert len(decode(film_of(path, analyzer))) == 40


def test_sound_with_a_repeated_time_is_kept(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    film = film_of(shared("cases/sound-two-packets-one-time.mkv"), analyzer)
    with av.open(io.BytesIO(film)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 48_000 == pytest.approx(4.0, abs=0.1)
    assert len(decode(film)) == 40


def test_a_phone_turned_while_filming_squeezes_nothing(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    path = shared("cases/turned-while-filming.mkv")
    assert [f.image.shape for f in decode(path)[::19]] == [(240, 320, 3), (320, 240, 3)]
    film = decode(film_of(path, analyzer))
    assert {frame.image.shape for frame in film} == {(240, 320, 3)}
    assert bright_box(film[0].image) == pytest.approx((80, 80), abs=3)
    assert bright_box(film[-1].image) == pytest.approx((60, 60), abs=3)


def test_tags_in_another_encoding_do_not_matter(shared: Callable[[str], Path]) -> None:
    assert len(decode(shared("cases/video_latin1_tag.avi"))) == 12


def test_an_absurd_duration_of_frames_ends_in_a_film_or_a_sentence(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    path = shared("cases/stts_huge.mp4")
    timeline = read(path, analyzer)
    assert timeline.frames == 1, "its edit list shows 1.2 s, which the first frame fills"
    try:
        assert len(decode(film_of(path, analyzer))) == 1
    except VideoError as error:
        assert "cannot be written" in str(error)


def test_a_grin_is_not_neutral(shared: Callable[[str], Path], analyzer: Analyzer) -> None:
    path = shared("data/clips/single_face.mp4")
    for smoothing in (0.0, 0.25):
        timeline = read(path, analyzer, smoothing=smoothing)
        (row,) = timeline.rows[timeline.rows["frame"] == 20]
        assert EXPRESSIONS[row["probabilities"].argmax()] == "happy"
        assert EXPRESSIONS[row["label"]] == "happy" and timeline.smoothing == smoothing


def test_reading_the_cases_can_stop_and_go_on(
    shared: Callable[[str], Path], analyzer: Analyzer
) -> None:
    with Clip(shared("cases/two-parts.webm")) as clip:
        reader = TimelineReader(clip, analyzer, StreamSettings(maps=()))
        list(itertools.islice(reader, 15))
        assert reader.timeline.stopped and reader.timeline.frames == 15
        list(reader)
    assert reader.timeline.frames == 40
