"""``prior_attention``: the face and its two prior blocks, combined by a learned attention."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from fer_core.geometry import block, grid_side
from fer_core.labels import REGIONS
from fer_core.models.base import (
    Backbone,
    ClassifierHead,
    Network,
    NetworkOutput,
    Trunk,
    normalize,
    pool,
)
from fer_core.models.registry import register_network


@register_network("prior_attention", description="face, eyes and mouth, weighted for each face")
class PriorAttention(Network):
    """Three branches over one shared backbone: face, eyes + brows, mouth.

    The branches share every convolution and have their own batch norms, since gray values of an eye block
    and of a face are distributed differently.

    Each branch has its own linear classifier; a softmax over the three regions gives their attention
    weights for this face. The logits are the weighted mean of the branches' logits, so every class score is
    exactly the sum of the evidence of each place in each region. Valence and arousal are weighted means too.

    Args:
        backbone: arguments of ``Backbone``.
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        attention_width: units of the hidden layer that scores a region.
        affect: whether it has a head for valence and arousal.
    """

    regions: tuple[str, ...] = REGIONS

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        attention_width: int = 64,
        affect: bool = False,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.affect = affect
        backbones = [Backbone(**backbone) for _ in self.regions]
        share_convolutions(backbones)
        channels = backbones[0].channels
        self.backbones = nn.ModuleDict(dict(zip(self.regions, backbones, strict=True)))
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

    @property
    def trunks(self) -> dict[str, Trunk]:
        return {region: cast(Trunk, self.backbones[region]) for region in self.regions}

    def features(self, faces: Tensor) -> dict[str, Tensor]:
        faces = normalize(faces)
        maps = {}
        for region in self.regions:
            rows, columns = block(region, faces.shape[-1])
            maps[region] = self.backbones[region](faces[:, :, rows, columns])
        return maps

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
            return torch.einsum("nrk,nr->nk", torch.stack(branches, dim=1).float(), attention)

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
        summed = branch.new_zeros(*output.logits.shape, side, side)
        for region, weight in zip(self.regions, output.region_attention.T, strict=True):
            rows, columns = block(region, side)
            head = self.classifiers[region]
            assert isinstance(head, ClassifierHead)
            branch = head.evidence(output.features[region])
            summed[:, :, rows, columns] += weight[:, None, None, None] * branch
        return summed


def share_convolutions(backbones: Sequence[nn.Module]) -> None:
    """Make networks of one architecture share the convolutions of the first."""
    first, *others = backbones
    for name, module in list(first.named_modules()):
        if isinstance(module, nn.Conv2d):
            for other in others:
                other.set_submodule(name, module)
