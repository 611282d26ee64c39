"""Open or closed: one small network that looks at one eye at a time, trained here."""

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
"""Eyes that pass at a time; bounds the memory."""

FAINTEST: Final = 2.0
"""Spread of grey values, of 255, below which an eye is not made stronger: that would be noise."""


class EyeNetwork(nn.Module):
    """One eye in, how open it is out.

    Every crop is brought to one brightness and contrast, since eyes lie in all kinds of light.

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
        """(N, 1, S, S) grey values 0..255 -> (N,) logits of being open."""
        eyes = eyes.float()
        centred = eyes - eyes.mean((2, 3), keepdim=True)
        spread = centred.square().mean((2, 3), keepdim=True).sqrt()
        logits: Tensor = self.body(centred / spread.clamp_min(FAINTEST))
        return logits[:, 0]


class EyeReader:
    """The trained network with its card. Holds no memory of eyes and may be shared by threads."""

    def __init__(self, network: EyeNetwork, card: Card, device: str = "cpu") -> None:
        self.network = network.eval().requires_grad_(False).to(device)
        self.card = card
        self.device = torch.device(device)
        self.input_size = network.input_size

    @torch.inference_mode()
    def __call__(self, eyes: Image) -> Floats:
        """(N, S, S) uint8 crops -> (N,) float32 probability of being open."""
        parts = []
        for start in range(0, len(eyes), BATCH):
            batch = torch.from_numpy(eyes[start : start + BATCH, None]).to(self.device)
            parts.append(self.network(batch).sigmoid())
        return np.asarray(torch.cat(parts).float().cpu().numpy(), np.float32)


def load_eye_reader(device: str = "cpu", folder: Path = WEIGHTS) -> EyeReader:
    """The eye network as it ships.

    Raises:
        WeightsError: if its files are missing, damaged or do not fit the network.
    """
    card, arrays = load_weights(EYES, folder)
    network = EyeNetwork(**card.network)
    put_arrays(network, arrays, folder / f"{card.name}.safetensors")
    fold_batch_norms(network.body)
    return EyeReader(network, card, device)
