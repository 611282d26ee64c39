"""What a model card says: calibration, figures, and the facts of the training run."""

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.evaluation.metrics import rounded
from fer_core.training.curve import read_curve
from fer_core.training.loop import STARTED, best_epoch
from fer_core.training.origin import origin
from fer_core.training.run import Run
from fer_core.types import Floats


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """Return the divisor of the logits with the least negative log-likelihood, to 1 % (Guo et al. 2017).

    Args:
        logits: (N, 7).
        labels: (N,) class numbers.
    """
    truth = torch.from_numpy(labels)
    candidates = np.exp(np.arange(np.log(0.2), np.log(5), 0.01))
    losses = [
        float(torch.nn.functional.cross_entropy(torch.from_numpy(logits) / float(t), truth))
        for t in candidates
    ]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def unsure_below(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Return the confidence that best separates right readings (above) from wrong ones, in hundredths."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    thresholds = np.arange(0, 1, 0.01)
    separated = [np.mean(right == (confidence >= t)) for t in thresholds]
    return round(float(thresholds[int(np.argmax(separated))]), 2)


def figures_of(evaluation: Any) -> dict[str, Any]:
    """Return an evaluation as figures of a card: shares to four digits, single pass."""
    table = asdict(evaluation)
    table.pop("model")
    return {"passes": "single", **rounded(table)}


def run_facts(run: Run) -> dict[str, Any]:
    """Return what the card says of a run: seed, epochs, commit, machine, wall-clock minutes, curve."""
    started, ended = (run.out / name for name in (STARTED, "last.ckpt"))
    return {
        "seed": run.recipe.seed,
        "epochs": run.recipe.epochs,
        "selected_epoch": best_epoch(run.out) + 1,
        "selected_on": "PublicTest",
        **origin(),
        "processes": run.world.size,
        "minutes": round((ended.stat().st_mtime - started.stat().st_mtime) / 60),
        "curve": read_curve(run.out),
    }
