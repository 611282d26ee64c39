"""What a model card says: calibration, figures, and the facts of the training run."""

from dataclasses import asdict
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.devices import choose_device
from fer_core.evaluation.calibration import answered
from fer_core.evaluation.metrics import rounded
from fer_core.training.curve import read_curve
from fer_core.training.origin import origin
from fer_core.training.precision import choose_precision
from fer_core.training.run import Run
from fer_core.training.run_folder import CHECKPOINT, STARTED, best_epoch
from fer_core.types import Floats

RIGHT: Final = 0.8
"""Share of the answered readings that should be right."""
MOST_UNSURE: Final = 0.2
"""Largest share of the readings that may be unsure."""


def temperature(
    logits: Floats,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    offset: Floats | float = 0.0,
) -> float:
    """Return the divisor of the logits with the least negative log-likelihood, to 1 % (Guo et al. 2017).

    Args:
        logits: (N, 7).
        labels: (N,) class numbers.
        weights: (N,) weights of the faces; all the same without them.
        offset: (7,) what is taken off the divided logits, as a prior does.
    """
    truth = torch.from_numpy(labels)
    shares = torch.ones(len(labels)) if weights is None else torch.from_numpy(weights).float()
    candidates = np.exp(np.arange(np.log(0.2), np.log(5), 0.01))
    losses = []
    for candidate in candidates:
        scaled = torch.from_numpy(np.asarray(logits / candidate - offset, np.float32))
        each = torch.nn.functional.cross_entropy(scaled, truth, reduction="none")
        losses.append(float((shares * each).sum()))
    return round(float(candidates[int(np.argmin(losses))]), 4)


def unsure_below(
    probabilities: Floats,
    labels: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return the confidence below which readings are unsure, in hundredths.

    It is the lowest at which ``RIGHT`` of the other readings are right, but leaves at most ``MOST_UNSURE``
    of all readings unsure.

    Args:
        probabilities: (N, 7).
        labels: (N,) class numbers.
        weights: (N,) weights of the faces; all the same without them.
    """
    shares = np.ones(len(labels)) if weights is None else weights
    best = 0.0
    for threshold in np.arange(0, 1, 0.01):
        figures = answered(probabilities, labels, shares, float(threshold))
        if figures["unsure"] > MOST_UNSURE:
            break
        best = float(threshold)
        if figures["answered_accuracy"] >= RIGHT:
            break
    return round(best, 2)


def figures_of(evaluation: Any) -> dict[str, Any]:
    """Return an evaluation as figures of a card: shares to four digits, single pass."""
    table = asdict(evaluation)
    table.pop("model")
    return {"passes": "single", **rounded(table)}


def run_facts(run: Run) -> dict[str, Any]:
    """Return what the card says of a run: seed, epochs, commit, machine, wall-clock minutes, curve."""
    started, ended = (run.out / name for name in (STARTED, CHECKPOINT))
    return {
        "seed": run.recipe.seed,
        "epochs": run.recipe.epochs,
        "selected_epoch": best_epoch(run.out) + 1,
        "selected_on": "PublicTest",
        **origin(choose_device(run.device, training=True)),
        "precision": choose_precision(run.precision, choose_device(run.device, training=True)),
        "processes": run.world.size,
        "minutes": round((ended.stat().st_mtime - started.stat().st_mtime) / 60),
        "curve": read_curve(run.out),
    }
