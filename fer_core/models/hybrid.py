"""``hybrid``: learned and hand-made features in one network."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fer_core.models.base import ClassifierHead, Network, NetworkOutput, Trunk, normalize, pool
from fer_core.models.descriptors import (
    HOG_CELLS,
    HOG_CHANNELS,
    POINT_FEATURES,
    USES_HOG,
    describe_points,
    find_points,
    hog,
)
from fer_core.models.registry import register_network
from fer_core.models.simple_cnn import stacked


@register_network("hybrid", description="convolutions, gradients and landmarks together")
class Hybrid(Network):
    """Convolutions, histograms of gradients and landmarks, joined before the last layer.

    All three lie on one grid of 6x6 cells, so that a map shows the evidence of the first two in its place.
    Landmark features have no place and are spread evenly over the grid.

    Args:
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        widths: channels of the stages of the convolutional branch.
        width: units of the layer over each kind of hand-made features.
        affect: whether it has a head for valence and arousal.
    """

    unexportable = USES_HOG

    def __init__(
        self,
        *,
        input_size: int,
        dropout: float,
        widths: Sequence[int] = (16, 32, 64, 128),
        width: int = 96,
        affect: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.backbone = stacked(widths)
        self.parts = [self.backbone.channels, HOG_CHANNELS, POINT_FEATURES]
        self.gradients = description_layers(HOG_CHANNELS * HOG_CELLS**2, width, dropout)
        self.shape = description_layers(POINT_FEATURES, width, dropout)
        self.classifier = ClassifierHead(self.backbone.channels + 2 * width, dropout, affect=affect)

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        learned = self.backbone(normalize(faces))
        faces = faces.detach()  # hand-made features have no gradient
        shape = describe_points(find_points(faces))
        spread = shape[..., None, None].expand(-1, -1, *learned.shape[2:]) / learned[0, 0].numel()
        return {"face": torch.cat([learned, hog(faces), spread], dim=1)}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        learned, gradients, shape = torch.split(features["face"], self.parts, dim=1)
        joined = [
            pool(learned),
            self.gradients(gradients.flatten(1)),
            self.shape(shape.sum((2, 3))),
        ]
        logits, votes, affect = self.classifier(torch.cat(joined, dim=1))
        return NetworkOutput(logits=logits, votes=votes, features=features, affect=affect)


def description_layers(inputs: int, width: int, dropout: float) -> nn.Module:
    """Build the layers from hand-made features of any scale to (N, width)."""
    return nn.Sequential(
        nn.BatchNorm1d(inputs, affine=False),
        nn.Dropout(dropout),
        nn.Linear(inputs, width),
        nn.BatchNorm1d(width),
        nn.ReLU(inplace=True),
    )
