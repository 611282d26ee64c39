"""Calibration: whether predictions are right as often as their probabilities say.

Faces may be weighted, so that a set with the class shares of its training faces stands for one with other
shares: a class that is twice as frequent there as assumed counts half.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import PRIORS
from fer_core.types import Floats

BINS: Final = 15
"""Bins of the expected calibration error, of equal width (Guo et al. 2017)."""


def prior_weights(
    labels: NDArray[np.int64], class_shares: tuple[float, ...], prior: str
) -> NDArray[np.float64]:
    """Return the (N,) weights that turn faces with the training shares into faces with those of a prior.

    Args:
        labels: (N,) class numbers.
        class_shares: shares of the classes among the training faces; () gives all faces the same weight.
        prior: a key of ``PRIORS``.

    Returns:
        (N,) with a mean of 1.
    """
    if not class_shares:
        return np.ones(len(labels))
    weights = np.asarray(class_shares)[labels] ** -PRIORS[prior]
    return np.asarray(weights / weights.mean())


def reliability(
    probabilities: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Return the reliability diagram: one row for each of ``BINS`` that holds faces.

    Args:
        probabilities: (N, 7).
        labels: (N,) class numbers.
        weights: (N,) weights of the faces.

    Returns:
        Rows with ``confidence`` (mean largest probability), ``accuracy`` and ``share`` of the faces.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = []
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            total = weights[inside].sum()
            row = {
                "confidence": (weights * confidence)[inside].sum() / total,
                "accuracy": (weights * right)[inside].sum() / total,
                "share": total / weights.sum(),
            }
            rows.append({name: float(value) for name, value in row.items()})
    return rows


def calibration_error(rows: list[dict[str, float]]) -> float:
    """Return the expected calibration error of a reliability diagram (Guo et al. 2017), 0..1."""
    return sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in rows)


def answered(
    probabilities: Floats,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    threshold: float,
) -> dict[str, float]:
    """Return how many faces are unsure below a confidence, and how many of the others are right.

    Returns:
        ``unsure`` (share of the faces) and ``answered_accuracy`` (share of right ones among the others; 0
        if there are none).
    """
    sure = probabilities.max(axis=1) >= threshold
    right = probabilities.argmax(axis=1) == labels
    kept = weights[sure].sum()
    return {
        "unsure": float(1 - kept / weights.sum()),
        "answered_accuracy": float(weights[sure & right].sum() / kept) if kept else 0.0,
    }
