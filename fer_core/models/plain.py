"""``plain``: a timm backbone over the whole face, pooling + linear."""

from collections.abc import Mapping
from typing import Any

from fer_core.models.base import Backbone, PooledNetwork
from fer_core.models.registry import register_network


@register_network("plain", description="a small residual network over the whole face")
class Plain(PooledNetwork):
    """A ``PooledNetwork`` over a timm architecture whose parts run one after the other."""

    def __init__(
        self,
        *,
        backbone: Mapping[str, Any],
        input_size: int,
        dropout: float,
        affect: bool = False,
    ) -> None:
        super().__init__(
            Backbone(**backbone), input_size=input_size, dropout=dropout, affect=affect
        )
