"""The training loop that all tasks share: Training trains, PublicTest selects the epoch."""

import json
import warnings
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

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

from fer_core.errors import UserError
from fer_core.training.curve import draw_curve, read_curve
from fer_core.training.recipe import Recipe, RecipeError
from fer_core.training.run import Run, World
from fer_core.weights import get_arrays, load_weights, put_arrays, save_arrays

BEST = "best.safetensors"
"""File of the averaged weights of the best epoch so far, with its number."""
STARTED = "recipe.json"
"""File written when a run starts: what is trained, and since when."""


def fit_module(
    module: L.LightningModule, training: DataLoader[Any], validation: DataLoader[Any], run: Run
) -> None:
    """Train a module into its run folder. Of several processes all but the first end here.

    Raises:
        UserError: if Lightning refuses the setup, such as more processes than GPUs.
    """
    recipe, out, world = run.recipe, run.out, run.world
    try:
        trainer = L.Trainer(
            max_epochs=recipe.epochs,
            precision=precision(),
            devices=world.processes,
            num_nodes=world.nodes,
            strategy="ddp" if world.size > 1 else "auto",
            callbacks=_callbacks(recipe, out),
            logger=_loggers(out),
            log_every_n_steps=50,
        )
    except MisconfigurationException as error:
        raise UserError(str(error)) from None
    if trainer.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        if not (run.resume and (out / STARTED).is_file()):
            (out / STARTED).write_text(json.dumps(asdict(recipe), indent=2), encoding="utf-8")
    else:
        seed_rank(training, recipe.seed + trainer.global_rank)
    checkpoint = out / "last.ckpt"
    with warnings.catch_warnings():
        # The faces lie in memory and are cropped in microseconds: more workers would only copy them.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")
        trainer.fit(
            module,
            training,
            validation,
            ckpt_path=checkpoint if run.resume and checkpoint.is_file() else None,
            weights_only=True,
        )
    if not trainer.is_global_zero:
        raise SystemExit
    draw_curve(read_curve(out), out / "curves.png")


def precision() -> Literal["bf16-mixed", "32-true"]:
    """Return bf16 where the GPU or the processor computes it, float32 elsewhere.

    Processors without the instructions emulate bf16: they train ten times slower, and LSTMs not at all.
    """
    if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported():
        return "bf16-mixed"
    return "32-true"


def loader(
    dataset: Dataset[Any], recipe: Recipe, world: World, *, training: bool
) -> DataLoader[Any]:
    """Return batches of a dataset; each process gets its part of the recipe's batch.

    Raises:
        RecipeError: if the batch cannot be divided evenly.
    """
    batch_size, rest = divmod(recipe.batch_size, world.size)
    if rest:
        raise RecipeError(f"batch_size must be a multiple of the number of processes, {world.size}")
    if training:
        return DataLoader(dataset, batch_size, shuffle=True, drop_last=True)
    # Every process validates the whole set: parts of equal length would count some faces twice.
    whole: DistributedSampler[Any] = DistributedSampler(
        dataset, num_replicas=1, rank=0, shuffle=False
    )
    return DataLoader(dataset, batch_size, sampler=whole)


def _callbacks(recipe: Recipe, out: Path) -> list[L.Callback]:
    # Without versions in its name, since the folder may hold the checkpoint of an earlier start.
    last = ModelCheckpoint(out, "last", enable_version_counter=False)
    best = BestWeights(out / BEST, recipe.select, recipe.mode)
    # The best weights are stored before the average is swapped out again, so they come first.
    callbacks: list[L.Callback] = [last, best, EMAWeightAveraging(decay=recipe.ema_decay)]
    if recipe.patience:
        stopping = StickyEarlyStopping(recipe.select, patience=recipe.patience, mode=recipe.mode)
        callbacks.append(stopping)
    return callbacks


def _loggers(out: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(out, name="metrics")]
    with suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(out, name="tensorboard"))
    return loggers


def seed_rank(training: DataLoader[Any], seed: int) -> None:
    """Seed a process other than the first, so that its augmentation, mixing and dropout differ."""
    dataset: Any = training.dataset
    dataset.rng = np.random.default_rng(seed)
    torch.manual_seed(seed)


class StickyEarlyStopping(EarlyStopping):
    """Early stopping that stays stopped after ``--resume``."""

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class BestWeights(L.Callback):
    """Stores the weights that were just validated whenever they are the best so far."""

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


def init_from(network: nn.Module, name: str) -> None:
    """Copy the weights of a trained model into a new network, where names and shapes match.

    The trunk may be a part of either network or all of it.

    Raises:
        UserError: if there is no such model, or nothing matches.
    """
    _, arrays = load_weights(name)
    arrays_by_key = {key.removeprefix("backbone."): array for key, array in arrays.items()}
    named = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    matches = [
        (tensor, arrays_by_key[key])
        for full, tensor in named.items()
        if (key := full.removeprefix("backbone.")) in arrays_by_key
        and arrays_by_key[key].shape == tensor.shape
    ]
    if not matches:
        raise UserError(f"a network of {name!r} has nothing in common with this one; change start")
    for tensor, array in matches:
        tensor.data.copy_(torch.from_numpy(array))


def best_epoch(out: Path) -> int:
    """Return the number, from 0, of the epoch whose weights ``load_best`` loads."""
    with safe_open(out / BEST, "numpy") as file:
        return int(file.metadata()["epoch"])


def seed_run(recipe: Recipe) -> None:
    """Make a run repeatable; call it before the network is built."""
    L.seed_everything(recipe.seed, workers=True)
    torch.set_float32_matmul_precision("high")


def load_best(network: nn.Module, out: Path) -> None:
    """Load the weights of the best epoch of a run folder into a network."""
    put_arrays(network, load_file(out / BEST), out / BEST)
    network.eval()
