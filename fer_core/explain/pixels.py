"""Maps of single pixels, by Captum (Kokhlikyan et al. 2020, https://arxiv.org/abs/2009.07896)."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn

from fer_core.explain.method import Method
from fer_core.models.base import GRAY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats

STEPS: Final = 32
"""Pictures on the way from the gray square to the face."""


class _Scores(nn.Module):
    """A network as Captum expects it: faces in, class scores out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, faces: Tensor) -> Tensor:
        logits: Tensor = self.network(faces).logits
        return logits


def guided_backprop(
    network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
) -> Floats:
    """Return (K, S, S) gradients of class scores, with negative values stopped at every ReLU."""
    from captum.attr import GuidedBackprop  # not before it is needed: it takes a second

    copy = deepcopy(network)  # Captum hooks onto it
    for module in copy.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    inputs, targets = _repeated(faces, indices)
    with catch_warnings():
        simplefilter("ignore")  # of the hooks
        guided = GuidedBackprop(_Scores(copy))
        return _to_maps(guided.attribute(inputs.requires_grad_(), target=targets))


GUIDED_BACKPROP: Final = Method(
    name="guided_backprop",
    title="Guided backpropagation",
    sentence="Follows the score back to the pixels, and lets only what is positive pass on its way.",
    caution="Its maps are fine and show edges; they hardly change with the class, or when the "
    "network forgets what it learned.",
    formula=r"L^c_{p} = \frac{\partial y^c}{\partial x_p}, \quad \text{negative values stopped "
    r"at every ReLU}",
    paper="Springenberg et al. 2015, https://arxiv.org/abs/1412.6806",
    looks_at="pixels",
    class_dependent=True,
    signed=True,
    needs_backward=True,
    fast=False,
    compute=guided_backprop,
)


def integrated_gradients(
    network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
) -> Floats:
    """Return (K, S, S) integrated gradients of class scores, from the mean gray of the training images."""
    from captum.attr import IntegratedGradients  # not before it is needed: it takes a second

    inputs, targets = _repeated(faces, indices)
    attributions = IntegratedGradients(_Scores(network)).attribute(
        inputs,
        torch.full_like(inputs, 255 * GRAY_MEAN),
        target=targets,
        n_steps=STEPS,
        internal_batch_size=BATCH,
    )
    return _to_maps(attributions)


INTEGRATED_GRADIENTS: Final = Method(
    name="integrated_gradients",
    title="Integrated gradients",
    sentence="Fades from a gray square to the face, and adds up what each pixel does to the "
    "score on the way.",
    caution="Its pixels add up to the difference of both scores exactly; it depends on what one "
    "fades from.",
    formula=r"L^c_{p} = (x_p - x'_p) \int_0^1 \frac{\partial y^c(x' + \alpha (x - x'))}{\partial "
    r"x_p}\, d\alpha",
    paper="Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365",
    looks_at="pixels",
    class_dependent=True,
    signed=True,
    needs_backward=True,
    fast=False,
    compute=integrated_gradients,
)


def _repeated(faces: Tensor, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the face once for each class, (K, 1, S, S) float32, and (K,) class numbers."""
    return (
        faces.float().repeat(len(indices), 1, 1, 1),
        torch.tensor(indices, device=faces.device),
    )


def _to_maps(attributions: Tensor) -> Floats:
    """Return (K, 1, S, S) attributions as (K, S, S) float32."""
    maps: Floats = attributions[:, 0].detach().float().cpu().numpy()
    return maps
