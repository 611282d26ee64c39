"""Models around untrained networks."""

from collections.abc import Mapping
from typing import Any

from fer_core.labels import EXPRESSIONS
from fer_core.models.base import Network
from fer_core.models.classifier import Classifier
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
    return Classifier(network, card)
