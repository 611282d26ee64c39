"""``dexpression``: parallel feature extraction blocks."""

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from fer_core.models.base import PooledNetwork, Trunk
from fer_core.models.registry import register_network


@register_network("dexpression", description="two Inception-like blocks, made for faces")
class DeXpression(PooledNetwork):
    """Two feature extraction blocks behind one convolution (Burkert et al. 2015,
    https://arxiv.org/abs/1509.05371).

    Widths and strides are the paper's. The pooling after the second block is left out, so that 48 pixels
    end in 6x6 cells. Batch norms are added, so that it trains at the learning rate of the others, and
    pooling + linear replaces the paper's fully connected layer.
    """

    def __init__(self, *, input_size: int, dropout: float, affect: bool = False) -> None:
        trunk = nn.Sequential(
            Conv2dNormActivation(1, 64, 7, stride=2),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.LocalResponseNorm(5),
            FeatEx(64),
            nn.MaxPool2d(3, stride=2, padding=1),
            FeatEx(FeatEx.channels),
        )
        super().__init__(
            Trunk(trunk, FeatEx.channels), input_size=input_size, dropout=dropout, affect=affect
        )


class FeatEx(nn.Module):
    """A 3x3 convolution on reduced channels in parallel with max pooling and a 1x1 convolution."""

    channels = 208 + 64

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.convolved = nn.Sequential(
            Conv2dNormActivation(in_channels, 96, 1), Conv2dNormActivation(96, 208)
        )
        self.pooled = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), Conv2dNormActivation(in_channels, 64, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, 272, h, w)."""
        return torch.cat([self.convolved(features), self.pooled(features)], dim=1)
