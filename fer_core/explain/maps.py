"""Raw maps of classes by any method, unscaled."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fer_core.explain.methods import get_method
from fer_core.labels import expression_index
from fer_core.models.classifier import Classifier
from fer_core.types import Floats, Image


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
    if classifier.remote is not None:
        remote = classifier.remote.raw_maps(aligned, list(indices), used.name, layer)
        if remote is not None:
            return remote
    faces = face_tensor(classifier, aligned)
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


def face_tensor(classifier: Classifier, aligned: Image) -> Tensor:
    """Return an aligned face as the network's input: (S, S) uint8 -> (1, 1, S, S) on the model's device."""
    return torch.from_numpy(np.ascontiguousarray(aligned)[None, None]).to(classifier.device)
