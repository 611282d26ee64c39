"""The HOG detector against a face measured by hand, its settings, and damaged files."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copy

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file

from fer_core.faces import find_faces
from fer_core.faces.hog import Hog
from fer_core.faces.mtcnn import MTCNN
from fer_core.geometry import box_iou
from fer_core.types import Floats, Image
from fer_core.weights import WEIGHTS, WeightsError, load_card, save_weights


@pytest.fixture(scope="module")
def hog() -> Hog:
    return Hog()


@pytest.fixture
def portrait(astronaut: Image) -> Image:
    """Return the astronaut without the badges on the suit, which HOG takes for faces."""
    return astronaut[:200]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the files of the detector."""
    for suffix in ("json", "safetensors"):
        copy(WEIGHTS / f"hog.{suffix}", tmp_path)
    return tmp_path


def test_hog_agrees_with_mtcnn_on_the_astronaut(hog: Hog, astronaut: Image) -> None:
    (other,) = MTCNN().detect(astronaut)
    faces = hog.detect(astronaut)
    shares = box_iou(np.array([face.box for face in faces]), np.array([other.box]))[:, 0]
    face = faces[int(shares.argmax())]
    assert shares.max() > 0.5 and (np.sort(shares)[:-1] == 0).all()
    assert 0.8 < face.score <= 1
    assert face.width == pytest.approx(face.height, abs=1e-3)


def test_the_face_of_the_astronaut_is_the_first_and_only_one(
    hog: Hog, astronaut: Image, astronaut_box: tuple[float, ...]
) -> None:
    enlarged = cv2.resize(astronaut[0:270, 48:408], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    in_portrait = np.array(astronaut_box, np.float32) * 3 - np.array([144, 0, 144, 0], np.float32)
    for image, box in (
        (astronaut, np.array(astronaut_box, np.float32)),
        (np.asarray(enlarged, np.uint8), in_portrait),
    ):
        (face,) = hog.detect(image)
        (again,) = find_faces(image, hog)
        assert box_iou(np.array([face.box]), box[None])[0, 0] > 0.6
        assert again.box == pytest.approx(face.box, abs=1e-3)


def test_boxes_are_sorted_by_their_score(astronaut: Image) -> None:
    detector = Hog(threshold=-1.0)
    scores = [face.score for face in detector.detect(astronaut)]
    assert len(scores) > 3 and scores == sorted(scores, reverse=True)
    _, margins = detector.search(astronaut[..., 1])
    assert (np.diff(margins) <= 0).all()


def test_twenty_faces_are_found(hog: Hog, astronaut: Image, astronaut_points: Floats) -> None:
    left, top, side = 124, 20, 200
    image = np.tile(astronaut[top : top + side, left : left + side], (4, 5, 1))
    faces = find_faces(image, hog)
    noses = sorted((round(f.points[2, 1]) // side, round(f.points[2, 0]) // side) for f in faces)
    assert noses == [(row, column) for row in range(4) for column in range(5)]


@pytest.mark.parametrize("scale", [0.6, 1.5, 2.4])
def test_faces_of_any_size_are_found(
    hog: Hog, portrait: Image, astronaut_points: Floats, scale: float
) -> None:
    image = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (face,) = hog.detect(np.asarray(image, np.uint8))
    assert face.points / scale == pytest.approx(astronaut_points, abs=10)


def test_faces_below_min_face_are_not_found(portrait: Image) -> None:
    image = np.asarray(cv2.resize(portrait, (200, 78), interpolation=cv2.INTER_AREA), np.uint8)
    assert Hog(min_face=70).detect(image) == []
    (face,) = Hog(min_face=32).detect(image)
    assert face.width == pytest.approx(40, abs=6)
    with pytest.raises(ValueError, match="min_face must be at least 16, not 4"):
        Hog(min_face=4)


def test_no_window_is_smaller_than_min_face(astronaut: Image) -> None:
    boxes, _ = Hog(min_face=60, threshold=-1.0).search(astronaut[..., 1])
    assert len(boxes) > 3
    assert (boxes[:, 2] - boxes[:, 0]).min() >= 60 - 1e-3


@pytest.mark.parametrize("shape", [(480, 640), (48, 48), (1, 1), (1, 700), (700, 1), (40, 2000)])
def test_images_without_a_face_give_none(hog: Hog, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert hog.detect(noise) == []
    assert hog.detect(np.full_like(noise, 90)) == []


def test_a_huge_picture_is_searched(
    hog: Hog, portrait: Image, astronaut_box: tuple[float, ...]
) -> None:
    image = cv2.resize(portrait, (5120, 2000))
    (face,) = find_faces(image, hog)
    box = np.array([face.box], np.float32) / np.float32(10)
    assert box_iou(box, np.array([astronaut_box], np.float32)) > 0.5


def test_threads_share_one_detector(hog: Hog, portrait: Image) -> None:
    (alone,) = hog.detect(portrait)
    with ThreadPoolExecutor(4) as pool:
        for (face,) in pool.map(hog.detect, [portrait] * 8):
            assert face.box == alone.box


# Files --------------------------------------------------------------------------------------------


def test_missing_weights_are_named(folder: Path) -> None:
    (folder / "hog.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"hog\.safetensors is missing; restore it"):
        Hog(folder=folder)


def test_damaged_weights_are_refused(folder: Path) -> None:
    path = folder / "hog.safetensors"
    path.write_bytes(path.read_bytes()[:-8] + b"12345678")
    with pytest.raises(WeightsError, match=r"hog\.safetensors does not match the hash"):
        Hog(folder=folder)


@pytest.mark.parametrize("wrong", ["weights", "bias", "points", "score"])
def test_weights_of_another_window_are_refused(folder: Path, wrong: str) -> None:
    arrays = load_file(folder / "hog.safetensors")
    save_weights(load_card("hog", folder), {**arrays, wrong: np.ones(11)}, folder)
    with pytest.raises(WeightsError, match=r"hog\.safetensors does not fit its card"):
        Hog(folder=folder)


def test_the_card_has_the_figures(folder: Path) -> None:
    card = json.loads((folder / "hog.json").read_text(encoding="utf-8"))
    assert card["figures"]["PrivateTest"]["n"] == 1988
    assert card["figures"]["PrivateTest"]["found"] > 0.9
