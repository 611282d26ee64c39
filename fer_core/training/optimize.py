"""Optimizers and learning-rate schedules, as a recipe names them."""

import lightning as L
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)

from fer_core.training.recipe import Recipe


def optimize(module: L.LightningModule, recipe: Recipe) -> OptimizerLRSchedulerConfig:
    """Return the recipe's optimizer over all parameters of a module, with its learning-rate schedule.

    Schedules advance with each step, ``plateau`` with each epoch.
    """
    optimizer = _optimizer(module, recipe)
    if recipe.schedule == "plateau":
        plateau = ReduceLROnPlateau(optimizer, recipe.mode, patience=recipe.plateau_epochs)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": plateau, "interval": "epoch", "monitor": recipe.select},
        }
    steps = int(module.trainer.estimated_stepping_batches)
    schedule = _schedule(optimizer, recipe, steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _optimizer(module: L.LightningModule, recipe: Recipe) -> Optimizer:
    rate = recipe.learning_rate
    matrices = [p for p in module.parameters() if p.ndim > 1]
    others = [p for p in module.parameters() if p.ndim <= 1]  # biases and batch norms do not decay
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if recipe.optimiser == "adamw":
        return AdamW(groups, rate)
    return SGD(groups, rate, momentum=0.9, nesterov=True)


def _schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Return the learning-rate schedule over a run of ``steps`` steps."""
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if recipe.schedule == "cosine_restarts":
        first = max(1, steps * recipe.restart_epochs // recipe.epochs)
        return CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=2)
    return OneCycleLR(optimizer, max_lr=recipe.learning_rate, total_steps=steps)
