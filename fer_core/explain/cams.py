"""Class activation maps: the feature maps of a layer, weighed for each class.

The formulas are those of the papers in ``methods.py``, without the scaling and the cutting off of negative
cells that other libraries do at the end. Maps of a network of several branches are laid to their places and
added as they are. Gradients carry the attention weight of a branch; methods without gradients know nothing
of it, so their maps are multiplied by it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fer_core.explain.layers import SplitNetwork
from fer_core.geometry import block, grid_side
from fer_core.models.base import GREY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats


def class_maps(
    network: Network, faces: Tensor, indices: Sequence[int], method: str, layer: int | None = None
) -> Floats:
    """(K, h, w) raw maps of classes for (1, 1, S, S) grey values 0..255, from one pass to the layer."""
    cut = SplitNetwork(network, layer)
    maps = cut.maps(faces)
    if method in BY_GRADIENT:
        leaves = {region: each.requires_grad_() for region, each in maps.items()}
        logits = cut.output(faces, leaves).logits[0]
        gradients = [
            torch.autograd.grad(logits[index], list(leaves.values()), retain_graph=True)
            for index in indices
        ]
        stacked = [torch.cat(of_branch) for of_branch in zip(*gradients, strict=True)]
        branches = {
            region: BY_GRADIENT[method](leaf.detach()[0], gradient)
            for (region, leaf), gradient in zip(leaves.items(), stacked, strict=True)
        }
        return _joined(branches)
    with torch.inference_mode():
        output = cut.output(faces, maps)
        branches = {}
        for number, (region, own) in enumerate(maps.items()):
            share = 1 if output.region_attention is None else output.region_attention[0, number]
            if method == "eigencam":
                branch = principal(own[0]).expand(len(indices), -1, -1)
            else:
                scores = BY_SCORE[method](cut, faces, maps, region)[:, indices]
                branch = torch.einsum("chw,ck->khw", own[0], scores)
            branches[region] = share * branch
        return _joined(branches)


def _joined(branches: Mapping[str, Tensor]) -> Floats:
    """Lay each branch's (K, h, w) maps to their place on the grid of the whole face, and add them up."""
    region, branch = next(iter(branches.items()))
    side = grid_side(region, branch.shape[1])
    summed = branch.new_zeros(len(branch), side, side)
    for region, branch in branches.items():
        rows, columns = block(region, side)
        summed[:, rows, columns] += branch
    found: Floats = summed.float().cpu().numpy()
    return found


# By gradients: (C, h, w) feature maps and (K, C, h, w) gradients of the class scores -> (K, h, w) --------


def gradcam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Feature maps times the means of their gradients."""
    return torch.einsum("chw,kc->khw", maps, gradients.mean((2, 3)))


def gradcam_plus_plus(maps: Tensor, gradients: Tensor) -> Tensor:
    """Feature maps times weighted means of their positive gradients: equations 5 and 19 of the paper, in
    which the square of the gradient cancels.

    Other libraries keep the square and add a little to the denominator against division by zero. Behind a
    global average gradients are so small that this would decide the weights.
    """
    positive = gradients.clamp_min(0)
    total = maps.sum((1, 2)).clamp_min(0)[
        :, None, None
    ]  # the paper takes it for granted after a ReLU
    return torch.einsum("chw,kc->khw", maps, (positive / (2 + total * positive)).sum((2, 3)))


def layercam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Feature maps times their positive gradients, cell by cell."""
    return (maps * gradients.clamp_min(0)).sum(1)


def hirescam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Feature maps times their gradients, cell by cell."""
    return (maps * gradients).sum(1)


# Without gradients ---------------------------------------------------------------------------------------


def principal(maps: Tensor) -> Tensor:
    """(h, w) the first principal component of (C, h, w) feature maps, adding up to zero.

    A component has no sign of its own: here it is positive where the feature maps are, on the whole, stronger
    than in the rest of the branch.
    """
    cells = maps.flatten(1).T
    centred = cells - cells.mean(0)
    component = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[0]
    sign = torch.where(component @ cells.mean(1) < 0, -1, 1)
    found: Tensor = (sign * component).reshape(maps.shape[1:])
    return found


def kept_scores(
    cut: SplitNetwork, faces: Tensor, maps: Mapping[str, Tensor], region: str
) -> Tensor:
    """(C, 7), over the channels of a branch the softmax of the score that each one keeps.

    The paper stretches every feature map over the whole input. Here a mask lies where the block of its branch
    lies, and what it hides takes the mean grey of the training images.
    """
    hidden = 255 * GREY_MEAN
    scores = [
        cut.network(hidden + mask * (faces - hidden)).logits.float()
        for mask in masks(maps[region][0], region, faces.shape[-1])
    ]
    return torch.cat(scores).softmax(dim=0)


def masks(channels: Tensor, region: str, size: int) -> Iterator[Tensor]:
    """(C, h, w) feature maps -> batches of (B, 1, S, S) masks, 0..1, zero outside the block."""
    rows, columns = block(region, size)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    for batch in torch.split(channels[:, None], BATCH):
        fine = F.interpolate(batch, shape, mode="bilinear")
        low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
        laid = fine.new_zeros(len(batch), 1, size, size)
        laid[:, :, rows, columns] = (fine - low) / (high - low).clamp_min(1e-8)
        yield laid


def lost_scores(
    cut: SplitNetwork, faces: Tensor, maps: Mapping[str, Tensor], region: str
) -> Tensor:
    """(C, 7) what the scores lose without each channel of a branch, the others as they were."""
    whole = cut.output(faces, maps).logits
    lost = []
    for channels in torch.split(torch.arange(maps[region].shape[1]), BATCH):
        several = {name: own.repeat(len(channels), 1, 1, 1) for name, own in maps.items()}
        several[region][torch.arange(len(channels)), channels] = 0
        without = cut.output(faces.expand(len(channels), -1, -1, -1), several)
        lost.append((whole - without.logits).float())
    return torch.cat(lost)


BY_GRADIENT: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "layercam": layercam,
    "hirescam": hirescam,
}
BY_SCORE: Final[
    Mapping[str, Callable[[SplitNetwork, Tensor, Mapping[str, Tensor], str], Tensor]]
] = {
    "scorecam": kept_scores,
    "ablationcam": lost_scores,
}
