"""Train, store and measure the eye network, on crops of single eyes; nobody is in two splits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.utils.data import Dataset
from torchmetrics.classification import BinaryAccuracy

from fer_core.data.augmentation import augment
from fer_core.data.readers.eyes import EyeSet, read_eyes
from fer_core.devices import choose_device
from fer_core.faces.eye_network import EyeNetwork
from fer_core.faces.eyes import EyeReader, load_eye_reader
from fer_core.geometry import warp
from fer_core.training.card import run_facts
from fer_core.training.loop import fit_module, load_best, loader, seed_run
from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe
from fer_core.training.run import Run
from fer_core.training.task import Fitted, only_path, split_figures
from fer_core.types import Floats, Image
from fer_core.weights import EYES, Card, get_arrays, save_weights

DATA = "Open-Close-Eye-Detection (Roboflow), CC BY 4.0 as stated there"
LICENSE = "Apache-2.0 for the weights; trained on CC BY 4.0 data"
LIMITS = (
    "Says whether an eye is open, not whether somebody is awake or looks. Most of its training eyes are "
    "infrared pictures of few people; strong glare on glasses, heavy make-up and eyes narrower than ten "
    "pixels mislead it."
)


class CroppedEyes(Dataset[tuple[Tensor, Tensor]]):
    """Eyes at the input size of the network, augmented for training."""

    def __init__(self, eyes: EyeSet, size: int, recipe: Recipe, *, training: bool) -> None:
        self.eyes = eyes
        self.size = size
        self.augmentation = recipe.augmentation if training else None
        self.rng = np.random.default_rng(recipe.seed)

    def __len__(self) -> int:
        return len(self.eyes)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a (1, S, S) uint8 eye, and 1.0 if it is open, 0.0 if closed."""
        image = self.eyes.images[index]
        transform = shrinking(image, self.size)
        if self.augmentation is None:
            eye = warp(image, transform, self.size)
        else:
            eye = augment(image, transform, self.size, self.augmentation, self.rng)
        return torch.from_numpy(eye)[None], torch.tensor(float(self.eyes.open[index]))


class EyeModule(L.LightningModule):
    """Trains by the binary cross-entropy of open and closed."""

    def __init__(self, network: EyeNetwork, recipe: Recipe) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe
        self.accuracy = BinaryAccuracy()

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        eyes, is_open = batch
        smooth = self.recipe.label_smoothing
        targets = is_open * (1 - smooth) + smooth / 2
        loss = F.binary_cross_entropy_with_logits(self.network(eyes).float(), targets)
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        eyes, is_open = batch
        self.accuracy(self.network(eyes).sigmoid(), is_open)
        self.log("public_accuracy", self.accuracy, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return optimize(self, self.recipe)


def shrinking(image: Image, size: int) -> Floats:
    """Return the (2, 3) map of a whole square image to a square of ``size``."""
    scale = size / len(image)
    return np.array([[scale, 0, 0], [0, scale, 0]], np.float32)


class EyeTask:
    """Open or closed eyes; the data are an ``EyeSet``, split by people."""

    def read(self, paths: Sequence[Path], votes: Path | None = None) -> EyeSet:
        return read_eyes(only_path(paths))

    def fit(self, run: Run, data: EyeSet) -> Fitted[EyeNetwork]:
        """Train on Training; the best accuracy on PublicTest selects the epoch."""
        recipe = run.recipe
        seed_run(recipe)
        network = EyeNetwork(**recipe.network)
        training, public = (
            loader(
                CroppedEyes(data.split(split), network.input_size, recipe, training=is_training),
                recipe,
                run.world,
                training=is_training,
                device=choose_device(run.device, training=True),
            )
            for split, is_training in (("Training", True), ("PublicTest", False))
        )
        fit_module(EyeModule(network, recipe), training, public, run)
        best = EyeNetwork(**recipe.network)
        load_best(best, run.out)
        return Fitted(best, run_facts(run))

    def export_model(self, fitted: Fitted[EyeNetwork], run: Run, data: EyeSet) -> Card:
        network, recipe = fitted.model, run.recipe
        card = Card(
            name=EYES,
            family=recipe.family,
            network=recipe.network,
            classes=("closed", "open"),
            input_size=network.input_size,
            aligned=True,
            temperature=1.0,
            unsure_below=0.0,
            parameters=sum(p.numel() for p in network.parameters()),
            preprocessing=f"gray, eye in the middle of {network.input_size}x{network.input_size}, "
            "less its mean and divided by its standard deviation within the network",
            data=DATA,
            recipe=asdict(recipe),
            training=fitted.facts,
            licence=LICENSE,
            limits=LIMITS,
            kind="eyes",
        )
        return save_weights(card, get_arrays(network), run.out)

    def measure(
        self, card: Card, folder: Path, data: EyeSet, split: str, device: str = "cpu"
    ) -> dict[str, Any]:
        return measure_eyes(load_eye_reader(device, folder), data.split(split))

    def figures(self, card: Card, folder: Path, data: EyeSet) -> dict[str, dict[str, Any]]:
        return split_figures(self, card, folder, data, "--data eyes")

    def summarize(self, figures: Mapping[str, Any]) -> str:
        return f"{figures['accuracy']:.1%} of {figures['n']:,} eyes"


def measure_eyes(reader: EyeReader, eyes: EyeSet) -> dict[str, Any]:
    """Measure how often open and closed eyes are told apart.

    Returns:
        ``n``; ``people``, their number; ``accuracy`` over all eyes; ``closed`` and ``open``, accuracy over
        those alone.
    """
    size = reader.input_size
    crops = np.stack([warp(image, shrinking(image, size), size) for image in eyes.images])
    right = (reader(crops) >= 0.5) == eyes.open
    return {
        "n": len(eyes),
        "people": len(set(eyes.subjects.tolist())),
        "accuracy": round(float(right.mean()), 4),
        "closed": round(float(right[~eyes.open].mean()), 4),
        "open": round(float(right[eyes.open].mean()), 4),
    }
