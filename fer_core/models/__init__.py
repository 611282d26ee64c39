"""Network families by name, and trained models."""

from fer_core.models import (  # noqa: F401  (they register themselves)
    boosted,
    cnn_lstm,
    dexpression,
    dnn,
    emonet,
    emotional_dan,
    ferplus_cnn,
    hybrid,
    inception,
    kernel_machine,
    plain,
    prior_attention,
    prior_blocks,
    simple_cnn,
    xception,
)
from fer_core.models.classifier import Classifier, load_model
from fer_core.models.registry import Family, build_network, get_family, list_families

__all__ = [
    "Classifier",
    "Family",
    "build_network",
    "get_family",
    "list_families",
    "load_model",
]
