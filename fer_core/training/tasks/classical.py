"""Fit kernel machines and boosted trees: Training trains, PublicTest selects."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from time import perf_counter
from typing import Any, Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer_core.data import DataError, FaceSet, majority
from fer_core.data.preview import NO_AUGMENTATION
from fer_core.devices import choose_device
from fer_core.errors import in_short
from fer_core.faces.alignment import align_crops, bare_points
from fer_core.labels import EXPRESSIONS
from fer_core.models import build_network, get_family
from fer_core.models.base import Estimator
from fer_core.models.boosted import Boosted, BoostedCode, import_lightgbm
from fer_core.models.kernel_machine import KernelMachine
from fer_core.training.loop import seed_run
from fer_core.training.origin import origin
from fer_core.training.recipe import Recipe, RecipeError
from fer_core.training.run import Run
from fer_core.training.task import Fitted
from fer_core.training.tasks.autoencoder import fit_encoder
from fer_core.types import Image

BATCH: Final = 1024
"""Faces described at a time; bounds the memory."""

PENALTIES: Final = (1e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 1e-3)
"""Penalties of the squared weights of a machine; PublicTest selects."""

INSPECTED: Final = frozenset(
    (
        *("tree_sizes", "split_gain", "leaf_weight", "leaf_count"),
        *("internal_value", "internal_weight", "internal_count"),
    )
)
"""Lines of a booster that predictions do not need."""


class Described(NamedTuple):
    """Faces as an estimator sees them."""

    numbers: Tensor
    """(N, D) float32."""
    labels: Tensor
    """(N,) classes."""
    votes: Tensor
    """(N,) FER+ classes, -1 where a face does not count."""


FIELDS: Final = {"name", "family", "network", "published", "fitting", "aligned", "prior", "seed"}
"""Fields of a recipe that count for every estimator."""
ENCODER_FIELDS: Final = {
    *("epochs", "batch_size", "optimiser", "learning_rate", "schedule", "restart_epochs"),
    *("plateau_epochs", "patience", "select", "weight_decay", "clip_gradient", "ema_decay"),
}
"""Fields that count for an estimator whose encoder is trained by gradient descent."""


def recipe_of_card(recipe: Recipe, estimator: Estimator) -> dict[str, Any]:
    """Return the part of a recipe that had an effect; mirrored faces are the only augmentation."""
    names = FIELDS | (ENCODER_FIELDS if isinstance(estimator, BoostedCode) else set())
    flip = 0.5 if recipe.fitting.get("mirrored", True) else 0.0
    table = {name: value for name, value in asdict(recipe).items() if name in names}
    return {**table, "augmentation": asdict(replace(NO_AUGMENTATION, flip=flip))}


def fit_estimator(run: Run, faces: FaceSet) -> Fitted[Estimator]:
    """Fit the recipe's estimator.

    Args:
        faces: with the splits Training and PublicTest. Each face of Training is used mirrored too, unless
            the recipe's ``fitting`` has ``mirrored = false``.

    Raises:
        RecipeError: for an option in ``fitting`` that is unknown or missing.
    """
    recipe, started = run.recipe, perf_counter()
    seed_run(recipe)
    estimator = build_network(recipe.family, recipe.network).eval().requires_grad_(False)
    assert isinstance(estimator, Estimator)
    training, public = faces.split("Training"), faces.split("PublicTest")
    squares, public_squares = (
        _align(part, recipe, estimator.input_size, run.device) for part in (training, public)
    )
    if isinstance(estimator, BoostedCode):
        fit_encoder(estimator.encoder, squares, public_squares, run)
        round_as_stored(estimator.encoder)
    options = dict(recipe.fitting)
    if mirrored := bool(options.pop("mirrored", True)):
        squares = np.concatenate([squares, squares[:, :, ::-1]])
    try:
        chosen = SOLVERS[get_family(recipe.family).kind](
            estimator,
            _describe(estimator, squares, [training] * (1 + mirrored)),
            _describe(estimator, public_squares, [public]),
            **options,
        )
    except TypeError as error:
        raise RecipeError(f"fitting of {recipe.name}: {error}") from None
    facts = {
        "seed": recipe.seed,
        **chosen,
        "selected_on": "PublicTest",
        **origin(),
        "minutes": round((perf_counter() - started) / 60),
    }
    return Fitted(estimator, facts)


def _align(faces: FaceSet, recipe: Recipe, size: int, device: str) -> Image:
    """Return (N, S, S) faces as ``Classifier.align`` gives them."""
    unknown = np.full((len(faces), 5, 2), np.nan, np.float32)
    points = bare_points(faces.images, choose_device(device)) if recipe.aligned else unknown
    return align_crops(faces.images, points, size)


@torch.inference_mode()
def _describe(estimator: Estimator, squares: Image, faces: list[FaceSet]) -> Described:
    numbers = [
        estimator.describe(torch.from_numpy(squares[start : start + BATCH, None])).flatten(1)
        for start in range(0, len(squares), BATCH)
    ]
    labels = np.concatenate([part.labels for part in faces])
    votes = [
        np.full(len(part), -1) if part.votes is None else majority(part.votes) for part in faces
    ]
    return Described(
        torch.cat(numbers).float(),
        torch.from_numpy(labels),
        torch.from_numpy(np.concatenate(votes)),
    )


# Kernel machines --------------------------------------------------------------------------


@torch.inference_mode()
def fit_machine(
    machine: KernelMachine,
    training: Described,
    public: Described,
    *,
    gamma: float,
    whitening: float,
) -> dict[str, Any]:
    """Fit a least-squares SVM (Suykens and Vandewalle 1999) on Nyström centers to each class.

    Args:
        gamma: of the kernel ``exp(-gamma |z - c|^2)``, where faces have a mean square length of 1.
        whitening: 0 leaves the principal components their variances, 1 makes them all alike.

    Raises:
        DataError: if there are fewer faces than centers or components.
    """
    faces, needed = len(training.numbers), max(len(machine.centres), machine.project.out_features)
    if faces < needed:
        raise DataError(
            f"{faces:,} training faces are too few for this kernel machine, which needs {needed:,}; "
            "give more, or a recipe with fewer components and centers"
        )
    put_projection(machine.project, training.numbers, gamma, whitening)
    round_as_stored(machine.project)
    spanning = torch.randperm(len(training.numbers))[: len(machine.centres)]
    machine.centres.copy_(machine.project(training.numbers[spanning]))
    round_as_stored(machine)
    kernel, tested = (
        torch.cat([machine.similarities(part) for part in torch.split(faces.numbers, BATCH)])
        for faces in (training, public)
    )
    heads = {
        "penalty": (machine.expressions, training.labels, public.labels),
        "votes_penalty": (machine.votes, training.votes, public.votes),
    }
    chosen = {}
    for name, (head, truth, public_truth) in heads.items():
        if (truth >= 0).any():
            chosen[name] = fit_head(head, kernel, truth, tested, public_truth)
        else:
            head.weight.zero_()
            head.bias.zero_()
    return chosen


def put_projection(project: nn.Linear, numbers: Tensor, gamma: float, whitening: float) -> None:
    """Set a layer to the principal components of (N, D) standardized numbers, scaled for the kernel."""
    if not (gamma > 0 and whitening >= 0):
        raise RecipeError("fitting: gamma must be above 0, and whitening at least 0")
    mean, spread = numbers.mean(0), numbers.std(0).clamp_min(1e-6)
    _, values, directions = torch.pca_lowrank((numbers - mean) / spread, project.out_features)
    scales = values / values[0]
    scaled = directions / spread[:, None] * scales.clamp_min(1e-6) ** -whitening
    lengths = ((numbers - mean) @ scaled).square().sum(1)
    weight = (scaled * (gamma / lengths.mean()).sqrt()).T
    project.weight.copy_(weight)
    project.bias.copy_(-weight @ mean)


def round_as_stored(module: nn.Module) -> None:
    """Round arrays to fp16 as the file does, so that what follows is fitted to what will be loaded."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())


def fit_head(
    head: nn.Linear, kernel: Tensor, truth: Tensor, tested: Tensor, public_truth: Tensor
) -> float:
    """Fit a layer by least squares to targets of 1 for a face's class and -1 for the others.

    The penalty lies on the weights themselves rather than on the function's norm in the kernel's space:
    that keeps them small enough for fp16.

    Args:
        kernel: (N, centres) of the faces of Training; ``tested``, of PublicTest.
        truth: (N,) classes, -1 for faces that do not count.

    Returns:
        The penalty with the best accuracy on PublicTest.
    """
    counts, public_counts = truth >= 0, public_truth >= 0
    targets = F.one_hot(truth[counts], head.out_features) * 2.0 - 1
    kernel, mean, mean_target = kernel[counts], kernel[counts].mean(0), targets.mean(0)
    centered = kernel - mean
    values, vectors = torch.linalg.eigh((centered.T @ centered / len(kernel)).double())
    fitting = vectors.T @ (centered.T @ targets / len(kernel)).double()
    best, best_penalty = -1.0, 0.0
    for penalty in PENALTIES:
        weights = (vectors @ (fitting / (values.clamp_min(0) + penalty)[:, None])).float()
        bias = mean_target - mean @ weights
        assigned = (tested[public_counts] @ weights + bias).argmax(1)
        accuracy = float((assigned == public_truth[public_counts]).float().mean())
        if accuracy > best:
            best, best_penalty = accuracy, penalty
            head.weight.copy_(weights.T)
            head.bias.copy_(bias)
    return best_penalty


# Boosted trees ------------------------------------------------------------------------------------


def fit_trees(
    boosted: Boosted, training: Described, public: Described, *, rounds: int, **parameters: Any
) -> dict[str, Any]:
    """Boost trees; PublicTest selects the round to stop after.

    Args:
        parameters: LightGBM's own.
    """
    lightgbm = import_lightgbm()
    settings = {
        "objective": "multiclass",
        "num_class": len(EXPRESSIONS),
        "metric": "multi_error",
        "verbosity": -1,
        "seed": torch.initial_seed(),
        **parameters,
    }
    data = lightgbm.Dataset(training.numbers.numpy(), training.labels.numpy())
    tested = data.create_valid(public.numbers.numpy(), public.labels.numpy())
    callbacks = [lightgbm.early_stopping(rounds, verbose=False)]  # it remembers the best round
    try:
        booster = lightgbm.train(settings, data, rounds, [tested], callbacks=callbacks)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise RecipeError(f"fitting: {in_short(error)}") from None
    boosted.put_trees(slim(booster.model_to_string(num_iteration=booster.best_iteration)))
    return {"rounds": booster.best_iteration}


def slim(text: str) -> str:
    """Return LightGBM's text of trees without the lines for inspection, and leaves rounded to four digits."""
    lines = []
    for line in text.split("\nend of trees")[0].splitlines():
        name, _, value = line.partition("=")
        if name in INSPECTED:
            continue
        if name == "leaf_value":
            line = "leaf_value=" + " ".join(f"{float(v):.4g}" for v in value.split())
        lines.append(line)
    return "\n".join([*lines, "end of trees", ""])


SOLVERS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "kernel_machine": fit_machine,
    "boosted_trees": fit_trees,
}
"""Kind of a family -> its solver, with the options of a recipe's ``fitting``; returns what it chose."""
