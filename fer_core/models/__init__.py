"""Networks by name, with and without trained weights."""

from fer_core.models import plain, prior_attention  # noqa: F401  (they register themselves)
from fer_core.models.classifier import Classifier, load_model
from fer_core.models.registry import build_network, list_families

__all__ = ["Classifier", "build_network", "list_families", "load_model"]
