"""A network cut open at its feature maps, so that one call can differentiate there.

A network is shared by every viewer, so nothing may be hooked onto it or left in it. The feature maps
of one call become leaves of a graph that belongs to this call alone: their gradients are read from
the leaves, and the network's frozen parameters collect none.
"""

import torch
from torch import Tensor, nn

from fer_core.models.base import Network


class CutNetwork(nn.Module):
    """Faces to class scores, keeping the feature maps of the last call.

    Attention weights are held constant, so a gradient is that of the evidence alone.

    Args:
        network: shared; in eval mode, and its parameters need no gradient.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.leaves: dict[str, Tensor] = {}
        """Region -> (N, C, h, w) feature map; after a backward pass with its gradient."""
        self.attention: dict[str, Tensor] = {}
        """Region -> (N,) weight of its branch; 1 where the network has no region attention."""

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 1, S, S) grey values 0..255 -> (N, 7) logits."""
        with torch.no_grad():
            features = self.network.features(faces)
        self.leaves = {r: maps.detach().requires_grad_() for r, maps in features.items()}
        output = self.network.head(self.leaves, hold_attention=True)
        attention = output.region_attention
        if attention is None:
            attention = torch.ones(len(faces), len(features))
        self.attention = dict(zip(features, attention.detach().T, strict=True))
        return output.logits
