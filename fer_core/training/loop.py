"""Train a recipe: Training teaches, PublicTest selects the epoch."""

import json
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
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
from fer_core.weights import get_arrays, load_weights, put_arrays, save_arrays

BEST = "best.safetensors"
"""The averaged weights of the best epoch so far, and its number."""
STARTED = "recipe.json"
"""Written when a run starts: what is trained, and since when."""


@dataclass(frozen=True, slots=True)
class World:
    """Processes that train one network together: each sees its share of every batch, and all take the same
    step (Lightning's DDP)."""

    processes: int = 1
    """On each machine; one a GPU, where there are any."""
    nodes: int = 1
    """Machines."""

    @property
    def size(self) -> int:
        return self.processes * self.nodes


SINGLE_PROCESS = World()


def run(
    module: L.LightningModule,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    team: World = SINGLE_PROCESS,
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
            precision=precision(),
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
        seed_rank(training, recipe.seed + trainer.global_rank)
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


def precision() -> Literal["bf16-mixed", "32-true"]:
    """Return bf16 where the GPU or the processor computes it, float32 elsewhere.

    Processors without the instructions emulate bf16: they train ten times slower, and LSTMs not at all.
    """
    if torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported():
        return "bf16-mixed"
    return "32-true"


def loader(
    dataset: Dataset[Any], recipe: Recipe, team: World, *, training: bool
) -> DataLoader[Any]:
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


def seed_rank(training: DataLoader[Any], own: int) -> None:
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


def init_from(network: nn.Module, name: str) -> None:
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
