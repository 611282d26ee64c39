"""``emonet_baseline``, ``emonet_self_attention`` and ``emonet_multihead``: networks on the trunk of the
landmark network, as EmoNet extends a face alignment network (Toisoul et al. 2021,
https://doi.org/10.1038/s42256-020-00280-0)."""

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from fer_core.models.base import NetworkOutput, pool
from fer_core.models.plain import Plain
from fer_core.models.registry import register_network

WIDTH = 48
"""Channels of queries, keys and values, all heads together."""


@register_network(
    "emonet_baseline", description="the landmark network's trunk with a new last layer"
)
class EmoNetBaseline(Plain):
    """The landmark network's trunk with a new classification head."""


@register_network(
    "emonet_self_attention",
    description="the landmark network's trunk with attention between places",
)
class EmoNetSelfAttention(EmoNetBaseline):
    """Scaled dot-product attention between the places of the feature map (Vaswani et al. 2017,
    https://arxiv.org/abs/1706.03762).

    Args:
        backbone: arguments of ``Backbone``.
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        heads: number of attention heads, each on its share of the channels.
        patch: side of a place, in cells of the feature map.
        affect: whether it has a head for valence and arousal.
    """

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        heads: int = 1,
        patch: int = 1,
        affect: bool = False,
    ) -> None:
        super().__init__(backbone=backbone, input_size=input_size, dropout=dropout, affect=affect)
        self.heads = heads
        self.patch = patch
        channels = self.backbone.channels
        self.query, self.key, self.value = (nn.Linear(channels, WIDTH) for _ in range(3))
        self.join = nn.Linear(WIDTH, channels)

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        feature_map = features["face"]
        patches = F.avg_pool2d(feature_map, self.patch, ceil_mode=True)
        places = patches.flatten(2).mT  # (N, places, C)
        query, key, value = (
            part(places).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        similarity = query @ key.mT / query.shape[-1] ** 0.5  # (N, heads, places, places)
        weights = similarity.float().softmax(dim=-1)
        if hold_attention:
            weights = weights.detach()
        attended = (weights.to(value.dtype) @ value).transpose(1, 2).flatten(2)
        # Places are averaged anyway, so the mean of the attended values is added to the average.
        pooled = pool(feature_map) + self.join(attended).mean(1)
        logits, votes, affect = self.classifier(pooled)
        attention = weights.mean(2).unflatten(2, patches.shape[2:])  # mean weight of a place
        return NetworkOutput(
            logits=logits,
            votes=votes,
            features=features,
            affect=affect,
            attention=attention[:, 0] if self.heads == 1 else attention,
        )

    def evidence(self, output: NetworkOutput) -> None:
        return None


@register_network(
    "emonet_multihead", description="the landmark network's trunk, several attentions over patches"
)
class EmoNetMultihead(EmoNetSelfAttention):
    """Self-attention with several heads, over patches of 16x16 pixels."""
