"""Raw maps of classes by any method, unscaled."""

from collections.abc import Sequence

import torch

from fer_core.explain.methods import get_method
from fer_core.labels import expression_index
from fer_core.models.base import NetworkOutput
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image


@torch.inference_mode()
def evidence_maps(classifier: Classifier, output: NetworkOutput) -> Floats | None:
    """Compute Grad-CAM of every class at once, without a backward pass.

    Args:
        output: output of ``classifier.forward`` for N faces.

    Returns:
        (N, 7, h, w), each summing to the logit less its bias; equal to ``raw_map`` with "gradcam".
        None for a network whose scores do not split into places, which needs ``raw_map``.
    """
    evidence = classifier.network.evidence(output)
    return None if evidence is None else evidence.float().cpu().numpy()


def raw_map(
    classifier: Classifier, aligned: Image, target: str, method: str, *, layer: int | None = None
) -> Floats:
    """Compute the map of one class, as ``raw_maps`` does."""
    return raw_maps(classifier, aligned, (target,), method, layer=layer)[target]


@torch.inference_mode(False)  # the inference mode of a caller would disable gradients
def raw_maps(
    classifier: Classifier,
    aligned: Image,
    targets: Sequence[str],
    method: str,
    *,
    layer: int | None = None,
) -> dict[str, Floats]:
    """Compute the maps of some classes on one face. Leaves no trace in the network, so threads may share it.

    The map of a network of several branches is the sum of theirs, each times the attention weight of
    its branch taken as a constant, in its place on the grid.

    Args:
        aligned: (S, S) uint8.
        targets: names of classes.
        method: one of ``list_methods()``; ``method_for`` replaces those that do not work with the model.
        layer: number of one of ``list_layers``, the last by default; for methods that look at a layer.

    Returns:
        Class -> (h, w); ``Method.signed`` says what negative values mean.

    Raises:
        UserError: for an unknown class, method or layer; the message lists the valid ones.
    """
    indices = {target: expression_index(target) for target in targets}
    used = get_method(method_for(classifier, method))
    faces = classifier.tensor(aligned[None])
    maps = used.compute(classifier.network, faces, list(indices.values()), layer)
    return dict(zip(indices, maps, strict=True))


def method_for(classifier: Classifier, method: str) -> str:
    """Return the method that explains a model where ``method`` is asked for.

    It is occlusion for models without maps, and for models without a gradient back to the pixels where the
    method needs one.

    Raises:
        UserError: for an unknown method; the message lists the valid ones.
    """
    wanted, network = get_method(method), classifier.network
    works = network.trunks if wanted.looks_at == "pixels" else network.has_maps
    return wanted.name if works else "occlusion"
