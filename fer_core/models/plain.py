"""``plain``: a timm backbone over the whole face, pooling + linear."""

from collections.abc import Mapping

from torch import Tensor

from fer_core.models.base import Backbone, Classifier, Network, NetworkOutput, normalise, pool
from fer_core.models.registry import register_network


@register_network("plain")
class Plain(Network):
    """Pooling + linear over one feature map, so Grad-CAM is the class activation map exactly."""

    def __init__(self, *, backbone: Mapping[str, object], input_size: int, dropout: float) -> None:
        super().__init__()
        self.input_size = input_size
        self.backbone = Backbone(**backbone)  # type: ignore[arg-type]
        self.classifier = Classifier(self.backbone.channels, dropout)

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        return {"face": self.backbone(normalise(faces))}

    def head(self, features: Mapping[str, Tensor], *, hold_attention: bool = False) -> NetworkOutput:
        logits, votes = self.classifier(pool(features["face"]))
        return NetworkOutput(logits=logits, votes=votes, features=features)

    def evidence(self, output: NetworkOutput) -> Tensor:
        return self.classifier.evidence(output.features["face"])
