"""The training loop that all tasks share: Training trains, PublicTest selects the epoch."""

import os
import signal
import warnings
from collections.abc import Iterator, Sized
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

import cv2
import lightning as L
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler, get_worker_info

from fer_core.devices import choose_device
from fer_core.errors import UserError
from fer_core.training.curve import LEARNING_RATE, draw_curve, read_curve
from fer_core.training.notice import notice
from fer_core.training.precision import choose_precision
from fer_core.training.recipe import Recipe, RecipeError
from fer_core.training.run import Run, World
from fer_core.training.run_folder import (
    BEST,
    WholeCheckpoints,
    checkpoint_of,
    read_best,
    start_run,
    write_best,
)
from fer_core.weights import get_arrays, load_weights, put_arrays

LOADER_PROCESSES: Final = 8
"""Processes that prepare batches for a GPU."""


def fit_module(
    module: L.LightningModule, training: DataLoader[Any], validation: DataLoader[Any], run: Run
) -> None:
    """Train a module into its run folder. Of several processes all but the first end here.

    Raises:
        UserError: if there is no such device, it does not train in that precision, the checkpoint is of
            another network, or Lightning refuses the setup, such as more processes than GPUs.
    """
    recipe, out, world = run.recipe, run.out, run.world
    device = choose_device(run.device, training=True)
    try:
        trainer = L.Trainer(
            max_epochs=recipe.epochs,
            accelerator=device.partition(":")[0],
            precision=choose_precision(run.precision, device),
            devices=_lightning_devices(device, world),
            num_nodes=world.nodes,
            strategy="ddp" if world.size > 1 else "auto",
            callbacks=_callbacks(recipe, out, recipe.epochs * len(training) // world.size),
            logger=_loggers(out),
            log_every_n_steps=50,
            gradient_clip_val=recipe.clip_gradient or None,
            benchmark=device.startswith("cuda"),
            plugins=[WholeCheckpoints()],
        )
    except MisconfigurationException as error:
        raise UserError(str(error)) from None
    if trainer.is_global_zero:
        start_run(run)
    else:
        seed_rank(training, recipe.seed + trainer.global_rank)
    checkpoint = checkpoint_of(run, module, len(training) // world.size)
    with warnings.catch_warnings():
        # The faces lie in memory and are cropped in microseconds: more workers would only copy them.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")
        with keyboard_interrupts(trainer):
            trainer.fit(
                module,
                training,
                validation,
                ckpt_path=checkpoint,
                weights_only=True,
            )
    if not trainer.is_global_zero:
        raise SystemExit
    draw_curve(read_curve(out), out / "curves.png")


@contextmanager
def keyboard_interrupts(trainer: L.Trainer) -> Iterator[None]:
    """Raise KeyboardInterrupt where Lightning exits with code 1 after one, and let Ctrl-C work again.

    Raises:
        KeyboardInterrupt: after Ctrl-C; in the first process alone. The others exit with code 130.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)
        if trainer.is_global_zero:
            raise KeyboardInterrupt from None
        raise SystemExit(130) from None


def _lightning_devices(device: str, world: World) -> int | list[int]:
    """Return Lightning's ``devices``: how many, or the number of the one GPU that was named."""
    _, _, number = device.partition(":")
    if number and world.processes > 1:
        raise UserError(f"{device} is one GPU; use --device cuda for several processes")
    return [int(number)] if number else world.processes


def loader(
    dataset: Dataset[Any], recipe: Recipe, world: World, *, training: bool, device: str = "cpu"
) -> DataLoader[Any]:
    """Return batches of a dataset; each process gets its part of the recipe's batch.

    A set that is smaller than a batch is one batch. While a GPU trains, other processes of the machine crop
    and augment faces for it; on the CPU they would only take time from the network.

    Raises:
        RecipeError: if the batch cannot be divided evenly.
    """
    batch_size, rest = divmod(recipe.batch_size, world.size)
    if rest:
        raise RecipeError(f"batch_size must be a multiple of the number of processes, {world.size}")
    helpers: dict[str, Any] = {}
    if device.startswith("cuda"):
        workers = min(LOADER_PROCESSES, os.cpu_count() or 1)
        helpers = {"num_workers": workers, "persistent_workers": True, "pin_memory": True}
        helpers["worker_init_fn"] = _seed_worker
    if training:
        size = len(cast(Sized, dataset))
        if size < recipe.batch_size:
            batch_size = max(1, size // world.size)
            notice(
                f"Training has {size:,}, fewer than a batch of {recipe.batch_size:,}: "
                f"trained in batches of {batch_size * world.size:,}"
            )
        return DataLoader(dataset, batch_size, shuffle=True, drop_last=True, **helpers)
    # Every process validates the whole set: parts of equal length would count some faces twice.
    whole: DistributedSampler[Any] = DistributedSampler(
        dataset, num_replicas=1, rank=0, shuffle=False
    )
    return DataLoader(dataset, batch_size, sampler=whole, **helpers)


def _seed_worker(_: int) -> None:
    """Give each process of a loader random numbers of its own, and one thread."""
    info: Any = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)
    cv2.setNumThreads(0)


def average_decay(recipe: Recipe, steps: int) -> float:
    """Return the decay per step of the average of the weights.

    In runs under a thousand steps the usual decay would keep the average near the initial weights: 89 % of it
    after the 24 steps over a class's own hundred photographs. So it reaches back a fifth of the run at most.
    """
    return min(recipe.ema_decay, max(0.5, 1 - 5 / max(1, steps)))


def _callbacks(recipe: Recipe, out: Path, steps: int) -> list[L.Callback]:
    # Without versions in its name, since the folder may hold the checkpoint of an earlier start.
    last = ModelCheckpoint(out, "last", enable_version_counter=False)
    best = BestWeights(out, recipe.select, recipe.mode)
    # The best weights are stored before the average is swapped out again, so they come first.
    average = EMAWeightAveraging(decay=average_decay(recipe, steps))
    callbacks: list[L.Callback] = [last, best, average, LearningRate()]
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


class LearningRate(L.Callback):
    """Logs the mean learning rate of each epoch as ``learning_rate``.

    Lightning's own monitor writes it without the number of the epoch, which a curve needs.
    """

    def on_train_batch_start(
        self, trainer: L.Trainer, module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        module.log(LEARNING_RATE, rate, on_step=False, on_epoch=True, sync_dist=True, batch_size=1)


class StickyEarlyStopping(EarlyStopping):
    """Early stopping that stays stopped after ``--resume``."""

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class BestWeights(L.Callback):
    """Stores the weights that were just validated whenever they are the best so far."""

    def __init__(self, out: Path, select: str, mode: str) -> None:
        self.out = out
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
                write_best(arrays, trainer.current_epoch, self.out)

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


def seed_run(recipe: Recipe) -> None:
    """Make a run repeatable; call it before the network is built."""
    L.seed_everything(recipe.seed, workers=True)
    torch.set_float32_matmul_precision("high")


def load_best(network: nn.Module, out: Path) -> None:
    """Load the weights of the best epoch of a run folder into a network."""
    put_arrays(network, read_best(out)[0], out / BEST)
    network.eval()
