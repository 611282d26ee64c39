"""Drawn faces: what the actions move, and that a detector believes in them."""

from dataclasses import fields, replace

import numpy as np
import pytest

from fer_core import EXPRESSIONS
from fer_core.cartoon import (
    CHARACTERS,
    FaceActions,
    Pose,
    draw_at_random,
    draw_face,
    expression_actions,
)
from fer_core.errors import UserError
from fer_core.faces import load_detector
from fer_core.types import Floats

ADA = CHARACTERS[0]


def landmarks(**actions: float) -> Floats:
    return draw_face(ADA, FaceActions(**actions)).landmarks


@pytest.mark.parametrize("seed", range(30))
def test_any_actions_draw_a_face_within_the_frame(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = {field.name: float(random.uniform()) for field in fields(FaceActions)}
    turn, nod, tilt = (float(random.uniform(-limit, limit)) for limit in (20, 10, 15))
    pose = Pose(turn, nod, tilt)
    drawn = draw_face(CHARACTERS[seed % len(CHARACTERS)], FaceActions(**values), pose)
    points = drawn.landmarks
    assert drawn.image.shape == (256, 256, 3) and drawn.image.std() > 10
    assert points.shape == (78, 2) and np.isfinite(points).all()
    assert (points > 0).all() and (points < 256).all()
    left_eye, right_eye, nose, mouth = (
        points[part].mean(axis=0)
        for part in (slice(36, 42), slice(42, 48), slice(31, 36), slice(48, 60))
    )
    down = np.array((-(right_eye - left_eye)[1], (right_eye - left_eye)[0]))
    heights = [float(point @ down) for point in (points[17:27].mean(0), (left_eye + right_eye) / 2)]
    heights += [float(point @ down) for point in (nose, mouth, points[8])]
    assert heights == sorted(heights), "brows, eyes, nose, mouth and chin are not in order"


def test_actions_move_their_part_of_the_face() -> None:
    rest = landmarks()
    smile = landmarks(smile_left=1, smile_right=1)
    assert (smile[[48, 54], 1] < rest[[48, 54], 1] - 5).all() and smile[54, 0] > rest[54, 0] + 3
    frown = landmarks(frown=1)
    assert (frown[[48, 54], 1] > rest[[48, 54], 1] + 5).all()
    opened = landmarks(jaw_open=1)
    assert opened[66, 1] - opened[62, 1] > 15 > rest[66, 1] - rest[62, 1]
    assert opened[8, 1] > rest[8, 1] + 5
    lowered = landmarks(brow_down=1)
    assert (lowered[[21, 22], 1] > rest[[21, 22], 1] + 5).all()
    raised = landmarks(brow_inner_up=1)
    assert (raised[[21, 22], 1] < rest[[21, 22], 1] - 5).all()
    closed = landmarks(blink_left=1)
    assert abs(closed[37, 1] - closed[41, 1]) < 2 < rest[41, 1] - rest[37, 1]
    assert closed[43] == pytest.approx(rest[43])


def test_actions_beyond_their_range_and_unknown_classes_are_refused() -> None:
    with pytest.raises(UserError, match=r"jaw_open must be between 0 and 1, not 1\.2"):
        FaceActions(jaw_open=1.2)
    with pytest.raises(UserError, match="unknown expression class 'bored'"):
        expression_actions("bored")
    with pytest.raises(UserError, match="intensity must be between 0 and 1"):
        expression_actions("happy", 2)


def test_the_same_seed_draws_the_same_face() -> None:
    first, second = (draw_at_random(ADA, "sad", np.random.default_rng(3)) for _ in range(2))
    assert (first.drawing.image == second.drawing.image).all() and first.actions == second.actions
    other = draw_at_random(ADA, "sad", np.random.default_rng(4))
    assert not (first.drawing.image == other.drawing.image).all()


def test_a_weak_expression_is_a_part_of_the_full_one() -> None:
    full, weak = expression_actions("happy"), expression_actions("happy", 0.5)
    assert weak.smile_left == pytest.approx(full.smile_left / 2)
    assert expression_actions("neutral") == FaceActions()


def test_the_detector_finds_nearly_all_drawings() -> None:
    detector, random = load_detector("mtcnn"), np.random.default_rng(0)
    found = [
        bool(detector.detect(draw_at_random(character, name, random).drawing.image))
        for character in CHARACTERS
        for name in EXPRESSIONS
    ]
    assert np.mean(found) > 0.9


def test_a_character_may_be_changed() -> None:
    drawn = draw_face(replace(ADA, glasses=True), FaceActions()).image
    assert not (drawn == draw_face(ADA, FaceActions()).image).all()
