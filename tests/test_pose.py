"""Head pose and gaze from landmarks."""

import numpy as np
import pytest

from fer_core.errors import UserError
from fer_core.pose import HEAD, RIGID, gaze, head_pose
from fer_core.types import Floats


def landmarks_of(pitch: float, yaw: float, roll: float) -> Floats:
    """Return the (78, 2) landmarks of the head model, turned by degrees; those that it lacks are zero."""
    p, y, r = np.radians([pitch, yaw, roll])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    landmarks = np.zeros((78, 2), np.float32)
    landmarks[list(RIGID)] = (HEAD @ (about_z @ about_y @ about_x).T)[:, :2] * 12 + 200
    return landmarks


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (15, 0, 0), (0, 25, 0), (0, 0, -30), (10, -20, 5), (-25, 40, 20)]
)
def test_the_pose_of_the_turned_head_model_is_found(angles: tuple[float, float, float]) -> None:
    pose = head_pose(landmarks_of(*angles))
    assert (pose.pitch, pose.yaw, pose.roll) == pytest.approx(angles, abs=0.01)


def test_a_nose_that_points_to_the_right_and_up_is_positive() -> None:
    straight, turned = landmarks_of(0, 0, 0), landmarks_of(10, 20, 0)
    tips, corners = [31, 35], [36, 45]

    def nose(landmarks: Floats) -> Floats:
        return np.asarray(landmarks[tips].mean(0) - landmarks[corners].mean(0), np.float32)

    moved = nose(turned) - nose(straight)
    assert moved[0] > 0 > moved[1]


def test_a_mirrored_face_turns_the_other_way() -> None:
    landmarks = landmarks_of(8, 20, 5)
    mirrored = landmarks * [-1, 1] + [400, 0]
    order = np.arange(78)
    order[list(RIGID)] = [26, 22, 21, 17, 45, 42, 39, 36, 35, 31, 54, 48, 57, 8]
    pose = head_pose(mirrored[order].astype(np.float32))
    assert (pose.pitch, pose.yaw, pose.roll) == pytest.approx((8, -20, -5), abs=0.01)


@pytest.mark.parametrize("side", [-0.5, 0.0, 0.5])
def test_gaze_is_the_place_of_the_iris_between_the_corners(side: float) -> None:
    landmarks = np.zeros((78, 2), np.float32)
    for first, iris, x in ((36, 68, 100.0), (42, 73, 160.0)):
        landmarks[first] = (x - 10, 50)
        landmarks[first + 3] = (x + 10, 50)
        landmarks[iris] = (x + 10 * side, 48)
    found = gaze(landmarks)
    assert (found.horizontal, found.vertical) == pytest.approx((side, 0.2))


def test_other_landmarks_are_refused() -> None:
    with pytest.raises(UserError, match=r"shape \(78, 2\), not \(68, 2\)"):
        head_pose(np.zeros((68, 2), np.float32))
    with pytest.raises(UserError, match="landmarks are of shape"):
        gaze(np.zeros((5, 2), np.float32))
