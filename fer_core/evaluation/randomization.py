"""Does a map depend on what the network learned? The randomisation test of "Sanity checks for saliency maps"
(Adebayo et al. 2018, https://arxiv.org/abs/1810.03292).

A method whose maps stay as they were when the network forgets shows the face, not the network.
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
    """Copies of a model that forget more and more of what it learned, from the answer down to the pixels.

    The numbers of each weight and of each bias are shuffled among themselves, not drawn anew as in the paper:
    batch norms are folded into the convolutions of loaded models, so nothing else keeps feature maps about
    as strong as they were.

    Yields:
        What forgot last, with the copy in which all that came before it has forgotten too: "head", which is
        everything but the trunks, then "layer 5" and so on to "layer 1", numbered as by ``list_layers``. Of
        models without trunks there is the head alone, of those without weights, as boosted trees, nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    network = deepcopy(classifier.network)
    for name, learned in _parts(network).items():
        for numbers in learned:
            order = torch.randperm(numbers.numel(), generator=generator).to(numbers.device)
            numbers.data = numbers.data.flatten()[order].view_as(numbers)
        if learned:
            yield name, Classifier(deepcopy(network), classifier.card, str(classifier.device))


def _parts(network: Network) -> dict[str, list[nn.Parameter]]:
    """What forgets step by step: weights and biases, each once even where branches share it."""
    trunks = network.trunks.values()
    deep = set(nn.ModuleList(trunks).parameters())
    parts = {"head": [numbers for numbers in network.parameters() if numbers not in deep]}
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
    """Spearman's correlation between two maps of the same grid, -1..1; 0 where one of them has no order: the
    same value everywhere, or NaN or infinite cells."""
    from scipy.stats import spearmanr  # it takes a second

    if not all(np.isfinite(raw).all() and np.ptp(raw) > 0 for raw in (a, b)):
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)
