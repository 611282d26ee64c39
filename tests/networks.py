"""Models around untrained networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fer_core.labels import EXPRESSIONS
from fer_core.models.base import Network, NetworkOutput
from fer_core.models.classifier import Classifier
from fer_core.types import Image
from fer_core.weights import Card


def classifier_of(
    network: Network,
    family: str = "test",
    *,
    options: Mapping[str, Any] | None = None,
    temperature: float = 1.0,
) -> Classifier:
    """Return a model with a small card.

    Args:
        options: of the network's constructor, for cards that are written and read again.
    """
    card = Card(
        name=family,
        family=family,
        network=dict(options or {}),
        classes=EXPRESSIONS,
        input_size=network.input_size,
        aligned=True,
        temperature=temperature,
        unsure_below=0.4,
        parameters=sum(numbers.numel() for numbers in network.parameters()),
    )
    return Classifier.from_network(network, card)


def network_output(classifier: Classifier, aligned: Image) -> NetworkOutput:
    """Return all that the torch network computes for (N, S, S) uint8 aligned faces, feature maps among it."""
    with torch.inference_mode():
        output: NetworkOutput = classifier.network(face_tensor(aligned))
    return output


def face_tensor(aligned: Image) -> Tensor:
    """(N, S, S) uint8 -> (N, 1, S, S)."""
    return torch.from_numpy(np.ascontiguousarray(aligned)[:, None])
