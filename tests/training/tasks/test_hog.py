"""Training of the HOG detector: scenes, selection, and a run on drawn faces."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.data import scenes
from fer_core.data.readers.landmarks import LandmarkSet
from fer_core.data.scenes import NO_FACE, Scene, face_scenes, faceless_scenes, turned
from fer_core.faces.hog import Hog
from fer_core.faces.landmarks import EYES, MOUTH_CORNERS, NOSE_TIP
from fer_core.geometry import mean_points
from fer_core.training.recipe import read_recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks import hog as training
from fer_core.training.tasks.hog import HogTask, best_boundary, measure_detector
from fer_core.types import Face, Image

SIDE = 96
SPLITS = ["Training"] * 40 + ["PublicTest"] * 12 + ["PrivateTest"] * 12


@pytest.fixture(scope="module")
def tiles() -> LandmarkSet:
    """Return tiles with two dark eyes and a mouth, on noise; the mean face fills each."""
    rng = np.random.default_rng(0)
    five_points = mean_points((4, 4, SIDE - 4, SIDE - 4))
    points = np.zeros((78, 2), np.float32)
    for eye, point in zip(EYES, five_points[:2], strict=True):
        points[eye] = point
    points[[NOSE_TIP, *MOUTH_CORNERS]] = five_points[2:]
    return LandmarkSet(
        [draw_tile(five_points, rng) for _ in SPLITS],
        np.tile(points, (len(SPLITS), 1, 1)),
        np.zeros((len(SPLITS), 52), np.float32),
        np.array(SPLITS),
    )


def draw_tile(five_points: np.ndarray, rng: np.random.Generator) -> Image:
    """Return a tile with a disk for the head, two eyes, a nose and a mouth, (SIDE, SIDE)."""
    tile = rng.normal(128, 12, (SIDE, SIDE))
    cv2.circle(tile, (SIDE // 2, SIDE // 2), SIDE // 2 - 6, float(rng.uniform(180, 240)), -1)
    left, right, nose, *mouth = [tuple(map(int, point)) for point in five_points.tolist()]
    for eye in (left, right):
        cv2.circle(tile, eye, int(rng.integers(5, 9)), 30.0, -1)
    cv2.line(tile, nose, (nose[0], nose[1] - 15), 60.0, 3)
    cv2.line(tile, mouth[0], mouth[1], 30.0, int(rng.integers(3, 7)))
    return (tile + rng.normal(0, 4, tile.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def short_training(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make a run take seconds."""
    monkeypatch.setattr(scenes, "FACELESS", ("brick", "coffee"))
    monkeypatch.setattr(training, "MAX_PER_SAMPLE", 60)
    monkeypatch.setattr(training, "MINED_PHOTOGRAPHS", 10)
    monkeypatch.setattr(training, "COSTS", (0.01,))
    monkeypatch.setattr(training, "MIN_BACKGROUND_SIDE", 48)
    yield


class FixedDetector:
    """A detector that returns the same faces for every image."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.boxes = boxes

    def detect(self, image: Image) -> list[Face]:
        return [Face(box=box, score=1.0, points=mean_points(box)) for box in self.boxes]


def test_face_scenes_have_a_border_around_the_face(tiles: LandmarkSet) -> None:
    scene = face_scenes(tiles)[0]
    assert scene.image.shape == (144, 144)
    assert scene.box[0] == pytest.approx((28, 28, 116, 116), abs=0.01)
    assert scene.points[0] == pytest.approx(mean_points((28, 28, 116, 116)), abs=0.01)
    assert (scene.image[24:120, 24:120] == tiles.images[0]).all()


def test_background_scenes_have_no_face() -> None:
    backgrounds = faceless_scenes()
    brick, coffee, temple = (512, 512), (400, 600), (427, 640)
    assert [s.image.shape for s in backgrounds[:7:3]] == [brick, coffee, temple]
    assert backgrounds[5].image.shape == (200, 300) and len(backgrounds) == 12
    assert (backgrounds[4].image == backgrounds[3].image[::-1]).all()
    assert {len(s.box) for s in backgrounds} == {0}
    assert {s.image.dtype for s in backgrounds} == {np.dtype("u1")}


def test_a_rotated_scene_has_no_face(tiles: LandmarkSet) -> None:
    scene = face_scenes(tiles)[0]
    upside_down = turned(scene, 2)
    assert (upside_down.image == scene.image[::-1, ::-1]).all()
    assert upside_down.box.shape == (0, 4) and upside_down.points.shape == (0, 5, 2)


def test_boxes_are_hits_or_false_detections(tiles: LandmarkSet) -> None:
    shifted = (38.0, 28.0, 126.0, 116.0)
    figures = measure_detector(FixedDetector(shifted, (0.0, 0.0, 50.0, 50.0)), tiles)
    assert figures == {
        "n": 64,
        "found": 1.0,
        "false_per_picture": 1.0,
        "overlap": pytest.approx(78 / 98, abs=1e-3),
        "point_error": pytest.approx(10 / (0.358 * 88), abs=1e-3),
    }
    assert measure_detector(FixedDetector(), tiles)["found"] == 0
    twice = measure_detector(FixedDetector(shifted, shifted), tiles)
    assert (twice["found"], twice["false_per_picture"]) == (1, 1)


def test_the_boundary_with_the_best_f1_is_found() -> None:
    margins = np.array([0.1, 2.0, 1.0, -0.5, 1.5], np.float32)
    is_face = np.array([False, True, True, False, True])
    assert best_boundary(margins, is_face, faces=4) == pytest.approx((1.0, 6 / 7))


def test_a_smaller_beta_prefers_fewer_false_boxes_to_more_faces() -> None:
    margins = np.array([3.0, 2.0, 1.0, 0.0], np.float32)
    is_face = np.array([True, False, True, True])
    assert best_boundary(margins, is_face, faces=3) == pytest.approx((0.0, 6 / 7))
    boundary, measure = best_boundary(margins, is_face, faces=3, beta=0.2)
    assert boundary == 3 and measure == pytest.approx(1.04 / (1 + 0.04 * 3))


def test_every_fourth_sample_image_is_held_out_with_all_its_views() -> None:
    samples = [Scene(np.full((8, 8), n, np.uint8), *NO_FACE) for n in range(24)]
    rest, held_out = training._hold_out(samples)
    assert [int(scene.image[0, 0]) for scene in held_out] == [9, 10, 11, 21, 22, 23]
    assert len(rest) == 18


def test_a_run_from_training_to_stored_weights(tiles: LandmarkSet, tmp_path: Path) -> None:
    recipe = dataclasses.replace(read_recipe("hog"), epochs=1)
    train(HogTask(), Run(recipe, tmp_path), lambda: tiles)
    stored = Hog(folder=tmp_path)
    assert stored.card.kind == "detector"
    figures = stored.card.figures["PrivateTest"]
    assert figures["n"] == 12 and figures["found"] > 0.9 and figures["false_per_picture"] < 0.2
    assert stored.card.parameters == 1765 and stored.card.training["selected_on"] == "PublicTest"
    (face,) = stored.detect(np.repeat(face_scenes(tiles)[-1].image[..., None], 3, axis=2))
    assert face.box == pytest.approx((28, 28, 116, 116), abs=10)
    assert face.points == pytest.approx(mean_points((28, 28, 116, 116)), abs=10)
    assert face.score > 0.5
