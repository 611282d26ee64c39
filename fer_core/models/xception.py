"""``xception``: residual blocks of depthwise separable convolutions."""

from timm.models.xception import Block, SeparableConv2d
from torch import nn
from torchvision.ops import Conv2dNormActivation

from fer_core.models.base import PooledNetwork, Trunk
from fer_core.models.registry import register_network


@register_network("xception", description="a small Xception: filters that treat each channel alone")
class Xception(PooledNetwork):
    """Entry, middle and exit flow of Xception (Chollet 2017, https://arxiv.org/abs/1610.02357), about
    as small as mini-Xception for faces (Arriaga et al. 2017, https://arxiv.org/abs/1710.07557).

    The stem keeps the full resolution, since a face has 48 pixels instead of 299.
    """

    def __init__(self, *, input_size: int, dropout: float, affect: bool = False) -> None:
        trunk = nn.Sequential(
            Conv2dNormActivation(1, 16),
            Conv2dNormActivation(16, 24),
            Block(24, 48, reps=2, strides=2, start_with_relu=False),
            Block(48, 128, reps=2, strides=2),
            Block(128, 128, reps=3),
            Block(128, 128, reps=3),
            Block(128, 256, reps=2, strides=2, grow_first=False),
            SeparableConv2d(256, 512, kernel_size=3, padding=1),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
        )
        super().__init__(Trunk(trunk, 512), input_size=input_size, dropout=dropout, affect=affect)
