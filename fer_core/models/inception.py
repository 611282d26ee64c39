"""``inception``: convolutions of several sizes in parallel."""

import torch
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from fer_core.models.base import PooledNetwork, Trunk
from fer_core.models.registry import register_network


@register_network("inception", description="a small GoogLeNet: several filter sizes at once")
class Inception(PooledNetwork):
    """A small GoogLeNet with batch norm (Szegedy et al. 2015, https://arxiv.org/abs/1409.4842)."""

    def __init__(self, *, input_size: int, dropout: float, affect: bool = False) -> None:
        trunk = nn.Sequential(
            Conv2dNormActivation(1, 32),
            nn.MaxPool2d(2),
            Conv2dNormActivation(32, 64),
            InceptionBlock(64, 96),
            nn.MaxPool2d(2),
            InceptionBlock(96, 160),
            InceptionBlock(160, 160),
            nn.MaxPool2d(2),
            InceptionBlock(160, 256),
            InceptionBlock(256, 256),
        )
        super().__init__(Trunk(trunk, 256), input_size=input_size, dropout=dropout, affect=affect)


class InceptionBlock(nn.Module):
    """1x1, 3x3 and 5x5 convolutions and max pooling, in parallel.

    Their shares of the output channels are those of GoogLeNet's first block. The 5x5 convolution is two 3x3
    ones (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).

    Args:
        in_channels: channels of the input.
        channels: channels of the output; a multiple of 8.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        quarter, eighth = channels // 4, channels // 8
        self.branches = nn.ModuleList(
            [
                Conv2dNormActivation(in_channels, quarter, 1),
                nn.Sequential(
                    Conv2dNormActivation(in_channels, 3 * eighth, 1),
                    Conv2dNormActivation(3 * eighth, 2 * quarter),
                ),
                nn.Sequential(
                    Conv2dNormActivation(in_channels, eighth, 1),
                    Conv2dNormActivation(eighth, eighth),
                    Conv2dNormActivation(eighth, eighth),
                ),
                nn.Sequential(
                    nn.MaxPool2d(3, stride=1, padding=1),
                    Conv2dNormActivation(in_channels, eighth, 1),
                ),
            ]
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, channels, h, w)."""
        return torch.cat([branch(features) for branch in self.branches], dim=1)
