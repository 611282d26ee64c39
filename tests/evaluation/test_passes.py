"""Passes over a set of faces, part by part, with progress."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_core.data import FaceSet
from fer_core.evaluation import passes
from fer_core.evaluation.comparison import compare_models
from fer_core.evaluation.metrics import evaluate
from fer_core.evaluation.passes import align_faces, predict
from fer_core.models import Classifier
from fer_core.models.simple_cnn import SimpleCNN
from fer_core.weights import get_arrays, save_weights
from tests.networks import classifier_of

COUNT = 10


@pytest.fixture(autouse=True)
def four_faces_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "PART", 4)


@pytest.fixture
def classifier() -> Classifier:
    network = SimpleCNN(input_size=48, dropout=0.0, widths=(4, 4, 4, 4))
    model = classifier_of(network, "simple_cnn")
    # On noise the landmark network depends on the size of the batch; these parts are not whole batches.
    model.card = replace(model.card, aligned=False)
    return model


@pytest.fixture
def faces() -> FaceSet:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (60, 50), np.uint8) for _ in range(COUNT)]
    return FaceSet(images, np.arange(COUNT) % 7, np.full(COUNT, "PrivateTest"))


def test_parts_give_what_a_single_call_gives_and_report_progress(
    classifier: Classifier, faces: FaceSet
) -> None:
    shares: list[float] = []
    aligned = align_faces(classifier, faces, progress=shares.append)
    assert shares == [0.4, 0.8, 1.0]
    assert np.array_equal(aligned, classifier.align(faces.images))
    shares.clear()
    logits, votes, affect = predict(classifier, aligned, progress=shares.append)
    assert shares == [0.4, 0.8, 1.0] and affect is None
    assert logits == pytest.approx(classifier.logits(aligned)[0], abs=1e-5)
    assert votes == pytest.approx(classifier.logits(aligned)[1], abs=1e-5)


def test_an_evaluation_reports_the_share_of_finished_predictions(
    classifier: Classifier, faces: FaceSet
) -> None:
    shares: list[float] = []
    assert evaluate(classifier, faces, progress=shares.append).n == COUNT
    assert shares == [0.4, 0.8, 1.0]


def test_a_comparison_moves_within_each_model(
    classifier: Classifier, faces: FaceSet, tmp_path: Path
) -> None:
    network = SimpleCNN(input_size=48, dropout=0.0)
    card = classifier_of(network, "simple_cnn", options={"input_size": 48, "dropout": 0.0}).card
    save_weights(card, get_arrays(network), tmp_path)
    shares: list[float] = []
    (row,) = compare_models(faces, tmp_path, progress=shares.append)
    assert row["n"] == COUNT
    assert shares == pytest.approx([0.2, 0.4, 0.5, 0.7, 0.9, 1.0])
