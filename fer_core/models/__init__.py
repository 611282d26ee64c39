"""Networks by name."""

from fer_core.models import plain, prior_attention  # noqa: F401  (they register themselves)
from fer_core.models.registry import build_network, list_families

__all__ = ["build_network", "list_families"]
