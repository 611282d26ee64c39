"""The figures that cards of expression models get when they are trained."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import FaceSet
from fer_core.evaluation.robustness import CORRUPTIONS
from fer_core.training.tasks import expressions
from fer_core.training.tasks.expressions import ExpressionTask
from fer_core.weights import WEIGHTS, load_card

FACES = 2


@pytest.fixture
def faces() -> FaceSet:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (48, 48), dtype=np.uint8) for _ in range(8)]
    splits = np.repeat(["PublicTest", "PrivateTest"], 4)
    return FaceSet(images, np.arange(8) % 7, splits, sources={"fer2013.csv": "FER2013 (2013)"})


@pytest.mark.parametrize(("name", "is_network"), [("simple_cnn", True), ("svm_hog", False)])
def test_networks_alone_get_their_accuracy_under_corruptions(
    faces: FaceSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_network: bool,
) -> None:
    monkeypatch.setattr(expressions, "ROBUSTNESS_FACES", FACES)
    for file in WEIGHTS.glob(f"{name}.*"):
        shutil.copy(file, tmp_path)
    figures = ExpressionTask().figures(load_card(name), tmp_path, faces)
    assert "robustness" not in figures["PublicTest"]
    assert ("robustness" in figures["PrivateTest"]) is is_network
    if is_network:
        accuracies = figures["PrivateTest"]["robustness"]
        assert set(accuracies) == {*CORRUPTIONS, "mean"}
        assert all(share in (0, 0.5, 1) for n, share in accuracies.items() if n != "mean")
        assert figures["PrivateTest"]["robustness_command"] == (
            "python -m benchmarks.robustness --model simple_cnn --data fer2013.csv --split PrivateTest"
        )
