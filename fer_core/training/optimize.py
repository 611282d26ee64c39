"""Optimisers and learning-rate schedules, as a recipe names them."""

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
    """The recipe's optimiser over all parameters of a module, and the schedule of its learning rate.

    Schedules go on with each step, the one that waits for a plateau after each epoch.
    """
    optimiser = _optimiser(module, recipe)
    if recipe.schedule == "plateau":
        plateau = ReduceLROnPlateau(optimiser, recipe.mode, patience=recipe.plateau_epochs)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": plateau, "interval": "epoch", "monitor": recipe.select},
        }
    steps = int(module.trainer.estimated_stepping_batches)
    schedule = _schedule(optimiser, recipe, steps)
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _optimiser(module: L.LightningModule, recipe: Recipe) -> Optimizer:
    parameters, rate, decay = module.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "adamw":
        return AdamW(parameters, rate, weight_decay=decay)
    return SGD(parameters, rate, momentum=0.9, nesterov=True, weight_decay=decay)


def _schedule(optimiser: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """
    Args:
        steps: of the whole run.
    """
    if recipe.schedule == "cosine":
        return CosineAnnealingLR(optimiser, T_max=steps)
    if recipe.schedule == "cosine_restarts":
        first = steps * recipe.restart_epochs // recipe.epochs
        return CosineAnnealingWarmRestarts(optimiser, T_0=first, T_mult=2)
    return OneCycleLR(optimiser, max_lr=recipe.learning_rate, total_steps=steps)
