"""``prior_blocks``: the eyes and the mouth alone, fused by a learned attention."""

from fer_core.models.prior_attention import PriorAttention
from fer_core.models.registry import register_network


@register_network("prior_blocks", description="eyes and mouth alone, weighted for each face")
class PriorBlocks(PriorAttention):
    """``PriorAttention`` without the whole face: what lies in neither block cannot count."""

    regions = ("upper", "lower")
