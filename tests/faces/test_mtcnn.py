"""MTCNN against a face measured by hand, FER2013 against MediaPipe's points, and two clips."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from fer_core.faces import find_faces
from fer_core.faces.mtcnn import MIRRORED, MTCNN
from fer_core.faces.pyramid import Pyramid
from fer_core.types import Floats, Image
from fer_core.weights import WEIGHTS, WeightsError

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def mtcnn() -> MTCNN:
    return MTCNN()


# Weights ------------------------------------------------------------------------------------------


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    for name in ("mtcnn.json", "mtcnn.safetensors"):
        shutil.copy(WEIGHTS / name, tmp_path)
    weights = tmp_path / "mtcnn.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    with pytest.raises(WeightsError, match=r"mtcnn\.safetensors does not match the hash"):
        MTCNN(folder=tmp_path)


# Detection ----------------------------------------------------------------------------------------


def test_the_astronaut_is_found(
    mtcnn: MTCNN, astronaut: Image, astronaut_box: Box, astronaut_points: Floats
) -> None:
    (face,) = mtcnn.detect(astronaut)
    assert face.box == pytest.approx(astronaut_box, abs=4)
    assert face.points == pytest.approx(astronaut_points, abs=1.5)
    assert face.score > 0.99


def test_twenty_faces_are_found(mtcnn: MTCNN, astronaut: Image, astronaut_points: Floats) -> None:
    left, top, side = 124, 20, 200
    image = np.tile(astronaut[top : top + side, left : left + side], (4, 5, 1))
    faces = find_faces(image, mtcnn)
    assert len(faces) == 20
    noses = sorted((round(f.points[2, 1]) // side, round(f.points[2, 0]) // side) for f in faces)
    assert noses == [(row, column) for row in range(4) for column in range(5)]
    for face in faces:
        origin = face.points[2] // side * side - (left, top)
        assert face.points - origin == pytest.approx(astronaut_points, abs=3)


@pytest.mark.parametrize("scale", [0.6, 1.5, 2.4])
def test_faces_of_any_size_are_found(
    mtcnn: MTCNN, astronaut: Image, astronaut_points: Floats, scale: float
) -> None:
    image = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (face,) = mtcnn.detect(np.asarray(image, np.uint8))
    assert face.points / scale == pytest.approx(astronaut_points, abs=2.5)


def test_faces_below_min_face_are_not_found(astronaut: Image) -> None:
    image = np.asarray(cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA), np.uint8)
    assert MTCNN(min_face=80).detect(image) == []
    assert MTCNN(min_face=20).detect(image)[0].height == pytest.approx(28, abs=3)


def test_a_texture_like_a_face_is_rejected(mtcnn: MTCNN, astronaut: Image) -> None:
    suit = cv2.resize(astronaut[190:], None, fx=2.4, fy=2.4)
    assert mtcnn.detect(np.asarray(suit, np.uint8)) == []


def test_half_a_face_at_the_border_is_clipped(
    mtcnn: MTCNN, astronaut: Image, astronaut_points: Floats
) -> None:
    nose = 224
    (face,) = mtcnn.detect(astronaut[:, nose:])
    assert face.box == pytest.approx((0, 62, 267 - nose, 173), abs=10)
    assert face.box[0] == 0
    assert face.points[1] == pytest.approx(astronaut_points[1] - (nose, 0), abs=4)


@pytest.mark.parametrize("shape", [(480, 640), (48, 48), (1, 1), (1, 700), (700, 1)])
def test_images_without_a_face_give_none(mtcnn: MTCNN, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    assert mtcnn.detect(noise) == []
    assert mtcnn.detect(np.zeros_like(noise)) == []


def test_single_face_clip_has_one_face(
    mtcnn: MTCNN, clip_frames: Callable[[str, int], Iterator[Image]]
) -> None:
    counts = [len(find_faces(frame, mtcnn)) for frame in clip_frames("single_face.mp4", 6)]
    assert counts == [1] * 12


def test_no_face_clip_has_none(
    mtcnn: MTCNN, clip_frames: Callable[[str, int], Iterator[Image]]
) -> None:
    counts = [len(find_faces(frame, mtcnn)) for frame in clip_frames("no_face.mp4", 6)]
    assert counts == [0] * 16


def test_threads_share_one_detector(mtcnn: MTCNN, astronaut: Image) -> None:
    alone = mtcnn.detect(astronaut)[0]
    with ThreadPoolExecutor(4) as pool:
        for (face,) in pool.map(mtcnn.detect, [astronaut] * 8):
            assert face.box == pytest.approx(alone.box, abs=0.01)


@pytest.mark.parametrize("settings", [{"min_face": 0}, {"scale_factor": 1}, {"scale_factor": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        MTCNN(**settings)  # type: ignore[arg-type]


# Known faces --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(0, 0, 0, 0), (12, -10, 12, -10), (-12, -8, 8, 12)])
def test_a_known_face_is_found_again_near_its_last_box(
    mtcnn: MTCNN, astronaut: Image, astronaut_box: Box, astronaut_points: Floats, shift: Box
) -> None:
    known = np.array([np.add(astronaut_box, shift)], np.float32)
    (face,) = mtcnn.detect_beside(astronaut, known)
    assert face.box == pytest.approx(astronaut_box, abs=7)
    assert face.points == pytest.approx(astronaut_points, abs=3)


def test_known_boxes_without_a_face_are_left_out_and_others_are_found_beside_them(
    mtcnn: MTCNN, astronaut: Image, astronaut_box: Box
) -> None:
    known = np.array([(20, 380, 120, 500), (600, 600, 700, 700)], np.float32)
    (face,) = mtcnn.detect_beside(astronaut, known)
    assert face.box == pytest.approx(astronaut_box, abs=7)


def test_proposals_on_a_known_face_are_not_looked_at(
    mtcnn: MTCNN, astronaut: Image, astronaut_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    selected: list[int] = []
    select = mtcnn._select

    def counted(pyramid: Pyramid, boxes: Floats) -> Floats:
        selected.append(len(boxes))
        return select(pyramid, boxes)

    monkeypatch.setattr(mtcnn, "_select", counted)
    mtcnn.detect(astronaut)
    mtcnn.detect_beside(astronaut, np.array([astronaut_box], np.float32))
    assert selected[1] < selected[0]


# Points on bare crops -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [48, 114, 300])
@pytest.mark.parametrize("gray", [True, False])
def test_points_are_found_on_a_crop(
    mtcnn: MTCNN, astronaut: Image, astronaut_points: Floats, side: int, gray: bool
) -> None:
    left, top, width = 168, 58, 114
    crop = cv2.resize(astronaut[top : top + width, left : left + width], (side, side))
    if gray:
        crop = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    points, scores = mtcnn.points(np.asarray(crop[None], np.uint8))
    assert points.shape == (1, 5, 2) and points.dtype == np.float32
    assert points[0] * width / side + (left, top) == pytest.approx(astronaut_points, abs=2.5)
    assert 0.99 < scores[0] <= 1


def test_points_of_a_mirrored_crop_are_mirrored(mtcnn: MTCNN, astronaut: Image) -> None:
    crop = astronaut[58:172, 168:282]
    (points, mirrored), _ = mtcnn.points(np.stack([crop, crop[:, ::-1]]))
    assert mirrored[list(MIRRORED)] * (-1, 1) + (114, 0) == pytest.approx(points, abs=2.5)


def test_points_are_found_on_any_number_of_crops(
    mtcnn: MTCNN, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = np.stack([astronaut[58 + shift : 172 + shift, 168:282, 0] for shift in range(5)])
    together = mtcnn.points(crops)
    monkeypatch.setattr("fer_core.faces.mtcnn.BATCH", 2)
    apart = mtcnn.points(crops)
    assert apart[0] == pytest.approx(together[0], abs=1e-3)
    assert apart[1] == pytest.approx(together[1], abs=1e-5)
    assert [a.shape for a in mtcnn.points(crops[:0])] == [(0, 5, 2), (0,)]


def test_crops_without_a_face_score_low(mtcnn: MTCNN) -> None:
    blank = np.full((2, 48, 48), 128, np.uint8)
    blank[1, 24:] = 20
    assert mtcnn.points(blank)[1].max() < 0.5


@pytest.mark.parametrize(
    "crops",
    [np.zeros((48, 48), np.uint8), np.zeros((2, 48, 48, 4), np.uint8), np.zeros((2, 48, 48))],
)
def test_crops_of_another_type_are_refused(mtcnn: MTCNN, crops: Image) -> None:
    with pytest.raises(ValueError, match=r"face crops must be \(N, h, w\) or \(N, h, w, 3\) uint8"):
        mtcnn.points(crops)


def test_points_on_fer2013_agree_with_mediapipe(
    mtcnn: MTCNN, shared: Callable[[str], Path]
) -> None:
    index = pd.read_csv(shared("data/fer2013/index.csv")).query("mosaic == 'PublicTest'")[:400]
    mosaic = cv2.imread(str(shared("data/fer2013/PublicTest.webp")), cv2.IMREAD_GRAYSCALE)
    assert mosaic is not None
    tiles = mosaic.reshape(-1, 48, 50, 48).swapaxes(1, 2).reshape(-1, 48, 48)[index["tile"]]
    teacher = np.load(shared("data/teacher/fer2013.npz"))
    landmarks = teacher["points"][index["row"]].astype(np.float32) * 48
    eyes = [landmarks[:, eye].mean(axis=1) for eye in (slice(36, 42), slice(42, 48))]
    truth = np.stack([*eyes, *landmarks[:, [30, 48, 54]].swapaxes(0, 1)], axis=1)

    points, scores = mtcnn.points(tiles)

    is_face = scores > 0.7
    both = is_face & teacher["found"][index["row"]]
    assert is_face.mean() > 0.95
    assert np.linalg.norm(points[both] - truth[both], axis=2).mean() < 1.25
