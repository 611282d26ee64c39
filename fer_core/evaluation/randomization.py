"""Randomization test of "Sanity checks for saliency maps" (Adebayo et al. 2018,
https://arxiv.org/abs/1810.03292): does a map depend on what the network learned?

If a method's maps stay the same after the weights are randomized, they show the face and not the network.
"""

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import torch
from torch import nn

from fer_core.explain.layers import layer_ends
from fer_core.models.base import Network
from fer_core.models.classifier import Classifier
from fer_core.types import Floats


def randomized(classifier: Classifier, seed: int = 0) -> Iterator[tuple[str, Classifier]]:
    """Randomize copies of a model step by step, from the output down to the input.

    The values of each weight and bias tensor are shuffled, not redrawn as in the paper: batch norms are
    folded into the convolutions of loaded models, so nothing else would keep the scale of the feature maps.

    Args:
        classifier: the trained model; it stays unchanged.
        seed: seed of the shuffling.

    Yields:
        Name of the part randomized last, and a copy in which this part and all earlier ones are randomized:
        "head", which is everything except the trunks, then "layer 5" and so on to "layer 1", numbered as by
        ``list_layers``. Models without trunks yield the head only; models without weights, such as boosted
        trees, yield nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    network = deepcopy(classifier.network)
    for name, parameters in _parts(network).items():
        for parameter in parameters:
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.data = parameter.data.flatten()[order].view_as(parameter)
        if parameters:
            yield (
                name,
                Classifier.from_network(deepcopy(network), classifier.card, classifier.device),
            )


def _parts(network: Network) -> dict[str, list[nn.Parameter]]:
    """Return the parameters of each step; a parameter that branches share occurs once."""
    trunks = network.trunks.values()
    in_trunks = set(nn.ModuleList(trunks).parameters())
    parts = {"head": [each for each in network.parameters() if each not in in_trunks]}
    layers: dict[str, nn.ModuleList] = {}
    for trunk in trunks:
        steps, ends = list(trunk.body.children()), list(layer_ends(trunk))
        for number in range(len(ends), 0, -1):
            start = ends[number - 2] if number > 1 else 0
            layers.setdefault(f"layer {number}", nn.ModuleList()).extend(
                steps[start : ends[number - 1]]
            )
    return parts | {name: list(modules.parameters()) for name, modules in layers.items()}


def rank_correlation(a: Floats, b: Floats) -> float:
    """Compute Spearman's rank correlation of two maps of the same grid.

    Returns:
        -1..1; 0 if a map is constant or has NaN or infinite cells.
    """
    from scipy.stats import spearmanr  # takes a second

    if not all(np.isfinite(raw).all() and np.ptp(raw) > 0 for raw in (a, b)):
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)
