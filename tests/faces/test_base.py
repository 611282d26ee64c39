"""The registry of detectors, and ``find_faces``."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_core.faces import MAX_SIDE, find_faces, list_detectors, load_detector
from fer_core.faces.haar import Haar
from fer_core.faces.mtcnn import MTCNN
from fer_core.types import Face, Floats, Image


@dataclass
class Fixed:
    """A detector that returns fixed boxes and keeps its input images."""

    boxes: list[tuple[float, float, float, float]]
    images: list[Image] = field(default_factory=list)

    def detect(self, image: Image) -> list[Face]:
        self.images.append(image)
        return [
            Face(box=box, score=1.0, points=np.full((5, 2), 100, np.float32)) for box in self.boxes
        ]


def test_detectors_are_listed_and_loaded_by_name() -> None:
    assert list_detectors() == ("mtcnn", "haar", "yunet", "hog")
    with pytest.raises(ValueError, match="'dlib'; choose one of mtcnn, haar, yunet, hog"):
        load_detector("dlib")


def test_settings_reach_the_detector() -> None:
    detector = load_detector("mtcnn", min_face=60, thresholds=(0.5, 0.6, 0.7))
    assert isinstance(detector, MTCNN)
    assert (detector.min_face, detector.thresholds) == (60, (0.5, 0.6, 0.7))
    haar = load_detector("haar", min_face=80, min_neighbors=6)
    assert isinstance(haar, Haar) and haar.min_neighbors == 6


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, fer_core.faces; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_large_images_are_scaled_down_and_faces_scaled_back() -> None:
    detector = Fixed([(128, 64, 256, 192)])
    (face,) = find_faces(np.zeros((1500, 3000, 3), np.uint8), detector)
    assert detector.images[0].shape == (640, MAX_SIDE, 3)
    assert face.box == pytest.approx((300, 150, 600, 450))
    assert face.points == pytest.approx(np.full((5, 2), 234.375))


def test_small_images_are_not_scaled() -> None:
    detector = Fixed([(10, 20, 30, 40)])
    image = np.zeros((720, MAX_SIDE, 3), np.uint8)
    assert find_faces(image, detector)[0].box == (10, 20, 30, 40)
    assert detector.images[0] is image


def test_boxes_are_clipped_sorted_and_never_empty() -> None:
    boxes = [(-20.0, -5.0, 30.0, 50.0), (50.0, 0.0, 130.0, 90.0), (110.0, 10.0, 150.0, 50.0)]
    faces = find_faces(np.zeros((80, 100, 3), np.uint8), Fixed(boxes))
    assert [face.box for face in faces] == [(50, 0, 100, 80), (0, 0, 30, 50)]


@pytest.mark.parametrize("shape", [(60, 80), (60, 80, 1), (60, 80, 4)])
def test_the_detector_gets_rgb_from_any_image(shape: tuple[int, ...]) -> None:
    detector = Fixed([])
    assert find_faces(np.full(shape, 255, np.uint8), detector) == []
    assert detector.images[0].shape == (60, 80, 3)


@pytest.mark.parametrize("name", list_detectors())
@pytest.mark.parametrize("view", ["as it is", "upscaled", "mirrored", "gray"])
def test_every_detector_finds_the_astronaut(
    name: str,
    view: str,
    astronaut: Image,
    astronaut_box: tuple[float, float, float, float],
    astronaut_points: Floats,
    shared: Callable[[str], Path],
) -> None:
    settings: dict[str, Any] = {}
    if name == "yunet":
        settings["weights"] = shared("models/face_detection_yunet_2023mar.onnx")
    if name == "hog":  # takes badges on the suit and small folds of the flag for faces as well
        astronaut, settings["min_face"] = astronaut[:200], 80
    image = {
        "as it is": astronaut,
        "upscaled": astronaut.repeat(3, axis=0).repeat(3, axis=1),
        "mirrored": astronaut[:, ::-1],
        "gray": astronaut.mean(axis=2).astype(np.uint8),
    }[view]

    (face,) = find_faces(image, load_detector(name, **settings))

    box, points = np.reshape(face.box, (2, 2)).astype(np.float32), face.points
    if view == "upscaled":
        box, points = box / np.float32(3), points / np.float32(3)
    if view == "mirrored":
        box[:, 0] = 512 - box[::-1, 0]
        points = points[[1, 0, 2, 4, 3]] * (-1, 1) + (512, 0)
    # The cascade frames a square without the chin, HOG one of the face's height; their points are mere
    # proportions of it.
    box_tolerance = {"mtcnn": 8, "yunet": 8, "haar": 12, "hog": 22}[name]
    assert box.ravel() == pytest.approx(astronaut_box, abs=box_tolerance)
    point_tolerance = {"mtcnn": 2.5, "yunet": 7, "haar": 10, "hog": 10}[name]
    assert points == pytest.approx(astronaut_points, abs=point_tolerance)
    assert face.points.dtype == np.float32
    assert 0.8 < face.score <= 1
