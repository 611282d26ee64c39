"""Network families by name, and trained models.

Each name is imported when it is first used: a model that runs by its graph does without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("Classifier", "load_model"):
        return getattr(import_module(f"{__name__}.classifier"), name)
    import_module(f"{__name__}.families")
    return getattr(import_module(f"{__name__}.registry"), name)
