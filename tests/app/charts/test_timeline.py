"""The timeline of a clip: its lines, marks and picture."""

import numpy as np
import pytest

from app.charts.timeline import MOST_POINTS, attention_strip, clip_timeline
from fer_core.draw import EXPRESSION_COLORS, rgb
from fer_core.draw.timeline import timeline_picture
from fer_core.labels import EXPRESSIONS
from fer_core.types import Floats

TIMES = np.array([0.0, 0.1, 0.2, 5.0, 5.1], np.float32)
NO_BLINKS = np.empty(0, np.float32)


@pytest.fixture
def probabilities() -> Floats:
    """Return (5, 7) probabilities: first happy, then sad."""
    return np.eye(7, dtype=np.float32)[[3, 3, 3, 4, 4]]


def lines_of(probabilities: Floats) -> dict[str, Floats]:
    return dict(zip(EXPRESSIONS, probabilities.T, strict=True))


def test_lines_break_where_the_face_was_away(probabilities: Floats) -> None:
    figure = clip_timeline(TIMES, lines_of(probabilities), blinks=NO_BLINKS)
    assert [line.name for line in figure.data] == list(EXPRESSIONS)
    happy = figure.data[3]
    assert happy.line.color == EXPRESSION_COLORS["happy"]
    assert np.isnan(happy.y).tolist() == [False, False, False, True, False, False]
    assert [y for y in happy.y if not np.isnan(y)] == [1, 1, 1, 0, 0]


def test_valence_and_arousal_are_hidden_at_first(probabilities: Floats) -> None:
    affect = np.stack([np.linspace(-1, 1, 5), np.full(5, np.nan)], axis=1).astype(np.float32)
    lines = lines_of(probabilities)
    figure = clip_timeline(TIMES, lines, affect=affect, blinks=NO_BLINKS)
    (valence,) = figure.data[7:]
    assert (valence.name, valence.visible, valence.yaxis) == ("valence", "legendonly", "y2")
    assert valence.y[0] == -1 and valence.y[-1] == 1


def test_blinks_are_marked_below_the_lines(probabilities: Floats) -> None:
    blinks = np.array([0.1, 5.1], np.float32)
    figure = clip_timeline(TIMES, lines_of(probabilities), blinks=blinks)
    marks = figure.data[-1]
    assert marks.name == "blinks" and list(marks.x) == pytest.approx([0.1, 5.1])
    assert max(marks.y) < 0 and figure.layout.yaxis.range[0] < min(marks.y)


def test_lines_that_are_not_classes_have_their_own_colors() -> None:
    lines = {name: np.zeros(5, np.float32) for name in ("jaw open", "brow inner up")}
    figure = clip_timeline(TIMES, lines, blinks=NO_BLINKS)
    first, second = (line.line.color for line in figure.data)
    assert first != second


def test_lines_of_long_clips_have_fewer_points() -> None:
    times = np.arange(10 * MOST_POINTS, dtype=np.float32) / np.float32(30)
    figure = clip_timeline(times, {"jaw open": times * 0}, blinks=NO_BLINKS)
    assert MOST_POINTS / 2 < len(figure.data[0].x) <= MOST_POINTS


def test_attention_over_time_shows_the_newest_frame_on_top() -> None:
    weights = np.full((5, 3), np.nan, np.float32)
    weights[1:, 2], weights[2:, 1] = 0.75, 0.25
    (strip,) = attention_strip(TIMES, weights).data
    assert list(strip.y) == ["2 back", "1 back", "newest"]
    assert strip.z.shape == (3, 6) and list(strip.x) == pytest.approx([0, 0.1, 0.2, 2.6, 5, 5.1])
    assert np.isnan(strip.z[:, 3]).all() and strip.z[2, 1:3] == pytest.approx(0.75)
    assert strip.zmin == 0 and strip.zmax == pytest.approx(0.75)


def test_timeline_picture_shows_the_same_lines(probabilities: Floats) -> None:
    picture = timeline_picture(TIMES, probabilities, "clip.mp4, face 1")
    assert picture.shape == (900, 1600, 3) and picture.dtype == np.uint8
    plot = picture[140:200, 110:]  # the highest tenth; lines at zero are below it

    def has_color(part: np.ndarray, name: str) -> bool:
        return bool((part == np.array(rgb(EXPRESSION_COLORS[name]))).all(axis=2).any())

    early, late = plot[:, :120], plot[:, -120:]
    assert has_color(early, "happy") and not has_color(early, "sad")
    assert has_color(late, "sad") and not has_color(late, "happy")


def test_timeline_picture_of_a_long_clip_shows_means(probabilities: Floats) -> None:
    frames = 36_000
    times = np.arange(frames, dtype=np.float32) / np.float32(30)
    flickering = np.tile(probabilities[[0, 3]], (frames // 2, 1))  # happy and sad in turn
    picture = timeline_picture(times, flickering, "lesson.mp4, face 1")
    sad = (picture == np.array(rgb(EXPRESSION_COLORS["sad"]))).all(axis=2)
    rows = np.flatnonzero(sad[140:].any(axis=1)) + 140
    assert 480 <= rows.min() <= rows.max() <= 492, "a level line at one half"


def test_timeline_picture_shows_a_single_frame_as_dots(probabilities: Floats) -> None:
    picture = timeline_picture(TIMES[:1], probabilities[:1], "clip.mp4, face 1")
    happy = (picture == np.array(rgb(EXPRESSION_COLORS["happy"]))).all(axis=2)
    assert happy[140:200, :130].any() and not happy[140:, 130:].any()
