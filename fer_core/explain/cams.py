"""Class activation maps: the feature maps of a layer, weighted for each class.

The formulas are those of the papers, without the scaling and the clipping of negative cells that other
libraries do at the end. Maps of a network with several branches are laid to their places and added as they
are. Gradients carry the attention weight of a branch; methods without gradients do not, so their maps are
multiplied by it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from fer_core.explain.layers import SplitNetwork
from fer_core.explain.method import Compute, Method
from fer_core.geometry import block, grid_side
from fer_core.models.base import GRAY_MEAN, Network
from fer_core.models.classifier import BATCH
from fer_core.types import Floats

# Weighted by gradients --------------------------------------------------------------------------------


def by_gradients(combine: Callable[[Tensor, Tensor], Tensor]) -> Compute:
    """Return a method's ``compute`` from its formula.

    Args:
        combine: (C, h, w) feature maps, (K, C, h, w) gradients of the class scores -> (K, h, w) maps.
    """

    def compute(
        network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
    ) -> Floats:
        split = SplitNetwork(network, layer)
        leaves = {name: each.requires_grad_() for name, each in split.maps(faces).items()}
        logits = split.output(faces, leaves).logits[0]
        gradients = [
            torch.autograd.grad(logits[index], list(leaves.values()), retain_graph=True)
            for index in indices
        ]
        stacked = [torch.cat(of_branch) for of_branch in zip(*gradients, strict=True)]
        return _joined(
            {
                region: combine(leaf.detach()[0], gradient)
                for (region, leaf), gradient in zip(leaves.items(), stacked, strict=True)
            }
        )

    return compute


def gradcam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Multiply feature maps by the means of their gradients."""
    return torch.einsum("chw,kc->khw", maps, gradients.mean((2, 3)))


GRADCAM: Final = Method(
    name="gradcam",
    title="Grad-CAM",
    sentence="Adds up the feature maps, each weighted by how much the class score grows with it.",
    caution="For networks that end in an average and a linear layer it is the sum itself, taken "
    "apart by places; for others an approximation.",
    formula=r"L^c_{ij} = \sum_k \Big(\frac{1}{Z}\sum_{ab} \frac{\partial y^c}{\partial "
    r"A^k_{ab}}\Big) A^k_{ij}",
    paper="Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391",
    looks_at="layer",
    class_dependent=True,
    signed=True,
    needs_backward=True,
    fast=True,
    compute=by_gradients(gradcam),
)


def gradcam_plus_plus(maps: Tensor, gradients: Tensor) -> Tensor:
    """Multiply feature maps by weighted means of their positive gradients.

    Equations 5 and 19 of the paper, in which the square of the gradient cancels.

    Other libraries keep the square and add a little to the denominator against division by zero. Behind a
    global average gradients are so small that this would decide the weights.
    """
    positive = gradients.clamp_min(0)
    total = maps.sum((1, 2)).clamp_min(0)[
        :, None, None
    ]  # the paper takes it for granted after a ReLU
    return torch.einsum("chw,kc->khw", maps, (positive / (2 + total * positive)).sum((2, 3)))


GRADCAM_PLUS_PLUS: Final = Method(
    name="gradcam++",
    title="Grad-CAM++",
    sentence="Like Grad-CAM, but counts only feature maps that raise the score, and damps "
    "strong ones so that several small places of evidence show as well.",
    caution="It leaves out all that speaks against the class, so its maps differ less from "
    "class to class.",
    formula=r"L^c_{ij} = \sum_k \Big(\sum_{ab} \alpha^{kc}_{ab}\, "
    r"\mathrm{ReLU}\Big(\frac{\partial y^c}{\partial A^k_{ab}}\Big)\Big) A^k_{ij}",
    paper="Chattopadhay et al. 2018, https://arxiv.org/abs/1710.11063",
    looks_at="layer",
    class_dependent=True,
    signed=False,
    needs_backward=True,
    fast=True,
    compute=by_gradients(gradcam_plus_plus),
)


def layercam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Multiply feature maps by their positive gradients, cell by cell."""
    return (maps * gradients.clamp_min(0)).sum(1)


LAYERCAM: Final = Method(
    name="layercam",
    title="LayerCAM",
    sentence="Weights every cell of every feature map by its own gradient, where that is positive.",
    caution="Made for shallow layers, whose maps are finer; it too leaves out what speaks "
    "against the class.",
    formula=r"L^c_{ij} = \sum_k \mathrm{ReLU}\Big(\frac{\partial y^c}{\partial A^k_{ij}}\Big) "
    r"A^k_{ij}",
    paper="Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
    looks_at="layer",
    class_dependent=True,
    signed=False,
    needs_backward=True,
    fast=True,
    compute=by_gradients(layercam),
)


def hirescam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Multiply feature maps by their gradients, cell by cell."""
    return (maps * gradients).sum(1)


HIRESCAM: Final = Method(
    name="hirescam",
    title="HiResCAM",
    sentence="Multiplies every cell by its own gradient without averaging first.",
    caution="Equal to Grad-CAM for networks that end in an average and a linear layer; for all "
    "others the more faithful of the two.",
    formula=r"L^c_{ij} = \sum_k \frac{\partial y^c}{\partial A^k_{ij}} A^k_{ij}",
    paper="Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
    looks_at="layer",
    class_dependent=True,
    signed=True,
    needs_backward=True,
    fast=True,
    compute=by_gradients(hirescam),
)


# Without gradients ------------------------------------------------------------------------------------


def by_channel_scores(
    score: Callable[[SplitNetwork, Tensor, Mapping[str, Tensor], str], Tensor],
) -> Compute:
    """Return a method's ``compute`` from how it weights channels.

    Args:
        score: network, faces, feature maps and region of a branch -> (C, 7) weight of each channel for each
            class.
    """

    def compute(
        network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
    ) -> Floats:
        def branch(split: SplitNetwork, maps: Mapping[str, Tensor], region: str) -> Tensor:
            scores = score(split, faces, maps, region)[:, indices]
            return torch.einsum("chw,ck->khw", maps[region][0], scores)

        return _weighted_by_attention(network, faces, layer, branch)

    return compute


def compute_eigencam(
    network: Network, faces: Tensor, indices: Sequence[int], layer: int | None
) -> Floats:
    """Return the first principal component of the feature maps, the same for each of K classes."""

    def branch(split: SplitNetwork, maps: Mapping[str, Tensor], region: str) -> Tensor:
        return principal(maps[region][0]).expand(len(indices), -1, -1)

    return _weighted_by_attention(network, faces, layer, branch)


def principal(maps: Tensor) -> Tensor:
    """Return the first principal component of (C, h, w) feature maps as (h, w), with a sum of zero.

    A component has no sign of its own: here it is positive where the feature maps are, on the whole, stronger
    than in the rest of the branch.
    """
    cells = maps.flatten(1).T
    centered = cells - cells.mean(0)
    component = centered @ torch.linalg.svd(centered, full_matrices=False).Vh[0]
    sign = torch.where(component @ cells.mean(1) < 0, -1, 1)
    found: Tensor = (sign * component).reshape(maps.shape[1:])
    return found


EIGENCAM: Final = Method(
    name="eigencam",
    title="EigenCAM",
    sentence="Shows the strongest pattern in the feature maps, whatever the class.",
    caution="It says what the network looks at, and nothing about why it chose its answer.",
    formula=r"L_{ij} = \sum_k v_k A^k_{ij}, \quad v \text{ the first principal direction of } A",
    paper="Muhammad and Yeasin 2020, https://arxiv.org/abs/2008.00299",
    looks_at="layer",
    class_dependent=False,
    signed=False,
    needs_backward=False,
    fast=True,
    compute=compute_eigencam,
)


def kept_scores(
    split: SplitNetwork, faces: Tensor, maps: Mapping[str, Tensor], region: str
) -> Tensor:
    """Return the (C, 7) softmax, over the channels of a branch, of the class score that each one keeps.

    The paper stretches every feature map over the whole input. Here a mask lies where the block of its branch
    lies, and what it hides takes the mean gray of the training images.
    """
    hidden = 255 * GRAY_MEAN
    scores = [
        split.network(hidden + mask * (faces - hidden)).logits.float()
        for mask in masks(maps[region][0], region, faces.shape[-1])
    ]
    return torch.cat(scores).softmax(dim=0)


def masks(channels: Tensor, region: str, size: int) -> Iterator[Tensor]:
    """Yield batches of (B, 1, S, S) masks from (C, h, w) feature maps: 0..1, zero outside the block."""
    rows, columns = block(region, size)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    for batch in torch.split(channels[:, None], BATCH):
        fine = F.interpolate(batch, shape, mode="bilinear")
        low, high = fine.amin((2, 3), keepdim=True), fine.amax((2, 3), keepdim=True)
        laid = fine.new_zeros(len(batch), 1, size, size)
        laid[:, :, rows, columns] = (fine - low) / (high - low).clamp_min(1e-8)
        yield laid


SCORECAM: Final = Method(
    name="scorecam",
    title="Score-CAM",
    sentence="Hides the face except where one feature map is active, reads the class score, and "
    "weights the feature map by it.",
    caution="It asks for no gradient, but faces with holes are like nothing that the network "
    "has learned from.",
    formula=r"L^c_{ij} = \sum_k \mathrm{softmax}_k\big(y^c(x \odot \hat{A}^k)\big) A^k_{ij}",
    paper="Wang et al. 2020, https://arxiv.org/abs/1910.01279",
    looks_at="layer",
    class_dependent=True,
    signed=False,
    needs_backward=False,
    fast=False,
    compute=by_channel_scores(kept_scores),
)


def lost_scores(
    split: SplitNetwork, faces: Tensor, maps: Mapping[str, Tensor], region: str
) -> Tensor:
    """Return the (C, 7) loss of each class score without each channel of a branch, the others unchanged."""
    whole = split.output(faces, maps).logits
    lost = []
    for channels in torch.split(torch.arange(maps[region].shape[1]), BATCH):
        several = {name: own.repeat(len(channels), 1, 1, 1) for name, own in maps.items()}
        several[region][torch.arange(len(channels)), channels] = 0
        without = split.output(faces.expand(len(channels), -1, -1, -1), several)
        lost.append((whole - without.logits).float())
    return torch.cat(lost)


ABLATIONCAM: Final = Method(
    name="ablationcam",
    title="Ablation-CAM",
    sentence="Switches off one feature map after another, and weights it by what the class "
    "score loses.",
    caution="It asks for no gradient; where two feature maps say the same, neither is missed.",
    formula=r"L^c_{ij} = \sum_k \big(y^c - y^c_{A^k = 0}\big) A^k_{ij}",
    paper="Desai and Ramaswamy 2020, https://doi.org/10.1109/WACV45572.2020.9093360",
    looks_at="layer",
    class_dependent=True,
    signed=True,
    needs_backward=False,
    fast=False,
    compute=by_channel_scores(lost_scores),
)


def _weighted_by_attention(
    network: Network,
    faces: Tensor,
    layer: int | None,
    branch: Callable[[SplitNetwork, Mapping[str, Tensor], str], Tensor],
) -> Floats:
    """Return the (K, h, w) maps of all branches, each times the attention weight of its branch.

    Layers before the blocks are cut have one map of the whole face, which belongs to all blocks.
    """
    split = SplitNetwork(network, layer)
    maps = split.maps(faces)
    with torch.inference_mode():
        attention = split.output(faces, maps).region_attention
        is_cut = attention is not None and len(maps) == attention.shape[1]
        weights = attention[0] if attention is not None and is_cut else [1.0] * len(maps)
        return _joined(
            {
                region: weight * branch(split, maps, region)
                for region, weight in zip(maps, weights, strict=True)
            }
        )


def _joined(branches: Mapping[str, Tensor]) -> Floats:
    """Lay the (K, h, w) maps of each branch to their place on the grid of the whole face, and add them."""
    region, branch = next(iter(branches.items()))
    side = grid_side(region, branch.shape[1])
    summed = branch.new_zeros(len(branch), side, side)
    for region, branch in branches.items():
        rows, columns = block(region, side)
        summed[:, rows, columns] += branch
    joined: Floats = summed.float().cpu().numpy()
    return joined
