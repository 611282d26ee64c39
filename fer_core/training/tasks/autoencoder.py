"""Train the encoder of ``lgbm_autoencoder``, with a decoder that rebuilds the face from its code."""

from dataclasses import replace

import lightning as L
import torch
import torch.nn.functional as F
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from fer_core.models.base import Trunk, normalize
from fer_core.training.loop import fit_module, load_best, loader
from fer_core.training.optimize import optimize
from fer_core.training.recipe import Recipe
from fer_core.training.run import SINGLE_PROCESS, Run
from fer_core.types import Image

DECODER_WIDTHS = (64, 32, 16)
"""Channels of the decoder's maps, each twice as fine as the one before."""


class AutoEncoder(nn.Module):
    """Encoder and decoder: (N, 1, S, S) normalized faces -> code -> reconstructed faces."""

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
        rebuilt: Tensor = self.decoder(self.encoder(faces))
        return rebuilt


class AutoEncoderModule(L.LightningModule):
    """Trains by the squared error of the reconstruction, in variances of FER2013's gray values."""

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


def fit_encoder(encoder: Trunk, training: Image, public: Image, run: Run) -> None:
    """Train an encoder in place; PublicTest selects the epoch.

    Args:
        training: (N, S, S) aligned faces of Training.
        public: (N, S, S) aligned faces of PublicTest.
    """
    network = AutoEncoder(encoder, training.shape[-1]).train().requires_grad_()
    batches, validation = (
        loader(
            TensorDataset(torch.from_numpy(squares)[:, None]),
            run.recipe,
            SINGLE_PROCESS,
            training=is_training,
        )
        for squares, is_training in ((training, True), (public, False))
    )
    alone = replace(run, resume=False, world=SINGLE_PROCESS)
    fit_module(AutoEncoderModule(network, run.recipe), batches, validation, alone)
    load_best(network, run.out)
    network.requires_grad_(False)
