"""Track numbers of faces that cross or are hidden for a moment, at any frame rate."""

from collections.abc import Iterator

import numpy as np
import pytest

from fer_core.geometry import box_iou
from fer_core.streaming.tracker import MAX_TRACKS, MEMORY, Tracker, appearance
from fer_core.types import Face, Image

SIDE = 80
WIDTH, HEIGHT = 640, 240


@pytest.fixture(scope="module")
def portraits(astronaut: Image, astronaut_box: tuple[float, ...]) -> tuple[Image, Image]:
    """Return a face, and a different one of the same size: its mirror image with red and blue exchanged."""
    x0, y0, x1, y1 = (round(edge) for edge in astronaut_box)
    face = astronaut[y0 : y0 + SIDE, x0 : x0 + SIDE]
    assert (y1 - y0, x1 - x0) > (SIDE, SIDE)
    return face, face[:, ::-1, ::-1]


def face_at(x: float, y: float, side: float = SIDE) -> Face:
    return Face((x, y, x + side, y + side), 0.99, np.zeros((5, 2), np.float32))


def paint(*placed: tuple[Image, Face]) -> Image:
    """Return a frame with portraits, the last one in front."""
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for portrait, face in placed:
        x, y = (round(edge) for edge in face.box[:2])
        frame[y : y + SIDE, x : x + SIDE] = portrait
    return frame


def seconds(start: float, stop: float, rate: float) -> Iterator[float]:
    return (start + number / rate for number in range(round((stop - start) * rate)))


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_two_boxes_that_cross_keep_their_numbers(
    portraits: tuple[Image, Image], rate: float
) -> None:
    tracker, hidden = Tracker(), 0
    numbers: tuple[set[int | None], set[int | None]] = (set(), set())
    for time in seconds(0, 3, rate):
        front, back = face_at(20 + 160 * time, 70), face_at(520 - 160 * time, 80)
        frame = paint((portraits[1], back), (portraits[0], front))
        covered = bool(box_iou([front.box], [back.box]) > 0.15)
        hidden += covered
        faces = [front] if covered else [back, front]
        tracked = tracker.update(frame, faces, time)
        numbers[0].add(tracked[-1].track_id)
        if not covered:
            numbers[1].add(tracked[0].track_id)
    assert hidden / rate > 0.3, "they should meet"
    assert numbers == ({2}, {1})


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_a_hidden_face_gets_its_number_back(portraits: tuple[Image, Image], rate: float) -> None:
    tracker, numbers = Tracker(), []
    for time in seconds(0, 4, rate):
        face = face_at(20 + 90 * time, 70)
        away = 1 <= time < 1.5 or 2.2 <= time < 2.2 + MEMORY + 0.2
        faces = tracker.update(paint((portraits[0], face)), [] if away else [face], time)
        numbers += [(time, tracked.track_id) for tracked in faces]
    assert {number for time, number in numbers if time < 2.2} == {1}
    assert {number for time, number in numbers if time > 2.2} == {2}, "forgotten after a second"


def test_another_person_at_the_same_place_gets_a_new_number(portraits: tuple[Image, Image]) -> None:
    tracker, face = Tracker(), face_at(200, 70)
    one, other = (paint((portrait, face)) for portrait in portraits)
    assert tracker.update(one, [face], 0.0)[0].track_id == 1
    assert tracker.update(one, [], 0.1) == []
    assert tracker.update(other, [face], 0.5)[0].track_id == 2
    assert tracker.update(one, [face_at(330, 70)], 0.6)[0].track_id == 3, "a plain wall is nobody"


def test_numbers_do_not_depend_on_the_order_of_the_faces() -> None:
    tracker, random = Tracker(), np.random.default_rng(0)
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    faces = [face_at(100 * index, 60) for index in range(5)]
    tracker.update(frame, faces, 0.0)
    for number in range(1, 20):
        order = random.permutation(5)
        tracked = tracker.update(frame, [faces[index] for index in order], number / 30)
        assert [face.track_id for face in tracked] == [index + 1 for index in order]
        assert [face.box for face in tracked] == [faces[index].box for index in order]


@pytest.mark.parametrize("rate", [10, 30, 60])
def test_the_expected_box_continues_the_motion(portraits: tuple[Image, Image], rate: float) -> None:
    tracker = Tracker()
    for time in seconds(0, 2, rate):
        face = face_at(20 + 100 * time, 70)
        frame = paint((portraits[0], face))
        tracker.update(frame, [face], time)
    soon = time + 0.2
    visible, hidden = tracker.expected(frame, soon)
    assert len(hidden) == 0
    assert visible[0].box == pytest.approx(face_at(20 + 100 * soon, 70).box, abs=0.5)
    tracker.update(frame, [], soon)
    visible, hidden = tracker.expected(frame, soon)
    assert len(visible) == 0
    assert hidden[0].box == pytest.approx(face_at(20 + 100 * soon, 70).box, abs=0.5)
    assert [len(faces) for faces in tracker.expected(frame, soon + MEMORY)] == [0, 0]


def test_numbers_are_kept_when_the_frame_size_changes(portraits: tuple[Image, Image]) -> None:
    tracker, face = Tracker(), face_at(400, 100)
    frame = paint((portraits[0], face))
    tracker.update(frame, [face], 0.0)
    (half,) = tracker.update(frame[::2, ::2], [face_at(200, 50, SIDE / 2)], 0.03)
    assert half.track_id == 1


def test_memory_is_bounded() -> None:
    tracker, frame = Tracker(), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    random = np.random.default_rng(1)
    for number in range(60):
        corners = random.uniform(0, 200, (20, 2))
        tracker.update(frame, [face_at(x, y, 4) for x, y in corners], number / 60)
        assert len(tracker.known) <= MAX_TRACKS
    tracker.update(frame, [], 10.0)
    assert tracker.known == frozenset()


def test_appearance_does_not_depend_on_brightness_and_contrast(
    portraits: tuple[Image, Image],
) -> None:
    face = face_at(200, 70)
    normal = appearance(paint((portraits[0], face)), face.box)
    dark = appearance(paint(((0.5 * portraits[0] + 20).astype(np.uint8), face)), face.box)
    other = appearance(paint((portraits[1], face)), face.box)
    assert normal @ normal == pytest.approx(1, abs=1e-5)
    assert normal @ dark > 0.99
    assert normal @ other < 0.6
    assert appearance(np.full((9, 9, 3), 80, np.uint8), (0, 0, 9, 9)) @ normal == 0
    gray = appearance(np.full((9, 9), 80, np.uint8), (-20, -20, -10, -10))
    assert gray.shape == (256,) and not gray.any(), "outside of the frame there is nothing"
