"""Train a recipe: Training teaches, PublicTest selects the epoch."""

import json
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import lightning as L
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from safetensors import safe_open
from safetensors.numpy import load_file
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from fer_core.data import FaceSet
from fer_core.errors import UserError
from fer_core.models import build_network
from fer_core.models.base import Network
from fer_core.training.curve import draw_curve, read_curve
from fer_core.training.module import ExpressionModule, TrainingFaces, balanced_weights
from fer_core.training.recipe import Recipe, RecipeError
from fer_core.weights import get_arrays, load_weights, put_arrays, save_arrays

BEST = "best.safetensors"
"""The averaged weights of the best epoch so far, and its number."""
STARTED = "recipe.json"
"""Written when a run starts: what is trained, and since when."""


@dataclass(frozen=True, slots=True)
class Team:
    """Processes that train one network together: each sees its share of every batch, and all take the same
    step (Lightning's DDP)."""

    processes: int = 1
    """On each machine; one a GPU, where there are any."""
    nodes: int = 1
    """Machines."""

    @property
    def size(self) -> int:
        return self.processes * self.nodes


ALONE = Team()


def fit(
    recipe: Recipe, faces: FaceSet, out: Path, *, resume: bool = False, team: Team = ALONE
) -> Network:
    """Train the recipe's network and return it as it was in its best epoch.

    Where people rated faces of Training for valence and arousal, it gets a head that learns these, unless
    the recipe's ``affect_weight`` is 0.

    Args:
        faces: with the splits Training and PublicTest.
        out: run folder; gets ``recipe.json``, ``last.ckpt``, ``best.safetensors``, ``curves.png``, and for
            each start a CSV of metrics and, where its package is installed, a TensorBoard log.
        resume: go on from ``last.ckpt``, if there is one. At most one epoch is lost by a kill.
        team: the processes that share the work. All but the first end here.
    """
    seed(recipe)
    taught = faces.split("Training")
    rated = taught.affect is not None and bool(np.isfinite(taught.affect).any())
    options = {**recipe.network, "affect": rated and recipe.affect_weight > 0}
    try:
        network = build_network(recipe.family, options)
    except TypeError as error:
        raise RecipeError(f"[network] of {recipe.name} does not fit its family: {error}") from None
    if network.landmarks and (recipe.mixup or recipe.cutmix):
        raise RecipeError("mixed faces have no landmarks; leave out mixup and cutmix")
    if recipe.start:
        begin_with(network, recipe.start)
    training, public = (
        loader(
            TrainingFaces(
                part,
                network.input_size,
                recipe,
                training=training,
                with_landmarks=network.landmarks,
            ),
            recipe,
            team,
            training=training,
        )
        for part, training in ((taught, True), (faces.split("PublicTest"), False))
    )
    weights = balanced_weights(taught.labels) if recipe.class_weights else None
    module = ExpressionModule(network, recipe, weights)
    run(module, training, public, recipe, out, resume=resume, team=team)
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
    resume: bool = False,
    team: Team = ALONE,
) -> None:
    """Train a module into a run folder. Processes that only help end with it."""
    # Without versions in its name, since the folder may hold that of an earlier start.
    last = ModelCheckpoint(out, "last", enable_version_counter=False)
    best = BestWeights(out / BEST, recipe.select, recipe.mode)
    average = EMAWeightAveraging(decay=recipe.ema_decay)
    callbacks: list[L.Callback] = [
        last,
        best,
        average,
    ]  # best before its average is taken out again
    if recipe.patience:
        callbacks.append(Patience(recipe.select, patience=recipe.patience, mode=recipe.mode))
    try:
        trainer = L.Trainer(
            max_epochs=recipe.epochs,
            precision="bf16-mixed",
            devices=team.processes,
            num_nodes=team.nodes,
            strategy="ddp" if team.size > 1 else "auto",
            callbacks=callbacks,
            logger=_loggers(out),
            log_every_n_steps=50,
        )
    except MisconfigurationException as error:
        raise UserError(str(error)) from None
    if trainer.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        if not (resume and (out / STARTED).is_file()):
            (out / STARTED).write_text(json.dumps(asdict(recipe), indent=2), encoding="utf-8")
    else:
        _part_ways(training, recipe.seed + trainer.global_rank)
    checkpoint = out / "last.ckpt"
    with warnings.catch_warnings():
        # The faces lie in memory and are cut in microseconds: more workers would only copy them.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")
        trainer.fit(
            module,
            training,
            validation,
            ckpt_path=checkpoint if resume and checkpoint.is_file() else None,
            weights_only=True,
        )
    if not trainer.is_global_zero:
        raise SystemExit
    draw_curve(read_curve(out), out / "curves.png")


def loader(dataset: Dataset[Any], recipe: Recipe, team: Team, *, training: bool) -> DataLoader[Any]:
    """Batches of a dataset: a process has its share of the recipe's batch.

    Raises:
        RecipeError: if the batch cannot be shared out evenly.
    """
    share, rest = divmod(recipe.batch_size, team.size)
    if rest:
        raise RecipeError(f"batch_size is a multiple of the number of processes, {team.size}")
    if training:
        return DataLoader(dataset, share, shuffle=True, drop_last=True)
    # Every process validates the whole set: shares of equal length would count some faces twice.
    whole: DistributedSampler[Any] = DistributedSampler(
        dataset, num_replicas=1, rank=0, shuffle=False
    )
    return DataLoader(dataset, share, sampler=whole)


def _loggers(out: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(out, name="metrics")]
    with suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(out, name="tensorboard"))
    return loggers


def _part_ways(training: DataLoader[Any], own: int) -> None:
    """Let a helping process draw other disturbances, mixtures and dropouts than the first one."""
    dataset: Any = training.dataset
    dataset.rng = np.random.default_rng(own)
    torch.manual_seed(own)


class Patience(EarlyStopping):
    """Ends a run that gets no better; one that it ended does not go on."""

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class BestWeights(L.Callback):
    """Stores what was just validated whenever it is better than all before."""

    def __init__(self, path: Path, select: str, mode: str) -> None:
        self.path = path
        self.select = select
        self.sign = 1.0 if mode == "max" else -1.0
        self.best = -np.inf

    def on_validation_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        figures = trainer.callback_metrics
        if self.select not in figures:
            valid = ", ".join(sorted(name for name in figures if name.startswith("public_")))
            raise RecipeError(f"select = {self.select!r} is not measured; choose one of {valid}")
        value = self.sign * float(figures[self.select])
        if value > self.best and not trainer.sanity_checking:
            self.best = value
            arrays = get_arrays(cast(nn.Module, module.network))
            if trainer.is_global_zero:
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
