"""The torch network that looks at an eye; ``fer_core.faces.eyes`` runs it."""

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor, nn

from fer_core.building import create_timm

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
        body = create_timm(options.pop("name"), in_chans=1, num_classes=1, **options)
        body.maxpool = nn.Identity()
        self.body = body

    def forward(self, eyes: Tensor) -> Tensor:
        """(N, 1, S, S) gray values 0..255 -> (N,) logits of being open."""
        eyes = eyes.float()
        centered = eyes - eyes.mean((2, 3), keepdim=True)
        spread = centered.square().mean((2, 3), keepdim=True).sqrt()
        logits: Tensor = self.body(centered / spread.clamp_min(MIN_CONTRAST))
        return logits[:, 0]

    def predictions(self, eyes: Tensor) -> dict[str, Tensor]:
        """Compute ``open``, the (N,) probabilities of being open."""
        return {"open": self(eyes).float().sigmoid()}
