"""From a trained network to weights that ship: calibrate, measure, write the card."""

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.data import FaceSet
from fer_core.evaluation.metrics import draw_confusion, measure, rounded
from fer_core.labels import EXPRESSIONS
from fer_core.models import Classifier, load_model
from fer_core.models.base import GREY_MEAN, GREY_STD, Network
from fer_core.training.curve import read_curve
from fer_core.training.loop import SINGLE_PROCESS, STARTED, World, best_epoch
from fer_core.training.recipe import Recipe
from fer_core.types import Floats
from fer_core.weights import Card, get_arrays, save_weights

VOTES = "FER+ votes (Barsoum et al. 2016), MIT"
LICENCE = "Apache-2.0 for the weights; trained on {}: for research and teaching"
LIMITS = (
    "Assigns one of seven expression classes to a face; does not know what anybody feels. Labels are noisy "
    "(people agree with FER2013's in 65 % of cases) and the faces are not a fair sample of people, ages and "
    "light, so errors differ between groups. Not for decisions about people; in the EU, inferring emotions "
    "of people at work or in education is forbidden (AI Act, Art. 5(1)(f))."
)


def export_model(
    network: Network, recipe: Recipe, faces: FaceSet, out: Path, training: Mapping[str, Any]
) -> Classifier:
    """Calibrate on PublicTest, read PrivateTest once, and store fp16 weights with their card, and its
    confusions as ``confusion.png``.

    Args:
        faces: with the splits PublicTest and PrivateTest.
        training: what the card says of the run.

    Returns:
        The model as it was stored, loaded again.
    """
    card = Card(
        name=recipe.name,
        family=recipe.family,
        network={**recipe.network, **network.learned_options},
        classes=EXPRESSIONS,
        input_size=network.input_size,
        aligned=recipe.aligned,
        temperature=1.0,
        unsure_below=0.0,
        parameters=network.num_parameters,
        preprocessing=(
            f"grey, aligned by five points to {network.input_size}x{network.input_size}, "
            f"(value / 255 - {GREY_MEAN}) / {GREY_STD}, within the network"
        ),
        data="; ".join(
            (*dict.fromkeys(faces.sources.values()), *([] if faces.votes is None else [VOTES]))
        ),
        recipe=asdict(recipe),
        training=training,
        published=recipe.published,
        licence=LICENCE.format(
            " and ".join(s.split(" (")[0] for s in dict.fromkeys(faces.sources.values()))
        ),
        limits=LIMITS,
    )
    arrays = get_arrays(network)
    save_weights(card, arrays, out)
    stored = load_model(recipe.name, folder=out)
    public = faces.split("PublicTest")
    logits, votes, affect = stored.logits(stored.align(public.images))
    card = replace(card, temperature=temperature(logits, public.labels))
    stored.card = card
    probabilities = stored.calibrate(logits)
    card = replace(card, unsure_below=unsure_below(probabilities, public.labels))
    figures = {"PublicTest": figures_of(measure(card.name, probabilities, votes, public, affect))}
    private = faces.split("PrivateTest")
    logits, votes, affect = stored.logits(stored.align(private.images))
    tested = measure(card.name, stored.calibrate(logits), votes, private, affect)
    figures["PrivateTest"] = figures_of(tested)
    draw_confusion(tested, out / "confusion.png")
    data = "".join(f" --data {name}" for name in faces.sources)
    data += "" if faces.votes is None else " --plus fer2013new.csv"
    for split, row in figures.items():
        row["command"] = f"python -m fer_core evaluate --model {card.name}{data} --split {split}"
    save_weights(replace(card, figures=figures), arrays, out)
    return load_model(recipe.name, folder=out)


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The divisor of the logits with the least negative log-likelihood, to 1 % (Guo et al. 2017)."""
    truth = torch.from_numpy(labels)
    candidates = np.exp(np.arange(np.log(0.2), np.log(5), 0.01))
    losses = [
        float(torch.nn.functional.cross_entropy(torch.from_numpy(logits) / float(t), truth))
        for t in candidates
    ]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def unsure_below(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """The confidence that best parts right readings (above) from wrong ones (below), in hundredths."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    thresholds = np.arange(0, 1, 0.01)
    parted = [np.mean(right == (confidence >= t)) for t in thresholds]
    return round(float(thresholds[int(np.argmax(parted))]), 2)


def figures_of(evaluation: Any) -> dict[str, Any]:
    """An evaluation for the card: shares to four digits, single pass."""
    table = asdict(evaluation)
    table.pop("model")
    return {"passes": "single", **rounded(table)}


def run_facts(recipe: Recipe, out: Path, team: World = SINGLE_PROCESS) -> dict[str, Any]:
    """What the card says of a run: seed, epochs, commit, machine, wall-clock minutes, curve."""
    started, ended = (out / name for name in (STARTED, "last.ckpt"))
    return {
        "seed": recipe.seed,
        "epochs": recipe.epochs,
        "selected_epoch": best_epoch(out) + 1,
        "selected_on": "PublicTest",
        **origin(),
        "processes": team.size,
        "minutes": round((ended.stat().st_mtime - started.stat().st_mtime) / 60),
        "curve": read_curve(out),
    }


def origin() -> dict[str, str]:
    """The commit and the machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    threads = torch.get_num_threads()
    return {
        "commit": commit.stdout.strip(),
        "machine": f"{threads} thread{'s' * (threads > 1)} of {platform.machine()}"
        if not torch.cuda.is_available()
        else torch.cuda.get_device_name(),
    }
