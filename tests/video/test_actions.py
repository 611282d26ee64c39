"""Facial actions that change most in a clip."""

import numpy as np
import pytest

from fer_core.labels import ACTIONS
from fer_core.video import Timeline, liveliest_actions
from fer_core.video.rows import ROW


def timeline_of(**lines: list[int]) -> Timeline:
    """Return a timeline of face 3 with the given actions, in 255ths; face 5 holds the largest changes."""
    (length,) = {len(line) for line in lines.values()}
    rows = np.zeros(2 * length, ROW)
    rows["track"][:length], rows["track"][length:] = 3, 5
    for name, line in lines.items():
        rows["actions"][:length, ACTIONS.index(name)] = line
    rows["actions"][length:, ACTIONS.index("cheekPuff")] = np.linspace(0, 255, length)
    return Timeline("a.mp4", "plain", 1, length, 3.0, stopped=False, flaw=None, rows=rows)


def test_actions_are_ordered_by_range_and_both_sides_are_averaged() -> None:
    timeline = timeline_of(
        mouthSmileLeft=[0, 100, 200],
        mouthSmileRight=[0, 200, 200],
        jawOpen=[255, 255, 240],
        browInnerUp=[0, 51, 102],
    )
    actions = liveliest_actions(timeline, 3, 3)
    assert list(actions) == ["mouth smile", "brow inner up", "jaw open"]
    assert actions["mouth smile"] == pytest.approx(np.array([0, 150, 200]) / 255)
    assert actions["brow inner up"] == pytest.approx([0, 0.2, 0.4])


def test_directions_of_movement_are_kept_apart() -> None:
    timeline = timeline_of(jawLeft=[0, 200, 255], jawRight=[200, 0, 0])
    actions = liveliest_actions(timeline, 3, 2)
    assert list(actions) == ["jaw left", "jaw right"]
    assert actions["jaw right"] == pytest.approx(np.array([200, 0, 0]) / 255)


def test_a_single_frame_does_not_make_an_action_lively() -> None:
    steady = [0] * 40
    timeline = timeline_of(jawOpen=[*steady[:-1], 255], browInnerUp=[0, 20] * 20)
    assert list(liveliest_actions(timeline, 3, 1)) == ["brow inner up"]


def test_every_face_has_its_own_liveliest_actions() -> None:
    timeline = timeline_of(jawOpen=[0, 100])
    assert next(iter(liveliest_actions(timeline, 3))) == "jaw open"
    assert next(iter(liveliest_actions(timeline, 5))) == "cheek puff"
    assert len(liveliest_actions(timeline, 3)) == 8


def test_a_face_without_rows_has_no_actions() -> None:
    assert liveliest_actions(timeline_of(jawOpen=[0, 100]), 9) == {}
