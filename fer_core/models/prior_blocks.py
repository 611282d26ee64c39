"""``prior_blocks``: the blocks of eyes and mouth only, combined by a learned attention."""

from fer_core.models.prior_attention import PriorAttention
from fer_core.models.registry import register_network


@register_network("prior_blocks", description="eyes and mouth alone, weighted for each face")
class PriorBlocks(PriorAttention):
    """``PriorAttention`` without the branch of the whole face, as an ablation."""

    regions = ("upper", "lower")
