"""The methods on pytorch-grad-cam's classes, with raw maps of every branch of a network.

The library hooks target layers, cuts off what is negative and scales each map to 0..1. Here it gets
no layer to hook: activations and gradients come from a ``CutNetwork``, one branch at a time, and the
branches' maps are laid to their places and added as they are. Where its methods speak of a target
layer, that is the region of a branch.

Importing this module takes more than a second, since the library brings plotting along.
"""

# mypy: disable-error-code="misc"
# The library has no types, so its classes count as Any, which a strict check lets nobody subclass.

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from torch.nn import functional as F

from fer_core.explain.cut import CutNetwork
from fer_core.models.base import GREY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.regions import block, grid_side
from fer_core.types import Floats

Targets = Sequence[Callable[[Tensor], Tensor]]
"""One for each face: (N, 7) logits -> (N,) scores of the class that is explained."""


def compute(network: Network, faces: Tensor, index: int, method: str) -> Floats:
    """(h, w) raw map of class number ``index`` for (1, 1, S, S) grey values 0..255."""
    cam = CAMS[method](CutNetwork(network), [])
    return np.asarray(cam(faces, [ClassifierOutputTarget(index)]), np.float32)


class RawCAM(BaseCAM):
    """Keeps raw values and joins branches.

    Where gradients are used they carry the attention weight of a branch; other methods know nothing
    of it, so their maps are multiplied by it.
    """

    def compute_cam_per_layer(
        self, faces: Tensor, targets: Targets, eigen_smooth: bool
    ) -> dict[str, Floats]:
        """Region -> (h, w)."""
        maps = {}
        for region, leaf in self.model.leaves.items():
            activations = leaf.detach().cpu().numpy()
            gradients = leaf.grad.cpu().numpy() if self.uses_gradients else None
            weight = 1.0 if self.uses_gradients else float(self.model.attention[region])
            cam = self.get_cam_image(faces, region, targets, activations, gradients, eigen_smooth)
            maps[region] = weight * cam[0]
        return maps

    def aggregate_multi_layers(self, maps: Mapping[str, Floats]) -> Floats:
        """Lay each branch's map to its place on the grid of the whole face, and add them up."""
        region, branch = next(iter(maps.items()))
        side = grid_side(region, len(branch))
        summed = np.zeros((side, side), np.float32)
        for region, branch in maps.items():
            summed[block(region, side)] += branch
        return summed


class RawGradCAM(RawCAM, GradCAM):
    """Feature maps times the means of their gradients."""


class RawLayerCAM(RawCAM, LayerCAM):
    """Feature maps times their positive gradients, cell by cell."""


class RawHiResCAM(RawCAM, HiResCAM):
    """Feature maps times their gradients, cell by cell."""


class RawGradCAMPlusPlus(RawCAM, GradCAMPlusPlus):
    """Feature maps times weighted means of their positive gradients."""

    def get_cam_weights(
        self,
        faces: Tensor,
        region: str,
        targets: Targets,
        activations: Floats,
        grads: Floats,
    ) -> Floats:
        """(N, C) by equations 5 and 19 of the paper, in which the square of the gradient cancels.

        The library keeps the square and adds 1e-6 to the denominator against division by zero. Behind
        a global average gradients are so small that this would decide the weights.
        """
        positive = np.maximum(grads, 0)
        total = activations.sum(axis=(2, 3), keepdims=True)
        return np.asarray((positive / (2 + total * positive)).sum(axis=(2, 3)), np.float32)


class RawEigenCAM(RawCAM, EigenCAM):
    """The first principal component of a branch's feature maps.

    A component has no sign of its own: here it is positive where the feature maps are, on the whole,
    stronger than in the rest of the branch.
    """

    def get_cam_image(
        self,
        faces: Tensor,
        region: str,
        targets: Targets,
        activations: Floats,
        grads: None,
        eigen_smooth: bool,
    ) -> Floats:
        """(N, h, w), each adding up to zero."""
        component = super().get_cam_image(faces, region, targets, activations, grads, eigen_smooth)
        agreement = (component * activations.mean(axis=1)).sum(axis=(1, 2), keepdims=True)
        return np.asarray(np.where(agreement < 0, -component, component), np.float32)


class RawScoreCAM(RawCAM, ScoreCAM):
    """Feature maps times the softmax, over the channels of a branch, of the score each one keeps.

    The library stretches every feature map over the whole input. Here a mask lies where the block of
    its branch lies, and what it hides takes the mean grey of the training images.
    """

    def get_cam_weights(
        self,
        faces: Tensor,
        region: str,
        targets: Targets,
        activations: Floats,
        grads: None,
    ) -> Floats:
        """(1, C), adding up to 1."""
        hidden = 255 * GREY_MEAN
        scores = []
        with torch.inference_mode():
            for masks in self.masks(activations[0], region, faces.shape[-1]):
                masked = hidden + masks.to(self.device) * (faces - hidden)
                scores.append(targets[0](self.model.network(masked).logits).float())
            weights = torch.cat(scores).softmax(dim=0)
        return np.asarray(weights.cpu().numpy()[None], np.float32)

    def masks(self, channels: Floats, region: str, size: int) -> Iterator[Tensor]:
        """(C, h, w) feature maps -> batches of (B, 1, S, S) masks, 0..1, zero outside the block."""
        rows, columns = block(region, size)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        for batch in torch.split(torch.from_numpy(channels)[:, None], BATCH):
            fine = F.interpolate(batch, shape, mode="bilinear")
            low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
            masks = torch.zeros(len(batch), 1, size, size)
            masks[:, :, rows, columns] = (fine - low) / (high - low).clamp_min(1e-8)
            yield masks


CAMS: Final[Mapping[str, type[RawCAM]]] = {
    "gradcam": RawGradCAM,
    "gradcam++": RawGradCAMPlusPlus,
    "layercam": RawLayerCAM,
    "hirescam": RawHiResCAM,
    "eigencam": RawEigenCAM,
    "scorecam": RawScoreCAM,
}
"""Name of a method -> its class."""
