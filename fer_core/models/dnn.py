"""``dnn``: two convolutions and two fully connected layers, without global pooling."""

from collections.abc import Mapping

from torch import Tensor, nn

from fer_core.models.base import ClassifierHead, Network, NetworkOutput, Trunk, normalize
from fer_core.models.registry import register_network

WIDTH = 64
"""Channels of both convolutions."""


@register_network("dnn", description="the network of a well-known beginners' tutorial")
class DNN(Network):
    """The network of TensorFlow's CIFAR-10 tutorial with a 3x3 second convolution.

    Local response normalization follows each convolution and its pooling (Krizhevsky et al. 2012), then
    fully connected layers of 384 and 192. These are nonlinear and have weights for every cell, so a class
    score is not a sum of evidence over places.
    """

    def __init__(self, *, input_size: int, dropout: float, affect: bool = False) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.backbone = Trunk(
            nn.Sequential(
                nn.Conv2d(1, WIDTH, 5, padding=2),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, stride=2, padding=1),
                response_norm(),
                nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(3, stride=2, padding=1),
                response_norm(),
            ),
            WIDTH,
        )
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(WIDTH * (input_size // 4) ** 2, 384),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(384, 192),
            nn.ReLU(inplace=True),
        )
        self.classifier = ClassifierHead(192, dropout, affect=affect)

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalize(faces))}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        logits, votes, affect = self.classifier(self.layers(features["face"]))
        return NetworkOutput(logits=logits, votes=votes, features=features, affect=affect)


def response_norm() -> nn.Module:
    """Build local response normalization with the tutorial's constants; PyTorch divides alpha by the size."""
    return nn.LocalResponseNorm(9, alpha=0.001, beta=0.75, k=1.0)
