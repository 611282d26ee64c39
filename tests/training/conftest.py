"""Generated faces, and recipes that take seconds."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fer_core.data import FaceSet
from fer_core.data.augmentation import Augmentation
from fer_core.models import Classifier, load_model
from fer_core.models.base import Network
from fer_core.training.recipe import Recipe, read_recipe
from fer_core.training.run import Run
from fer_core.training.task import Fitted, export_trained
from fer_core.training.tasks.expressions import ExpressionTask
from fer_core.training.tasks.training_faces import Targets


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def faces() -> FaceSet:
    """Return noise whose brightness is its class, easy enough for one epoch."""
    rng = np.random.default_rng(0)
    labels = np.arange(210) % 7
    images = [
        np.clip(rng.normal(30 * label + 30, 4, (48, 48)), 0, 255).astype(np.uint8)
        for label in labels
    ]
    splits = np.array(["Training"] * 140 + ["PublicTest"] * 35 + ["PrivateTest"] * 35)
    votes = np.zeros((210, 10), np.float32)
    votes[:, 0] = 10
    return FaceSet(images, labels.astype(np.int64), splits, votes)


@pytest.fixture(scope="session")
def small() -> Callable[..., Recipe]:
    """Return a function that shortens a recipe of the package, with other values of some fields."""

    def shortened(name: str, epochs: int, **changes: Any) -> Recipe:
        fields: dict[str, Any] = {
            "epochs": epochs,
            "batch_size": 35,
            "aligned": False,
            "learning_rate": 0.05,
            "ema_decay": 0.5,
            "augmentation": Augmentation(brightness=0, contrast=0, erase=0),
        }
        return dataclasses.replace(read_recipe(name), **(fields | changes))

    return shortened


def fit(recipe: Recipe, faces: FaceSet, out: Path, *, resume: bool = False) -> Network:
    """Train a recipe for expressions, and return its network."""
    return ExpressionTask().fit(Run(recipe, out, resume), faces).model


def export(fitted: Fitted[Network], recipe: Recipe, faces: FaceSet, out: Path) -> Classifier:
    """Store and evaluate a trained network, and load it."""
    card = export_trained(ExpressionTask(), fitted, Run(recipe, out), faces)
    return load_model(card.name, folder=out)


def targets_of(
    classes: torch.Tensor,
    votes: torch.Tensor | None = None,
    affect: torch.Tensor | None = None,
) -> Targets:
    """Return the targets of N faces of the given (N,) classes, without actions; nothing is covered."""
    number = len(classes)
    return Targets(
        classes=F.one_hot(classes, 7).float(),
        votes=torch.zeros(number, 8) if votes is None else votes,
        affect=torch.full((number, 2), torch.nan) if affect is None else affect,
        actions=torch.zeros(number, 0),
        covered=torch.zeros(number, 3),
    )
