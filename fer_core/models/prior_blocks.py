"""``prior_blocks``: the blocks of eyes and mouth only, combined by a learned attention."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor, nn

from fer_core.geometry import block
from fer_core.models.base import Backbone, Trunk, normalize
from fer_core.models.region_attention import RegionAttention
from fer_core.models.registry import register_network


@register_network("prior_blocks", description="eyes and mouth alone, weighted for each face")
class PriorBlocks(RegionAttention):
    """Blocks that are cut out of the face before the network, as in the project on prior attention.

    The branches share every convolution and have their own batch norms, since gray values of an eye block
    and of a face are distributed differently.

    Args:
        backbone: arguments of ``Backbone``.
        input_size: side of the aligned square, in pixels.
        dropout: probability of dropout before the linear layers.
        attention_width: units of the hidden layer that scores a region.
        affect: whether it has a head for valence and arousal.
        regions: the branches; with ``face`` the whole face is one of them.
    """

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        attention_width: int = 64,
        affect: bool = False,
        regions: Sequence[str] = ("upper", "lower"),
    ) -> None:
        self.regions = tuple(regions)
        backbones = [Backbone(**backbone) for _ in self.regions]
        share_convolutions(backbones)
        super().__init__(
            backbones[0].channels,
            input_size=input_size,
            dropout=dropout,
            attention_width=attention_width,
            affect=affect,
        )
        self.backbones = nn.ModuleDict(dict(zip(self.regions, backbones, strict=True)))

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


def share_convolutions(backbones: Sequence[nn.Module]) -> None:
    """Make networks of one architecture share the convolutions of the first."""
    first, *others = backbones
    for name, module in list(first.named_modules()):
        if isinstance(module, nn.Conv2d):
            for other in others:
                other.set_submodule(name, module)
