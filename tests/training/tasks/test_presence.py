"""The head that says whether a face is still in its square."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from fer_core.data.readers.landmarks import LandmarkSet, read_landmarks
from fer_core.faces.landmark_network import LandmarkNetwork
from fer_core.faces.landmarks import load_landmarker
from fer_core.faces.trained import load_trained
from fer_core.training.recipe import read_recipe
from fer_core.training.run import Run, trains_in_epochs
from fer_core.training.task import train
from fer_core.training.tasks import presence, task_of_family
from fer_core.training.tasks.landmarks import PresenceTask
from fer_core.training.tasks.presence import fit_presence, measure_presence, presence_squares
from fer_core.weights import LANDMARKS, get_arrays, load_card


@pytest.fixture
def faces(shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> LandmarkSet:
    """Return 300 press photographs of Training; few squares of faceless pictures are drawn."""
    monkeypatch.setattr(presence, "SQUARES", 8)
    monkeypatch.setattr(presence, "FLAT", 20)
    everything = read_landmarks(shared("data/teacher/faces_lfw.npz")).split("Training")
    return LandmarkSet(
        everything.images[:300],
        everything.points[:300],
        everything.actions[:300],
        everything.splits[:300],
    )


def test_squares_with_a_face_and_without_are_told_apart(faces: LandmarkSet) -> None:
    network = load_trained(LandmarkNetwork, LANDMARKS)
    with torch.no_grad():
        network.present.weight.zero_()
        network.present.bias.zero_()
    before = get_arrays(network)
    counts = fit_presence(network, faces, seed=0)
    assert counts["squares_with_face"] == 300 and counts["squares_without"] > 500
    for name, values in get_arrays(network).items():
        assert name.startswith("present.") or np.array_equal(values, before[name])
    squares, present = presence_squares(faces, network.input_size, 1, measured=True)
    with torch.inference_mode():
        kept = network.predictions(torch.from_numpy(squares[:, None]))["present"].numpy() >= 0.5
    assert (kept == present).mean() > 0.93


def test_the_shipped_head_is_that_good_on_people_and_pictures_it_has_not_seen(
    shared: Callable[[str], Path], faces: LandmarkSet
) -> None:
    test = read_landmarks(shared("data/teacher/faces_lfw.npz")).split("PrivateTest")
    measured = measure_presence(load_landmarker(), test)
    stored = load_card(LANDMARKS).figures["faces_lfw PrivateTest"]
    assert measured["faces_lost"] == pytest.approx(stored["faces_lost"], abs=0.006)
    assert measured["others_kept"] < 0.03


def test_held_out_pictures_are_not_trained_on(faces: LandmarkSet) -> None:
    few = LandmarkSet(faces.images[:1], faces.points[:1], faces.actions[:1], faces.splits[:1])
    trained, _ = presence_squares(few, 64, 0, measured=False)
    measured, _ = presence_squares(few, 64, 0, measured=True)
    assert len(measured) < len(trained) / 2


def test_without_the_sample_pictures_other_squares_are_left(
    faces: LandmarkSet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    monkeypatch.setitem(sys.modules, "skimage", None)
    squares, present = presence_squares(faces, 64, 0, measured=False)
    assert len(squares) == 2 * len(faces) + presence.FLAT and present.sum() == len(faces)
    assert "its pictures without faces are left out" in capsys.readouterr().err


def test_a_run_replaces_the_head_and_keeps_the_rest_of_card_and_network(
    faces: LandmarkSet, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(read_recipe("presence"), seed=3)
    assert isinstance(task_of_family(recipe.family), PresenceTask)
    assert not trains_in_epochs(recipe.family)
    card = train(PresenceTask(), Run(recipe, tmp_path), lambda: {"faces_lfw": faces})
    shipped = load_card(LANDMARKS)
    assert card.recipe == shipped.recipe and card.graphs == {}
    assert card.training["presence"]["seed"] == 3 and card.training["epochs"] == 30
    network = load_landmarker(folder=tmp_path)
    aligned = np.random.default_rng(0).integers(0, 255, (2, 64, 64), np.uint8)
    assert network(aligned).points == pytest.approx(load_landmarker()(aligned).points, abs=1e-3)
