"""A photograph that is moved by its landmarks."""

import numpy as np
import pytest

from app.samples import resting_portrait
from fer_core import Analyzer
from fer_core.cartoon import FaceActions, expression_actions, move_face
from fer_core.errors import UserError
from fer_core.types import Floats, Image


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture(scope="module")
def portrait(analyzer: Analyzer) -> tuple[Image, Floats]:
    image = resting_portrait()
    (reading,) = analyzer.analyze(image).readings
    assert reading.top[0] == "neutral" and reading.face.landmarks is not None
    return image, reading.face.landmarks


@pytest.mark.parametrize("name", ["happy", "sad", "angry"])
def test_a_moved_portrait_is_read_as_it_was_moved(
    analyzer: Analyzer, portrait: tuple[Image, Floats], name: str
) -> None:
    moved = move_face(*portrait, expression_actions(name))
    assert analyzer(moved.image)[0].top[0] == name


def test_only_the_face_moves_and_landmarks_go_along(
    analyzer: Analyzer, portrait: tuple[Image, Floats]
) -> None:
    image, points = portrait
    moved = move_face(image, points, FaceActions(smile_left=1, smile_right=1))
    assert (moved.landmarks[[48, 54], 1] < points[[48, 54], 1] - 3).all()
    assert moved.landmarks[:48] == pytest.approx(points[:48], abs=2)
    found = analyzer.analyze(moved.image).readings[0].face.landmarks
    assert found is not None
    assert np.abs(found[[48, 54]] - moved.landmarks[[48, 54]]).mean() < 8
    changed = np.abs(moved.image.astype(int) - image).max(axis=2) > 0
    assert changed.any() and not changed[:20].any() and not changed[:, :20].any()


def test_at_rest_nothing_moves_and_what_cannot_be_shown_is_left_out(
    portrait: tuple[Image, Floats],
) -> None:
    image, points = portrait
    for actions in (FaceActions(), FaceActions(jaw_open=1, blink_left=1, upper_lip_up=1)):
        moved = move_face(image, points, actions)
        assert (moved.image == image).all() and (moved.landmarks == points).all()
    with pytest.raises(UserError, match="a face has 78 landmarks"):
        move_face(image, points[:68], FaceActions())
