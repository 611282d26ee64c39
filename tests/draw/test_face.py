"""The line-drawn face and the map under its lines."""

import numpy as np
import pytest

from fer_core.draw.face import CHALK, INK, OPACITY, WINDOW, line_face
from fer_core.draw.heat import COOL, WARM
from fer_core.faces.landmarks import MIRRORED_POINTS
from fer_core.types import Floats, Image

SIZE = 240
SKIN = (0.30, 0.55)
"""A place on the cheek without a line, in fractions of the square."""


@pytest.fixture
def landmarks() -> Floats:
    """Return (78, 2) landmarks of a mirror-symmetric face."""
    points = np.zeros((78, 2), np.float32)

    def around(span: slice, x: float, y: float, width: float, height: float, start: float) -> None:
        count = span.stop - span.start
        turns = start + np.linspace(0, 2 * np.pi, count, endpoint=False)
        points[span] = np.stack([x + width * np.cos(turns), y + height * np.sin(turns)], 1)

    turns = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([0.5 + 0.37 * np.cos(turns), 0.35 + 0.65 * np.sin(turns)], 1)
    points[17:27] = [(x, 0.26) for x in (*np.linspace(0.18, 0.42, 5), *np.linspace(0.58, 0.82, 5))]
    points[27:31] = np.linspace((0.5, 0.38), (0.5, 0.58), 4)
    points[31:36] = np.linspace((0.42, 0.64), (0.58, 0.64), 5)
    for eye, iris, x in ((slice(36, 42), 68, 0.32), (slice(42, 48), 73, 0.68)):
        around(eye, x, 0.38, 0.07, 0.03, np.pi)
        points[iris] = (x, 0.38)
        points[iris + 1 : iris + 5] = [(x + 0.02, 0.38), (x, 0.36), (x - 0.02, 0.38), (x, 0.40)]
    around(slice(48, 60), 0.5, 0.78, 0.15, 0.07, np.pi)
    around(slice(60, 68), 0.5, 0.78, 0.11, 0.02, np.pi)
    mirrored = (points * (-1, 1) + (1, 0))[list(MIRRORED_POINTS)]
    assert mirrored == pytest.approx(points, abs=1e-6)
    return points


def pixel(picture: Image, place: tuple[float, float]) -> list[int]:
    """Return RGBA at a place in fractions of the aligned square."""
    left, top, side = WINDOW
    x, y = ((at - edge) / side * len(picture) for at, edge in zip(place, (left, top), strict=True))
    color: list[int] = picture[int(y), int(x)].tolist()
    return color


def hot(row: int, column: int, value: float = 1) -> Floats:
    raw = np.zeros((6, 6), np.float32)
    raw[row, column] = value
    return raw


CHEEK = hot(3, 1)
"""A map with heat in the cell around ``SKIN``."""


def test_lines_are_drawn_on_a_transparent_background(landmarks: Floats) -> None:
    picture = line_face(landmarks)
    assert picture.shape == (SIZE, SIZE, 4) and picture.dtype == np.uint8
    cover = picture[..., 3]
    assert not cover[[0, 0, -1, -1], [0, -1, 0, -1]].any() and pixel(picture, SKIN)[3] == 0
    assert 0.03 < (cover > 127).mean() < 0.15
    lower = landmarks + np.array((0, 0.05), np.float32)
    both = line_face(landmarks, over=lower)[..., 3]
    assert (both >= cover).all() and (both > cover).any(), "no faint lines below"
    assert both[cover == 0].max() < 100
    places = {
        "chin": (0.5, 1.0),
        "brow": (0.30, 0.26),
        "iris": (0.32, 0.38),
        "bridge": (0.5, 0.48),
        "lip": (0.5, 0.85),
    }
    for name, place in places.items():
        assert pixel(picture, place) == pytest.approx([*INK, 255], abs=2), name
    assert pixel(line_face(landmarks, dark=True), (0.5, 1.0)) == pytest.approx([*CHALK, 255], abs=2)


def test_a_symmetric_face_is_drawn_symmetrically(landmarks: Floats) -> None:
    raw = np.zeros((6, 6), np.float32)
    raw[4, 2:4], raw[1, 1], raw[1, 4] = 1, -0.5, -0.5
    for map_under in (None, raw):
        picture = line_face(landmarks, map_under).astype(float)
        apart = np.abs(picture[..., 3] - picture[:, ::-1, 3])
        assert apart.max() < 48 and apart.mean() < 0.5, "lines are drawn to a quarter of a pixel"


def test_heat_is_drawn_where_the_map_is_hot(landmarks: Floats) -> None:
    red, green, blue, cover = pixel(line_face(landmarks, CHEEK), (0.25, 7 / 12))
    assert cover == pytest.approx(255 * OPACITY * 0.74, abs=5), "a quarter less by the blur"
    assert [red, green, blue] == pytest.approx(WARM[round(cover / OPACITY), 0].tolist(), abs=8)
    against = pixel(line_face(landmarks, -CHEEK), (0.25, 7 / 12))
    assert against[:3] == pytest.approx([blue, green, red]), "cool, as the map is mirrored"
    assert against[:3] == pytest.approx(COOL[round(cover / OPACITY), 0].tolist(), abs=8)
    assert pixel(line_face(landmarks, CHEEK), (0.75, 7 / 12))[3] == 0
    assert pixel(line_face(landmarks, CHEEK), (0.5, 0.48)) == pytest.approx([*INK, 255], abs=2)


def test_corners_outside_the_face_stay_transparent(landmarks: Floats) -> None:
    picture = line_face(landmarks, np.ones((6, 6), np.float32))
    assert not picture[[0, 0, -1, -1], [0, -1, 0, -1], 3].any()
    assert pixel(picture, SKIN)[3] == pytest.approx(255 * OPACITY, abs=1)


def test_a_shared_peak_keeps_maps_comparable(landmarks: Floats) -> None:
    place, half = (0.25, 7 / 12), CHEEK / np.float32(2)
    alone, beside = line_face(landmarks, half), line_face(landmarks, half, peak=1)
    full = pixel(line_face(landmarks, CHEEK), place)[3]
    assert pixel(alone, place)[3] == full, "by itself each map is as strong"
    assert pixel(beside, place)[3] == pytest.approx(full / 2, abs=1)
    assert pixel(line_face(landmarks, 3 * CHEEK, peak=1), place)[3] <= round(255 * OPACITY)


@pytest.mark.parametrize("raw", [np.zeros((6, 6)), np.full((6, 6), np.nan), hot(3, 1, np.inf)])
def test_maps_without_heat_change_nothing(landmarks: Floats, raw: Floats) -> None:
    assert (line_face(landmarks, raw.astype(np.float32)) == line_face(landmarks)).all()


def test_line_face_has_the_requested_size(landmarks: Floats) -> None:
    for size in (96, 500):
        picture = line_face(landmarks, np.ones((12, 12), np.float32), size=size)
        assert picture.shape == (size, size, 4)
        assert pixel(picture, (0.5, 1.0)) == pytest.approx([*INK, 255], abs=40)
