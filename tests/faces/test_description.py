"""Landmarks of faces, and following faces by them from frame to frame."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from fer_core.faces.alignment import find_landmarks
from fer_core.faces.description import FaceDescriber, load_describer
from fer_core.faces.landmarks import STILL_THERE, five_points
from fer_core.geometry import box_iou
from fer_core.images import to_gray
from fer_core.types import Face, Floats, Image

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def describer() -> FaceDescriber:
    return load_describer()


@pytest.fixture(scope="module")
def face(
    describer: FaceDescriber, astronaut: Image, astronaut_box: Box, astronaut_points: Floats
) -> Face:
    found = Face(astronaut_box, 0.99, np.asarray(astronaut_points, np.float32), track_id=3)
    (complete,) = describer.describe([to_gray(astronaut)], [found])
    return complete


def moved(image: Image, dx: float, dy: float, scale: float = 1.0) -> Image:
    height, width = image.shape[:2]
    transform = np.array([[scale, 0, dx], [0, scale, dy]], np.float32)
    return np.asarray(cv2.warpAffine(image, transform, (width, height)), np.uint8)


def test_a_described_face_keeps_what_it_had(face: Face, astronaut_box: Box) -> None:
    assert face.box == astronaut_box and face.track_id == 3
    assert face.landmarks is not None and face.landmarks.shape == (78, 2)
    assert face.actions is not None and face.actions["mouthSmileLeft"] > 0.5
    assert face.eyes is not None and min(face.eyes) > 0.5


def test_faces_with_landmarks_are_not_looked_at_again(describer: FaceDescriber, face: Face) -> None:
    blank = np.zeros((512, 512), np.uint8)
    assert describer.describe([blank], [face])[0] is face


@pytest.mark.parametrize(("dx", "dy", "scale"), [(4, -3, 1.0), (14, 8, 1.0), (-6, 4, 1.03)])
def test_a_face_is_followed_with_its_box(
    describer: FaceDescriber, face: Face, astronaut: Image, dx: float, dy: float, scale: float
) -> None:
    frame = moved(astronaut, dx, dy, scale)
    (followed,) = describer.follow(to_gray(frame), [face])
    assert followed is not None and followed.track_id == 3 and followed.landmarks is not None
    expected = face.landmarks * np.float32(scale) + np.array([dx, dy], np.float32)  # type: ignore[operator]
    off = np.linalg.norm(followed.landmarks - expected, axis=1).mean()
    assert off < 0.04 * face.width
    box = [scale * edge + (dx, dy)[k % 2] for k, edge in enumerate(face.box)]
    assert box_iou([followed.box], [box])[0, 0] > 0.9
    assert followed.points == pytest.approx(five_points(followed.landmarks[None])[0])


def test_a_face_that_left_is_not_there(
    describer: FaceDescriber, face: Face, astronaut: Image
) -> None:
    gone = moved(astronaut, 0, 260)
    noise = np.random.default_rng(0).integers(0, 255, astronaut.shape, np.uint8)
    for frame in (gone, noise, np.zeros_like(astronaut), np.full_like(astronaut, 200)):
        assert describer.follow(to_gray(frame), [face]) == [None]


def test_each_face_is_followed_by_itself(
    describer: FaceDescriber, face: Face, astronaut: Image
) -> None:
    elsewhere = replace(face, landmarks=face.landmarks + np.float32(200))  # type: ignore[operator]
    assert describer.follow(to_gray(astronaut), []) == []
    lost, followed = describer.follow(to_gray(astronaut), [elsewhere, face])
    assert lost is None and followed is not None
    assert followed.box == pytest.approx(face.box, abs=3)


def test_the_probability_of_being_there_falls_with_the_distance(
    describer: FaceDescriber, face: Face, astronaut: Image
) -> None:
    gray, width = to_gray(astronaut), face.width
    present = []
    for distance in (0.0, 0.1, 0.9):
        points = face.points + np.array([distance * width, 0], np.float32)
        present.append(float(find_landmarks([gray], points[None], describer.landmarker).present[0]))
    assert present[0] > 0.95 and present[1] > STILL_THERE > present[2]
