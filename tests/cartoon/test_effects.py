"""What actions do to an answer, for an answer that is known: a smile is happy, lowered brows are angry."""

from collections.abc import Sequence

import numpy as np
import pytest

from fer_core import EXPRESSIONS
from fer_core.cartoon import FaceActions, action_effects, between, distance, smallest_turn
from fer_core.types import Floats

HAPPY, ANGRY, NEUTRAL = (EXPRESSIONS.index(name) for name in ("happy", "angry", "neutral"))


def read(faces: Sequence[FaceActions]) -> Floats:
    rows = np.zeros((len(faces), len(EXPRESSIONS)), np.float32)
    for row, face in zip(rows, faces, strict=True):
        row[HAPPY] = (face.smile_left + face.smile_right) / 2
        row[ANGRY] = 0.8 * face.brow_down
        row[NEUTRAL] = 0.55
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


def test_effects_are_signed_and_count_both_sides_of_a_smile() -> None:
    effects = action_effects(read, FaceActions(), "happy")
    assert effects["smile_left"] == pytest.approx(0.25 / 0.8) and "smile_right" not in effects
    assert effects["jaw_open"] == 0
    lowered = action_effects(read, FaceActions(smile_left=1, smile_right=1), "happy")
    assert lowered["smile_left"] > 0, "lowering it takes away, so raising it gives"
    assert lowered["brow_down"] < 0


def test_the_smallest_turn_is_found_or_there_is_none() -> None:
    turn = smallest_turn(read, FaceActions())
    assert turn is not None and turn.expression == "happy"
    assert (turn.action, turn.value, turn.size) == ("smile_left", 0.6, 0.6)
    assert turn.actions == FaceActions(smile_left=0.6, smile_right=0.6)
    angry = smallest_turn(read, FaceActions(), goal="angry")
    assert angry is not None and angry.action == "brow_down" and angry.value == pytest.approx(0.7)
    assert smallest_turn(read, FaceActions(), goal="sad") is None
    assert smallest_turn(read, FaceActions(), ["frown", "pucker"]) is None


def test_faces_between_two_and_how_far_they_are_apart() -> None:
    first, second = FaceActions(smile_left=1), FaceActions(jaw_open=0.5)
    middle = between(first, second, 0.5)
    assert middle == FaceActions(smile_left=0.5, jaw_open=0.25)
    assert between(first, second, 0) == first and between(first, second, 1) == second
    assert distance(first, second) == pytest.approx(1.0), "half a smile and half an open jaw"
