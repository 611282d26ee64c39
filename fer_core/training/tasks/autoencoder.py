"""Train the encoder of ``lgbm_autoencoder``: a face is told in few numbers, from which it can be drawn."""

from pathlib import Path

import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from fer_core.models.base import Trunk, normalize
from fer_core.training.loop import SINGLE_PROCESS, load_best, loader, run
from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe
from fer_core.types import Image

DECODER_WIDTHS = (64, 32, 16)
"""Channels of the maps from which a face is drawn, each twice as fine as the one before."""


class AutoEncoder(nn.Module):
    """(N, 1, S, S) normalised faces -> code -> the same faces, as well as the code tells them."""

    def __init__(self, encoder: Trunk, size: int) -> None:
        super().__init__()
        self.encoder = encoder
        cells = size >> len(DECODER_WIDTHS)
        first = DECODER_WIDTHS[0]
        layers: list[nn.Module] = [
            nn.Linear(encoder.channels, first * cells**2),
            nn.Unflatten(1, (first, cells, cells)),
        ]
        for before, after in zip(DECODER_WIDTHS, (*DECODER_WIDTHS[1:], 8), strict=True):
            layers += [
                nn.BatchNorm2d(before),
                nn.ReLU(inplace=True),
                nn.ConvTranspose2d(before, after, 4, stride=2, padding=1),
            ]
        self.decoder = nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, faces: Tensor) -> Tensor:
        drawn: Tensor = self.decoder(self.encoder(faces))
        return drawn


class AutoEncoderModule(L.LightningModule):
    """The squared error of the drawn face, in variances of FER2013's grey values."""

    def __init__(self, network: AutoEncoder, recipe: Recipe) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.recipe = recipe

    def error(self, batch: tuple[Tensor]) -> Tensor:
        faces = normalize(batch[0])
        return F.mse_loss(self.network(faces).float(), faces)

    def training_step(self, batch: tuple[Tensor], _: int) -> Tensor:
        loss = self.error(batch)
        self.log("loss", loss, prog_bar=True, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[Tensor], _: int) -> None:
        self.log("public_error", self.error(batch), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        return optimize(self, self.recipe)


def fit_encoder(encoder: Trunk, taught: Image, public: Image, recipe: Recipe, out: Path) -> None:
    """Train an encoder in place; PublicTest selects the epoch.

    Args:
        taught, public: (N, S, S) aligned faces.
    """
    network = AutoEncoder(encoder, taught.shape[-1]).train().requires_grad_()
    training, validation = (
        loader(
            TensorDataset(torch.from_numpy(squares)[:, None]),
            recipe,
            SINGLE_PROCESS,
            training=is_training,
        )
        for squares, is_training in ((taught, True), (public, False))
    )
    run(AutoEncoderModule(network, recipe), training, validation, recipe, out)
    load_best(network, out)
    network.requires_grad_(False)
