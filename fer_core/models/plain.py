"""``plain``: a timm backbone over the whole face, pooling + linear."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from fer_core.models.base import Backbone, ClassifierHead, Network, NetworkOutput, normalise, pool
from fer_core.models.registry import register_network


@register_network("plain")
class Plain(Network):
    """Pooling + linear over one feature map, so Grad-CAM is the class activation map exactly."""

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        affect: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.backbone = Backbone(**backbone)
        self.classifier = ClassifierHead(self.backbone.channels, dropout, affect=affect)

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalise(faces))}

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        logits, votes, affect = self.classifier(pool(features["face"]))
        return NetworkOutput(logits=logits, votes=votes, features=features, affect=affect)

    def evidence(self, output: NetworkOutput) -> Tensor:
        return self.classifier.evidence(output.features["face"])
