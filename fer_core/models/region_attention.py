"""What networks with prior blocks share: a classifier for each region, and a learned attention over them."""

from collections.abc import Iterable, Mapping
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer_core.geometry import block, grid_side
from fer_core.labels import REGIONS
from fer_core.models.base import ClassifierHead, Network, NetworkOutput, pool


class RegionAttention(Network):
    """Regions of the face, each with its own linear classifier, weighted for each face.

    A softmax over the regions gives their attention weights. The logits are the weighted mean of the regions'
    logits, so every class score is exactly the sum of the evidence of each place in each region. Valence and
    arousal are weighted means too.

    Args:
        channels: channels of the last feature map.
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        attention_width: units of the hidden layer that scores a region.
        affect: whether it has a head for valence and arousal.
    """

    regions: tuple[str, ...] = REGIONS

    def __init__(
        self,
        channels: int,
        *,
        input_size: int,
        dropout: float,
        attention_width: int,
        affect: bool,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        self.classifiers = nn.ModuleDict(
            {r: ClassifierHead(channels, dropout, affect=affect) for r in self.regions}
        )
        self.scorers = nn.ModuleDict(
            {
                r: nn.Sequential(
                    nn.Linear(channels, attention_width), nn.Tanh(), nn.Linear(attention_width, 1)
                )
                for r in self.regions
            }
        )

    def head(
        self, features: Mapping[str, Tensor], *, hold_attention: bool = False
    ) -> NetworkOutput:
        pooled = {region: pool(features[region]) for region in self.regions}
        scores = torch.cat([self.scorers[r](pooled[r]) for r in self.regions], dim=1)
        attention = scores.float().softmax(dim=1)
        if hold_attention:
            attention = attention.detach()
        alone = {region: self.classifiers[region](pooled[region]) for region in self.regions}

        def fused(branches: list[Tensor]) -> Tensor:
            weights = torch.chunk(attention, len(self.regions), dim=1)
            return summed(b.float() * w for b, w in zip(branches, weights, strict=True))

        return NetworkOutput(
            logits=fused([heads.logits for heads in alone.values()]),
            votes=fused([heads.votes for heads in alone.values()]),
            features=features,
            region_attention=attention,
            region_heads=alone,
            affect=fused([heads.affect for heads in alone.values()]) if self.affect else None,
        )

    def evidence(self, output: NetworkOutput) -> Tensor:
        assert output.region_attention is not None
        region, branch = next(iter(output.features.items()))
        side = grid_side(region, branch.shape[-2])
        placed = []
        weights = torch.chunk(output.region_attention, len(self.regions), dim=1)
        for region, weight in zip(self.regions, weights, strict=True):
            rows, columns = block(region, side)
            head = self.classifiers[region]
            assert isinstance(head, ClassifierHead)
            branch = weight.reshape(-1, 1, 1, 1) * head.evidence(output.features[region])
            around = (columns.start, side - columns.stop, rows.start, side - rows.stop)
            placed.append(F.pad(branch, around))
        return summed(placed)


def summed(tensors: Iterable[Tensor]) -> Tensor:
    """Return the sum of tensors, one after the other: in a graph faster than stacking them."""
    return reduce(torch.add, tensors)
