"""Openness of eyes, by a small network over one eye at a time, trained here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import timm
import torch
from torch import Tensor, nn

from fer_core.types import Floats, Image
from fer_core.weights import EYES, WEIGHTS, Card, fold_batch_norms, load_weights, put_arrays

BATCH: Final = 512
"""Eyes per forward pass; bounds the memory."""

MIN_CONTRAST: Final = 2.0
"""Smallest standard deviation of gray values, of 255, that is divided by; below it lies noise."""


class EyeNetwork(nn.Module):
    """Predict whether an eye is open.

    Each crop is normalized to zero mean and unit variance, since lighting varies.

    Args:
        input_size: side of the crop, in pixels.
        backbone: timm's name of the architecture, and its options.
    """

    def __init__(self, *, input_size: int, backbone: Mapping[str, Any]) -> None:
        super().__init__()
        self.input_size = input_size
        options = dict(backbone)
        body: Any = timm.create_model(options.pop("name"), in_chans=1, num_classes=1, **options)
        body.maxpool = nn.Identity()
        self.body = body

    def forward(self, eyes: Tensor) -> Tensor:
        """(N, 1, S, S) gray values 0..255 -> (N,) logits of being open."""
        eyes = eyes.float()
        centered = eyes - eyes.mean((2, 3), keepdim=True)
        spread = centered.square().mean((2, 3), keepdim=True).sqrt()
        logits: Tensor = self.body(centered / spread.clamp_min(MIN_CONTRAST))
        return logits[:, 0]


class EyeReader:
    """The trained eye network with its card. It keeps no images and may be shared by threads."""

    def __init__(self, network: EyeNetwork, card: Card, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.card = card
        self.device = torch.device(device)
        self.input_size = network.input_size

    @torch.inference_mode()
    def __call__(self, eyes: Image) -> Floats:
        """Predict the probability of being open: (N, S, S) uint8 crops -> (N,) float32."""
        parts = []
        for start in range(0, len(eyes), BATCH):
            batch = torch.from_numpy(eyes[start : start + BATCH, None]).to(self.device)
            parts.append(self.network(batch).sigmoid())
        return np.asarray(torch.cat(parts).float().cpu().numpy(), np.float32)


def load_eye_reader(device: str = "cpu", folder: Path = WEIGHTS) -> EyeReader:
    """Load the trained eye network.

    Raises:
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(EYES, folder)
    network = EyeNetwork(**card.network)
    put_arrays(network, arrays, folder / f"{card.name}.safetensors")
    fold_batch_norms(network.body)
    return EyeReader(network, card, device)
