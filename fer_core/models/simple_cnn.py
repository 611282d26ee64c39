"""``simple_cnn``: a plain stack of convolutions with pooling in between."""

from collections.abc import Sequence

from torch import nn
from torchvision.ops import Conv2dNormActivation

from fer_core.models.base import PooledNetwork, Trunk
from fer_core.models.registry import register_network


@register_network("simple_cnn", description="a plain stack of convolutions")
class SimpleCNN(PooledNetwork):
    """Stages of two 3x3 convolutions with batch norm and ReLU, max pooling between the stages, after VGG
    (Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556).

    Args:
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        widths: channels of each stage.
        stage_dropout: probability of dropout of whole maps between the stages (Tompson et al. 2015).
        affect: whether it has a head for valence and arousal.
    """

    def __init__(
        self,
        *,
        input_size: int,
        dropout: float,
        widths: Sequence[int] = (24, 48, 96, 192),
        stage_dropout: float = 0.0,
        affect: bool = False,
    ) -> None:
        trunk = stacked(widths, dropout=stage_dropout)
        super().__init__(trunk, input_size=input_size, dropout=dropout, affect=affect)


def stacked(widths: Sequence[int], in_channels: int = 1, *, dropout: float = 0.0) -> Trunk:
    """Build a trunk of two convolutions for each width, which halves the map between widths and may drop
    whole maps there."""
    layers: list[nn.Module] = []
    channels = in_channels
    for width in widths:
        if layers:
            layers.append(nn.MaxPool2d(2))
            layers += [nn.Dropout2d(dropout)] if dropout else []
        layers.append(Conv2dNormActivation(channels, width))
        layers.append(Conv2dNormActivation(width, width))
        channels = width
    return Trunk(nn.Sequential(*layers), channels)
