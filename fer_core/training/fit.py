"""Train a recipe: Training teaches, PublicTest selects the epoch."""

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors import safe_open
from safetensors.numpy import load_file
from torch import nn
from torch.utils.data import DataLoader

from fer_core.data import FaceSet
from fer_core.errors import UserError
from fer_core.models import build_network
from fer_core.models.base import Network
from fer_core.models.classifier import bare_landmarks, bare_points
from fer_core.regions import alignment, mean_points
from fer_core.training.module import ExpressionModule, TrainingFaces
from fer_core.training.recipe import Recipe
from fer_core.types import Floats
from fer_core.weights import get_arrays, load_weights, put_arrays, save_arrays

BEST = "best.safetensors"
"""The averaged weights of the best epoch so far, and its number."""
STARTED = "recipe.json"
"""Written when a run starts: what is trained, and since when."""


def fit(recipe: Recipe, faces: FaceSet, out: Path, *, resume: bool = False) -> Network:
    """Train the recipe's network and return it as it was in its best epoch.

    Where people rated faces of Training for valence and arousal, it gets a head that learns these, unless
    the recipe's ``affect_weight`` is 0.

    Args:
        faces: with the splits Training and PublicTest.
        out: run folder; gets ``recipe.json``, ``last.ckpt``, ``best.safetensors``, and a CSV of metrics for
            each start.
        resume: go on from ``last.ckpt``, if there is one. At most one epoch is lost by a kill.
    """
    seed(recipe)
    taught = faces.split("Training")
    rated = taught.affect is not None and bool(np.isfinite(taught.affect).any())
    options = {**recipe.network, "affect": rated and recipe.affect_weight > 0}
    network = build_network(recipe.family, options)
    if recipe.start:
        begin_with(network, recipe.start)
    training = _loader(taught, recipe, network, training=True)
    public = _loader(faces.split("PublicTest"), recipe, network, training=False)
    module = ExpressionModule(network, recipe)
    run(module, training, public, recipe, out, select=recipe.select, mode="max", resume=resume)
    best = build_network(recipe.family, options)
    load_best(best, out)
    return best


def run(
    module: L.LightningModule,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    recipe: Recipe,
    out: Path,
    *,
    select: str,
    mode: str,
    resume: bool,
) -> None:
    """Train a module into a run folder.

    Args:
        select: the logged figure by which the best epoch is told; ``mode`` is "max" or "min".
    """
    out.mkdir(parents=True, exist_ok=True)
    if not (resume and (out / STARTED).is_file()):
        (out / STARTED).write_text(json.dumps(asdict(recipe), indent=2), encoding="utf-8")
    # Without versions in their names, since the folder may hold those of an earlier start.
    last = ModelCheckpoint(out, "last", enable_version_counter=False)
    trainer = L.Trainer(
        max_epochs=recipe.epochs,
        precision="bf16-mixed",
        callbacks=[
            last,
            BestWeights(out / BEST, select, mode),  # before the average is taken out again
            EMAWeightAveraging(decay=recipe.ema_decay),
        ],
        logger=CSVLogger(out, name="metrics"),
        log_every_n_steps=50,
    )
    checkpoint = out / "last.ckpt"
    with warnings.catch_warnings():
        # The faces lie in memory and are cut in microseconds: more workers would only copy them.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        trainer.fit(
            module,
            training,
            validation,
            ckpt_path=checkpoint if resume and checkpoint.is_file() else None,
            weights_only=True,
        )


class BestWeights(L.Callback):
    """Stores what was just validated whenever it is better than all before."""

    def __init__(self, path: Path, select: str, mode: str) -> None:
        self.path = path
        self.select = select
        self.sign = 1.0 if mode == "max" else -1.0
        self.best = -np.inf

    def on_validation_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        value = self.sign * float(trainer.callback_metrics[self.select])
        if value > self.best and not trainer.sanity_checking:
            self.best = value
            arrays = get_arrays(cast(nn.Module, module.network))
            save_arrays(arrays, self.path, {"epoch": str(trainer.current_epoch)})

    def state_dict(self) -> dict[str, Any]:
        return {"best": float(self.best)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


def begin_with(network: nn.Module, name: str) -> None:
    """Give a new network what a trained one has learnt: every array whose name and shape agree, whether or
    not the trunk is a part of its network.

    Raises:
        UserError: if there is no such model, or nothing agrees.
    """
    _, arrays = load_weights(name)
    learnt = {key.removeprefix("backbone."): array for key, array in arrays.items()}
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    taken = [
        (tensor, learnt[key])
        for full, tensor in named.items()
        if (key := full.removeprefix("backbone.")) in learnt and learnt[key].shape == tensor.shape
    ]
    if not taken:
        raise UserError(f"a network of {name!r} has nothing in common with this one; change start")
    for tensor, array in taken:
        tensor.data.copy_(torch.from_numpy(array))


def best_epoch(out: Path) -> int:
    """The number, from 0, of the epoch that ``load_best`` gives."""
    with safe_open(out / BEST, "numpy") as file:
        return int(file.metadata()["epoch"])


def seed(recipe: Recipe) -> None:
    """Make a run repeatable; before its network is built."""
    L.seed_everything(recipe.seed, workers=True)
    torch.set_float32_matmul_precision("high")


def load_best(network: nn.Module, out: Path) -> None:
    """Give a network the weights of the best epoch of a run folder."""
    put_arrays(network, load_file(out / BEST), out / BEST)
    network.eval()


def _loader(
    faces: FaceSet, recipe: Recipe, network: Network, *, training: bool
) -> DataLoader[tuple[torch.Tensor, int, torch.Tensor, torch.Tensor, torch.Tensor]]:
    size = network.input_size
    transforms = crop_transforms(faces, size, aligned=recipe.aligned)
    dataset = TrainingFaces(
        faces,
        transforms,
        size,
        recipe,
        training=training,
        landmarks=bare_landmarks(faces.images) if network.landmarks else None,
    )
    return DataLoader(dataset, recipe.batch_size, shuffle=training, drop_last=training)


def crop_transforms(faces: FaceSet, size: int, *, aligned: bool) -> list[Floats]:
    """N times (2, 3), bare crop -> aligned square; the plain enlargement where ``aligned`` is off."""
    if aligned:
        points = bare_points(faces.images)
    else:
        shapes = [image.shape[:2] for image in faces.images]
        points = np.stack([mean_points((0, 0, width, height)) for height, width in shapes])
    return [alignment(five, size) for five in points]
