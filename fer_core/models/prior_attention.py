"""``prior_attention``: the face and its two prior blocks, combined by a learned attention."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from fer_core.geometry import block
from fer_core.models.base import Backbone, Trunk, normalize
from fer_core.models.region_attention import RegionAttention
from fer_core.models.registry import register_network


@register_network("prior_attention", description="face, eyes and mouth, weighted for each face")
class PriorAttention(RegionAttention):
    """One backbone over the face; the prior blocks are cut from its last feature map.

    Blocks that run through the backbone by themselves (``prior_blocks``) cost as much again as the face.

    Args:
        backbone: arguments of ``Backbone``. The side of its last map is a multiple of six.
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        attention_width: units of the hidden layer that scores a region.
        affect: whether it has a head for valence and arousal.
    """

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        attention_width: int = 32,
        affect: bool = False,
    ) -> None:
        trunk = Backbone(**backbone)
        super().__init__(
            trunk.channels,
            input_size=input_size,
            dropout=dropout,
            attention_width=attention_width,
            affect=affect,
        )
        self.backbone = trunk

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {"face": self.backbone}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        face_map = self.backbone(normalize(faces))
        blocks = {region: block(region, face_map.shape[-1]) for region in self.regions}
        return {region: face_map[:, :, rows, columns] for region, (rows, columns) in blocks.items()}
