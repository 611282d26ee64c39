"""Training of the landmark network: its reader on a tiny set, its loss, mirroring, and a run."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from fer_core.data.faceset import DataError
from fer_core.data.preview import NO_AUGMENTATION
from fer_core.data.readers.landmarks import read_landmarks
from fer_core.faces.alignment import find_landmarks
from fer_core.faces.landmarks import MIRRORED_ACTIONS, MIRRORED_POINTS, five_points, load_landmarker
from fer_core.geometry import mean_points
from fer_core.labels import ACTIONS
from fer_core.training.recipe import read_recipe
from fer_core.training.run import Run
from fer_core.training.task import train
from fer_core.training.tasks.expression_module import point_error
from fer_core.training.tasks.landmarks import AlignedLandmarks, LandmarkTask

SIDE, COLUMNS, FACES = 32, 8, 40
SPLITS = ["Training"] * 24 + ["PublicTest"] * 8 + ["PrivateTest"] * 8


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """Write a set of forty gray tiles, each with a mean face at a random place; the last has no landmarks."""
    rng = np.random.default_rng(0)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "teacher").mkdir()
    tiles = rng.integers(0, 256, (FACES, SIDE, SIDE), np.uint8)
    mosaic = tiles.reshape(-1, COLUMNS, SIDE, SIDE).swapaxes(1, 2).reshape(-1, COLUMNS * SIDE)
    cv2.imwrite(str(tmp_path / "tiny" / "all.webp"), mosaic, [cv2.IMWRITE_WEBP_QUALITY, 101])
    index = {"mosaic": "all", "tile": range(FACES), "usage": SPLITS}
    pd.DataFrame(index).to_csv(tmp_path / "tiny" / "index.csv", index=False)
    points = np.tile(rng.uniform(0.2, 0.8, (78, 2)), (FACES, 1, 1)).astype(np.float16)
    points[-1] = np.nan
    scores = np.tile(rng.integers(0, 256, 52, np.uint8), (FACES, 1))
    path = tmp_path / "teacher" / "tiny.npz"
    np.savez(path, points=points, blendshapes=scores, names=np.array(ACTIONS))
    return path


def test_images_points_and_actions_are_read_in_the_order_of_the_index(teacher: Path) -> None:
    faces = read_landmarks(teacher)
    mosaic = cv2.imread(str(teacher.parent.parent / "tiny" / "all.webp"), cv2.IMREAD_GRAYSCALE)
    assert len(faces) == FACES - 1 and len(faces.split("PublicTest")) == 8
    assert mosaic is not None
    assert (faces.images[9] == mosaic[SIDE : 2 * SIDE, SIDE : 2 * SIDE]).all()
    with np.load(teacher) as file:
        assert faces.points[3] == pytest.approx(file["points"][3].astype(np.float32) * SIDE)
        assert faces.actions[3] == pytest.approx(file["blendshapes"][3] / 255)


@pytest.mark.parametrize("missing", ["teacher/tiny.npz", "tiny/index.csv", "tiny/all.webp"])
def test_missing_files_are_named(teacher: Path, missing: str) -> None:
    (teacher.parent.parent / missing).unlink()
    with pytest.raises(DataError, match=Path(missing).name):
        read_landmarks(teacher)


def test_another_number_of_landmarks_is_refused(teacher: Path) -> None:
    np.savez(
        teacher, points=np.zeros((FACES, 5, 2)), blendshapes=np.zeros((FACES, 52)), names=ACTIONS
    )
    with pytest.raises(DataError, match=r"points is float64 of \(\d+, 5, 2\) instead of"):
        read_landmarks(teacher)


def test_mirroring_twice_is_the_identity() -> None:
    assert [MIRRORED_POINTS[i] for i in MIRRORED_POINTS] == list(range(78))
    assert [MIRRORED_ACTIONS[i] for i in MIRRORED_ACTIONS] == list(range(52))
    left = ACTIONS.index("eyeBlinkLeft")
    assert ACTIONS[MIRRORED_ACTIONS[left]] == "eyeBlinkRight"


def test_a_mirrored_face_has_mirrored_points(teacher: Path) -> None:
    recipe = read_recipe("landmarks")
    faces = read_landmarks(teacher)
    plain, mirrored = (
        AlignedLandmarks(
            faces,
            48,
            dataclasses.replace(
                recipe, augmentation=dataclasses.replace(NO_AUGMENTATION, flip=flip)
            ),
            training=True,
        )[0]
        for flip in (0.0, 1.0)
    )
    difference = (mirrored[0].float() - plain[0].flip(-1)).abs()
    assert difference.mean() < 0.5  # of 255: interpolation rounds
    expected = plain[1][list(MIRRORED_POINTS)] * torch.tensor([-1, 1]) + torch.tensor([1, 0])
    assert torch.allclose(mirrored[1], expected, atol=1e-5)
    assert torch.equal(mirrored[2], plain[2][list(MIRRORED_ACTIONS)])


def test_the_point_error_is_in_inter_ocular_distances() -> None:
    truth = torch.zeros(1, 78, 2)
    truth[:, 42:48, 0] = 20.0
    assert point_error(truth + torch.tensor([0.0, 3.0]), truth).item() == pytest.approx(0.15)


def test_a_run_from_training_to_stored_weights(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("fer_core.training.tasks.presence.SQUARES", 2)
    monkeypatch.setattr("fer_core.training.tasks.presence.FLAT", 10)
    recipe = dataclasses.replace(read_recipe("landmarks"), epochs=2, batch_size=8, ema_decay=0.5)
    faces = read_landmarks(teacher)
    out = tmp_path / "run"
    card = train(LandmarkTask(), Run(recipe, out), lambda: {"tiny": faces})
    landmarker = load_landmarker(folder=out)
    assert landmarker.card.sha256 == card.sha256 and card.kind == "landmarks"
    figures = card.figures["tiny PrivateTest"]
    assert figures["n"] == 7 and 0 < figures["action_error"] < 1
    layout = np.stack([mean_points((0, 0, SIDE, SIDE))] * 2)
    points, actions, _ = find_landmarks(faces.images[:2], layout, landmarker)
    assert points.shape == (2, 78, 2) and actions.shape == (2, 52)
    assert five_points(points).shape == (2, 5, 2) and np.isfinite(points).all()
    assert (actions >= 0).all() and (actions <= 1).all()
