"""Maps of single pixels, by Captum (Kokhlikyan et al. 2020, https://arxiv.org/abs/2009.07896)."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final
from warnings import catch_warnings, simplefilter

import torch
from captum.attr import GuidedBackprop, IntegratedGradients
from torch import Tensor, nn

from fer_core.models.base import GREY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats

STEPS: Final = 32
"""Pictures on the way from the grey square to the face."""


class _Scores(nn.Module):
    """Faces to class scores, as Captum wants a model."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> Tensor:
        logits: Tensor = self.network(faces).logits
        return logits


def pixel_maps(network: Network, faces: Tensor, indices: Sequence[int], method: str) -> Floats:
    """(K, S, S) maps of classes for (1, 1, S, S) grey values 0..255."""
    several = faces.float().repeat(len(indices), 1, 1, 1)
    targets = torch.tensor(indices, device=faces.device)
    if method == "integrated_gradients":
        found = IntegratedGradients(_Scores(network)).attribute(
            several,
            torch.full_like(several, 255 * GREY_MEAN),
            target=targets,
            n_steps=STEPS,
            internal_batch_size=BATCH,
        )
    else:
        own = deepcopy(network)  # Captum hooks onto it
        for module in own.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
        with catch_warnings():
            simplefilter("ignore")  # of the hooks
            guided = GuidedBackprop(_Scores(own))
            found = guided.attribute(several.requires_grad_(), target=targets)
    maps: Floats = found[:, 0].detach().float().cpu().numpy()
    return maps
