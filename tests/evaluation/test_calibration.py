"""Calibration over weighted faces."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from fer_core.evaluation.calibration import (
    BINS,
    answered,
    calibration_error,
    prior_weights,
    reliability,
)


def test_the_calibration_error_is_that_of_torchmetrics() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(7, 0.4), 500).astype(np.float32)
    labels = rng.integers(0, 7, 500)
    rows = reliability(probabilities, labels, np.ones(500))
    expected = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(labels), 7, n_bins=BINS
    )
    assert calibration_error(rows) == pytest.approx(float(expected), abs=1e-5)
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_a_face_of_weight_two_counts_as_two_faces() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(7), 60).astype(np.float32)
    labels = rng.integers(0, 7, 60)
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    repeated = np.r_[np.arange(60), np.arange(20)]
    once = reliability(probabilities, labels, weights)
    twice = reliability(probabilities[repeated], labels[repeated], np.ones(80))
    for row, other in zip(once, twice, strict=True):
        assert row == pytest.approx(other)


@pytest.mark.parametrize(("prior", "share"), [("own", 0.8), ("equal", 0.5)])
def test_weights_turn_the_training_shares_into_those_of_the_prior(prior: str, share: float) -> None:
    labels = np.array([0] * 80 + [1] * 20)
    weights = prior_weights(labels, (0.8, 0.2), prior)
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == 0].sum() / weights.sum() == pytest.approx(share)


def test_without_shares_all_faces_weigh_the_same() -> None:
    assert prior_weights(np.array([0, 3, 3]), (), "equal").tolist() == [1, 1, 1]


def test_unsure_readings_are_left_out_of_the_answered_ones() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32)
    figures = answered(probabilities, np.array([0, 1, 1]), np.ones(3), 0.7)
    assert figures == pytest.approx({"unsure": 1 / 3, "answered_accuracy": 1})
    nobody = answered(probabilities, np.array([0, 1, 1]), np.ones(3), 0.95)
    assert nobody == pytest.approx({"unsure": 1, "answered_accuracy": 0})
